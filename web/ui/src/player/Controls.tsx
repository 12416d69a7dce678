import type { ReactNode } from 'react';
import { formatDuration, formatSeconds } from '../format';
import { useSound } from '../stores/sound';
import { Icon, type IconName } from '../ui/Icon';
import type { Axis } from './axis';
import { hasPictureInPicture } from './fullscreen';
import { LowestSwitch } from './LowestSwitch';
import { QualityMenu } from './QualityMenu';
import { RateMenu } from './RateMenu';
import type { PlayerHandle } from './usePlayer';
import type { Captions } from './useTextTracks';

export type Menu = 'quality' | 'rate';

interface Props {
  player: PlayerHandle;
  axis: Axis | null;
  /** The seek bar. */
  bar: ReactNode;
  /** What the page adds. */
  extra: ReactNode;
  isRecorded: boolean;
  /** The stream is over: there is no live picture to go to. */
  isOver: boolean;
  isFullscreen: boolean;
  isCompact: boolean;
  isStatsOpen: boolean;
  isHelpOpen: boolean;
  menu: Menu | null;
  captions: Captions;
  onMenu: (menu: Menu | null) => void;
  onStats: () => void;
  onHelp: () => void;
  onPictureInPicture: () => void;
  onFullscreen: () => void;
}

/** So far behind, seconds with decimals are no help. */
const CLOCK_FROM_S = 10;
const LATENCY_EXPLAINED =
  'Latency: how long ago the picture you see was encoded. The stream carries the time of each picture; this is ' +
  'your clock minus that time, so both clocks have to be right.';

export function Controls({ player, axis, bar, extra, isRecorded, isOver, isFullscreen, isCompact, isStatsOpen, isHelpOpen, menu, captions, ...on }: Props) {
  const { state, stats, isMuted, qualities, lowest } = player;
  const volume = useSound((sound) => sound.volume);
  const isPlaying = state.phase === 'playing' || state.phase === 'waiting';
  const toggle = (which: Menu) => (isOpen: boolean) => on.onMenu(isOpen ? which : null);
  return (
    <div className="controls">
      {bar}
      <div className="controls-row">
        {isRecorded && state.phase === 'ended' ? (
          <Button name="replay" label="Play again (k)" testid="play" onClick={player.play} />
        ) : (
          <Button name={isPlaying ? 'pause' : 'play'} label={isPlaying ? 'Pause (k)' : 'Play (k)'} testid="play" onClick={player.toggle} />
        )}
        {!isCompact && (
          <div className="volume">
            <Button name={isMuted ? 'muted' : 'volume'} label={isMuted ? 'Unmute (m)' : 'Mute (m)'} testid="mute" onClick={player.toggleMute} />
            <input type="range" min={0} max={100} value={isMuted ? 0 : Math.round(volume * 100)} aria-label="Volume"
              onChange={(event) => player.setVolume(Number(event.target.value) / 100)} />
          </div>
        )}
        {isRecorded ? !isCompact && <Clock axis={axis} /> : <Liveness player={player} axis={axis} isPlaying={isPlaying} isOver={isOver} />}
        <span className="controls-gap" />
        {extra}
        {!isCompact && (
          <>
            {captions.has && <Button name="captions" label="Captions (c)" testid="captions" isPressed={captions.isOn} onClick={captions.toggle} />}
            {isRecorded && <RateMenu rate={player.rate} onRate={player.setRate} isOpen={menu === 'rate'} onToggle={toggle('rate')} />}
            {lowest.isOffered && !isOver && <LowestSwitch lowest={lowest} />}
            {qualities.length > 1 && <QualityMenu qualities={qualities} playing={stats?.quality ?? null} lowest={lowest} isOpen={menu === 'quality'} onToggle={toggle('quality')} />}
            <Button name="stats" label="Statistics (s)" testid="stats-button" isPressed={isStatsOpen} onClick={on.onStats} extra={captions.has || isRecorded || extra ? 'wide-only' : ''} />
            <Button name="help" label="Keyboard shortcuts (?)" testid="help-button" isPressed={isHelpOpen} onClick={on.onHelp} extra="wide-only" />
            {hasPictureInPicture() && <Button name="pip" label="Picture in picture (i)" testid="pip" onClick={on.onPictureInPicture} extra="wide-only" />}
          </>
        )}
        <Button name={isFullscreen ? 'shrink' : 'fullscreen'} label={isFullscreen ? 'Leave fullscreen (f)' : 'Fullscreen (f)'} testid="fullscreen" onClick={on.onFullscreen} />
      </div>
    </div>
  );
}

function Clock({ axis }: { axis: Axis | null }) {
  return (
    <span className="clock" data-testid="clock">
      {axis ? axis.label(axis.valueS) : formatDuration(0)} <span>/ {axis ? axis.label(axis.endS) : formatDuration(0)}</span>
    </span>
  );
}

/** At the live edge, or how far behind it; or that it is over. */
function Liveness({ player, axis, isPlaying, isOver }: { player: PlayerHandle; axis: Axis | null; isPlaying: boolean; isOver: boolean }) {
  const { stats } = player;
  const behindS = stats?.place.isPast && axis ? axis.endS - axis.valueS : (stats?.latencyS ?? 0);
  if (isOver) {
    return (
      <>
        <span className="over" data-testid="over">Stream is over</span>
        {stats?.place.isPast && <span className="latency" title="How much is left to its end.">-{formatDuration(behindS * 1000)}</span>}
      </>
    );
  }
  if (!stats?.isBehind) {
    return (
      <>
        {isPlaying && <span className="on-air" data-testid="at-live">Live</span>}
        <span className="latency" data-testid="latency" title={LATENCY_EXPLAINED}>{formatSeconds(stats?.latencyS)}</span>
      </>
    );
  }
  return (
    <>
      <button type="button" className="go-live" data-testid="go-live" onClick={player.goLive} aria-label="Go to live">
        <Icon name="forward" size={14} /> Go to live
      </button>
      <span className="latency" data-testid="latency" title="How far this is behind the live picture.">
        {behindS < CLOCK_FROM_S ? formatSeconds(behindS) : `-${formatDuration(behindS * 1000)}`}
      </span>
    </>
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

export function Button({ name, label, testid, isPressed, extra = '', onClick }: ButtonProps) {
  return (
    <button type="button" className={`control ${extra}`} aria-label={label} title={label} aria-pressed={isPressed} data-testid={testid} onClick={onClick}>
      <Icon name={name} size={22} />
    </button>
  );
}
