import { useEffect, useMemo, useRef, useState, type PointerEvent, type ReactNode, type RefObject } from 'react';
import type { Chapter } from '../api/types';
import { useToasts } from '../stores/toasts';
import { useSound } from '../stores/sound';
import { axisOf, type Axis } from './axis';
import { Controls, type Menu } from './Controls';
import type { Place } from './place';
import { toggleFullscreen, togglePictureInPicture, useIsFullscreen } from './fullscreen';
import { LowestNote } from './LowestSwitch';
import { Overlays, ReconnectingChip } from './Overlays';
import { SeekBar, STEP_S, type Mark } from './SeekBar';
import { ShortcutsPanel } from './ShortcutsPanel';
import { StatsPanel } from './StatsPanel';
import { useMediaSession } from './useMediaSession';
import { usePlayer, type PlayerHandle, type Source } from './usePlayer';
import { useStoryboard } from './useStoryboard';
import { useCaptions, useTextTracks } from './useTextTracks';
import { useShortcuts, type Shortcut } from './useShortcuts';
import './player.css';

const IDLE_MS = 2600;
const VOLUME_STEP = 0.1;

interface Props {
  source: Source;
  title: string;
  artist: string;
  /** What this part of the page is called, where there are two. */
  label?: string;
  artwork?: string;
  /** The dashboard's small player: silent, and the page's keys are not its own. */
  isPreview?: boolean;
  /** A small player that is heard all the same. */
  hasSound?: boolean;
  storyboardUrl?: string | null;
  /** Since when a live stream can be rewound to. */
  rewindFrom?: string | null;
  chapters?: readonly Chapter[];
  /** Somebody is about to seek: what is known of the stream may be old. */
  onAim?: () => void;
  onPlace?: (place: Place) => void;
  /** For the page's own buttons. */
  handle?: RefObject<PlayerHandle | null>;
  /** Buttons of the page, beside the player's own, and their keys. */
  extra?: ReactNode;
  extraShortcuts?: Shortcut[];
}

export function Player({ source, title, artist, label = 'Player', artwork = '', isPreview = false, ...more }: Props) {
  const frame = useRef<HTMLElement>(null);
  const player = usePlayer(source, isPreview, more.hasSound);
  const { state, stats } = player;
  const isFullscreen = useIsFullscreen(frame);
  const hasCaptions = useTextTracks(player.video, frame);
  const captions = useCaptions(hasCaptions, player.lowest.phase === 'on');
  const [panel, setPanel] = useState<'stats' | 'help' | null>(null);
  const [menu, setMenu] = useState<Menu | null>(null);
  const [isIdle, wake] = useIdle(state.phase === 'playing' && menu === null);
  const isRecorded = source.isRecorded ?? false;
  const axis = isPreview ? null : axisOf(player, isRecorded, source.rewindUrl ? (more.rewindFrom ?? null) : null);
  const poster = useFirst(artwork);
  const say = useToasts((toasts) => toasts.show);

  const fullscreen = () => toggleFullscreen(frame.current, player.video.current);
  const pictureInPicture = async () => {
    if (!(await togglePictureInPicture(player.video.current))) say('Picture in picture needs a playing picture.', 'failed');
  };
  const toggle = (which: 'stats' | 'help') => setPanel((open) => (open === which ? null : which));
  const louder = (by: number) => {
    if (player.isMuted && by < 0) return; // quieter than silent: keep the volume that unmuting brings back
    player.setVolume((player.isMuted ? 0 : useSound.getState().volume) + by);
  };

  const shortcuts: Shortcut[] = [
    { keys: [' ', 'k'], label: 'Space k', what: 'Play or pause', act: player.toggle },
    { keys: ['m'], label: 'm', what: 'Mute or unmute', act: player.toggleMute },
    { keys: ['f'], label: 'f', what: 'Fullscreen', act: fullscreen },
    { keys: ['i'], label: 'i', what: 'Picture in picture', act: () => void pictureInPicture() },
    { keys: ['ArrowUp'], label: '↑', what: 'Louder', act: () => louder(VOLUME_STEP) },
    { keys: ['ArrowDown'], label: '↓', what: 'Quieter', act: () => louder(-VOLUME_STEP) },
    { keys: ['ArrowLeft'], label: '←', what: `Back ${STEP_S} s`, act: () => player.seekBy(-STEP_S) },
    { keys: ['ArrowRight'], label: '→', what: `Forward ${STEP_S} s`, act: () => player.seekBy(STEP_S) },
    ...(isRecorded ? [] : [{ keys: ['l'], label: 'l', what: 'Go to live', act: player.goLive }]),
    ...(player.qualities.length > 1 ? [{ keys: ['q'], label: 'q', what: 'Quality', act: () => setMenu(menu === 'quality' ? null : 'quality') }] : []),
    ...(hasCaptions ? [{ keys: ['c'], label: 'c', what: 'Captions', act: captions.toggle }] : []),
    ...(player.lowest.isOffered ? [{ keys: ['d'], label: 'd', what: 'Lowest latency', act: player.lowest.toggle }] : []),
    ...(more.extraShortcuts ?? []),
    { keys: ['s'], label: 's', what: 'Statistics', act: () => toggle('stats') },
    { keys: ['?'], label: '?', what: 'This list', act: () => toggle('help') },
  ];
  const awake = (shortcut: Shortcut): Shortcut => ({ ...shortcut, act: () => (wake(), shortcut.act()) });
  useShortcuts(shortcuts.map(awake), !isPreview);
  useMediaSession({ title, artist, artwork }, player, !isPreview);

  if (more.handle) more.handle.current = player;
  useEffect(() => {
    if (stats) more.onPlace?.(stats.place);
  }, [stats]);

  const tap = (event: PointerEvent) => {
    wake();
    // A finger first asks for the controls; a mouse has them already.
    if (event.pointerType === 'mouse' && event.button === 0) player.toggle();
  };

  return (
    <section ref={frame} className="player" aria-label={label} data-testid="player" data-state={state.phase} data-idle={isIdle}
      data-latency={stats?.latencyS?.toFixed(3) ?? ''} data-aim={stats?.aimS?.toFixed(3) ?? ''} data-buffer={stats?.bufferS.toFixed(3) ?? ''}
      data-dropped={stats?.droppedFrames ?? ''} data-stalls={stats?.stalls ?? ''} data-first-frame={player.firstFrameMs ?? ''}
      data-muted={player.isMuted} data-delivery={player.lowest.phase === 'on' ? 'webrtc' : 'hls'} data-lowest={player.lowest.phase} data-quality={stats?.quality ?? ''} data-auto={stats?.isAuto ?? true} data-reconnecting={source.isInterrupted ?? false} data-past={stats?.place.isPast ?? false} data-compact={isPreview} onPointerMove={wake} onFocus={wake}>
      <video ref={player.video} data-testid="video" playsInline tabIndex={-1} poster={poster} aria-label={isRecorded ? `Video: ${title}` : `Live video of ${artist}`}
        onPointerUp={tap} onDoubleClick={fullscreen} />
      <div className="overlay">
        <Overlays isInterrupted={source.isInterrupted ?? false} isRecorded={isRecorded} state={state} onPlay={player.play} onRetry={player.retry} onUnmute={player.unmute} />
      </div>
      {source.isInterrupted && <ReconnectingChip />}
      <LowestNote text={captions.note || noteOf(player.lowest.why)} />
      {panel === 'stats' && <StatsPanel stats={stats} phase={state.phase} firstFrameMs={player.firstFrameMs} onClose={() => setPanel(null)} />}
      {panel === 'help' && <ShortcutsPanel shortcuts={shortcuts} onClose={() => setPanel(null)} />}
      <Controls player={player} axis={axis} bar={axis && <Seek player={player} axis={axis} {...more} />} extra={more.extra} isRecorded={isRecorded} isOver={source.isEnding ?? false} isFullscreen={isFullscreen} isCompact={isPreview} isStatsOpen={panel === 'stats'} isHelpOpen={panel === 'help'}
        menu={menu} onMenu={setMenu} captions={captions}
        onStats={() => toggle('stats')} onHelp={() => toggle('help')} onPictureInPicture={() => void pictureInPicture()} onFullscreen={fullscreen} />
    </section>
  );
}

interface SeekProps extends Pick<Props, 'storyboardUrl' | 'chapters' | 'onAim'> {
  player: PlayerHandle;
  axis: Axis;
}

/** The seek bar with its pictures, which load once somebody aims at it, and its chapters. */
function Seek({ player, axis, storyboardUrl, chapters, onAim }: SeekProps) {
  const [isAiming, setAiming] = useState(false);
  const tiles = useStoryboard(storyboardUrl, isAiming, player.stats?.place.isGrowing ?? false);
  const marks = useMemo(() => marksOf(chapters, axis), [chapters, axis.startS, axis.endS]);
  const aim = () => {
    setAiming(true);
    onAim?.();
  };
  return <SeekBar axis={axis} marks={marks} tiles={tiles} onAim={aim} />;
}

const noteOf = (why: string): string => why && `${why} Playing with the usual delay.`;

/** A single chapter is the whole, and says nothing. */
function marksOf(chapters: readonly Chapter[] | undefined, axis: Axis): Mark[] {
  if (!chapters || chapters.length < 2) return [];
  return chapters.flatMap(({ startMs, title }) => {
    const atS = axis.ofMedia(startMs / 1000);
    return atS === null ? [] : [{ atS, title }];
  });
}

/** The first value that is not empty: a poster that changes would be fetched again under a picture that moves. */
function useFirst(value: string): string | undefined {
  const first = useRef('');
  first.current ||= value;
  return first.current || undefined;
}

/** True once nobody has moved for a while; the controls then leave the picture alone. */
function useIdle(isPlaying: boolean): [boolean, () => void] {
  const [isIdle, setIdle] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const wake = () => {
    setIdle(false);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setIdle(true), IDLE_MS);
  };
  useEffect(() => {
    timer.current = setTimeout(() => setIdle(true), IDLE_MS);
    return () => clearTimeout(timer.current);
  }, [isPlaying]);
  return [isIdle && isPlaying, wake];
}
