import { formatSeconds } from '../format';
import { useSound } from '../stores/sound';
import { Icon, type IconName } from '../ui/Icon';
import { hasPictureInPicture } from './fullscreen';
import { QualityMenu } from './QualityMenu';
import type { PlayerHandle } from './usePlayer';
import { useCaptionChoice } from './useTextTracks';

interface Props {
  player: PlayerHandle;
  isFullscreen: boolean;
  isCompact: boolean;
  isStatsOpen: boolean;
  isHelpOpen: boolean;
  isQualityOpen: boolean;
  hasCaptions: boolean;
  onQuality: (isOpen: boolean) => void;
  onStats: () => void;
  onHelp: () => void;
  onPictureInPicture: () => void;
  onFullscreen: () => void;
}

const LATENCY_EXPLAINED =
  'Latency: how long ago the picture you see was encoded. The stream carries the time of each picture; this is ' +
  'your clock minus that time, so both clocks have to be right.';

export function Controls({ player, isFullscreen, isCompact, isStatsOpen, isHelpOpen, isQualityOpen, hasCaptions, ...on }: Props) {
  const { state, stats, isMuted, qualities } = player;
  const captions = useCaptionChoice();
  const volume = useSound((sound) => sound.volume);
  const isPlaying = state.phase === 'playing' || state.phase === 'waiting';
  return (
    <div className="controls">
      <Button name={isPlaying ? 'pause' : 'play'} label={isPlaying ? 'Pause (k)' : 'Play (k)'} testid="play" onClick={player.toggle} />
      {!isCompact && (
        <div className="volume">
          <Button name={isMuted ? 'muted' : 'volume'} label={isMuted ? 'Unmute (m)' : 'Mute (m)'} testid="mute" onClick={player.toggleMute} />
          <input type="range" min={0} max={100} value={isMuted ? 0 : Math.round(volume * 100)} aria-label="Volume"
            onChange={(event) => player.setVolume(Number(event.target.value) / 100)} />
        </div>
      )}
      {stats?.isBehind ? (
        <button type="button" className="go-live" data-testid="go-live" onClick={player.goLive} aria-label="Go to live">
          <Icon name="forward" size={14} /> Go to live
        </button>
      ) : (
        isPlaying && <span className="on-air" data-testid="at-live">Live</span>
      )}
      <span className="latency" data-testid="latency" title={LATENCY_EXPLAINED}>
        {formatSeconds(stats?.latencyS)}
      </span>
      <span className="controls-gap" />
      {!isCompact && (
        <>
          {hasCaptions && <Button name="captions" label="Captions (c)" testid="captions" isPressed={captions.isWanted} onClick={captions.toggle} />}
          {qualities.length > 1 && <QualityMenu qualities={qualities} playing={stats?.quality ?? null} isOpen={isQualityOpen} onToggle={on.onQuality} />}
          <Button name="stats" label="Statistics (s)" testid="stats-button" isPressed={isStatsOpen} onClick={on.onStats} extra={hasCaptions ? 'wide-only' : ''} />
          <Button name="help" label="Keyboard shortcuts (?)" testid="help-button" isPressed={isHelpOpen} onClick={on.onHelp} extra="wide-only" />
          {hasPictureInPicture() && <Button name="pip" label="Picture in picture (i)" testid="pip" onClick={on.onPictureInPicture} extra="wide-only" />}
        </>
      )}
      <Button name={isFullscreen ? 'shrink' : 'fullscreen'} label={isFullscreen ? 'Leave fullscreen (f)' : 'Fullscreen (f)'} testid="fullscreen" onClick={on.onFullscreen} />
    </div>
  );
}

interface ButtonProps {
  name: IconName;
  label: string;
  testid: string;
  isPressed?: boolean;
  extra?: string;
  onClick: () => void;
}

function Button({ name, label, testid, isPressed, extra = '', onClick }: ButtonProps) {
  return (
    <button type="button" className={`control ${extra}`} aria-label={label} title={label} aria-pressed={isPressed} data-testid={testid} onClick={onClick}>
      <Icon name={name} size={22} />
    </button>
  );
}
