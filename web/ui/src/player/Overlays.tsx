/** What lies over the picture when it does not simply play. */

import { Icon } from '../ui/Icon';
import { useNow } from '../ui/useNow';
import type { PlayerState } from './state';

interface Props {
  /** The publisher is awaited: its chip says so, and a spinner of our own would say it again. */
  isInterrupted: boolean;
  isRecorded: boolean;
  state: PlayerState;
  onPlay: () => void;
  onRetry: () => void;
  onUnmute: () => void;
}

export function Overlays({ isInterrupted, isRecorded, state, onPlay, onRetry, onUnmute }: Props) {
  switch (state.phase) {
    case 'loading':
    case 'waiting':
      // A retry that has begun keeps its words until the picture is back: no flicker between the two.
      if (isInterrupted && state.phase === 'waiting') return null;
      return state.trouble ? <TroubleCard state={state} onRetry={onRetry} /> : <div className="spinner" role="progressbar" aria-label="Loading" />;
    case 'retrying':
    case 'failed':
      return <TroubleCard state={state} onRetry={onRetry} />;
    case 'paused':
    case 'blocked':
      return (
        <button type="button" className="big-play" aria-label="Play" data-testid="big-play" onClick={onPlay}>
          <Icon name="play" size={40} />
        </button>
      );
    case 'playing':
      if (!state.isMutedByBrowser) return null;
      return (
        <button type="button" className="unmute" data-testid="unmute" onClick={onUnmute}>
          <Icon name="muted" /> Unmute
        </button>
      );
    case 'ended':
      if (!isRecorded) return null;
      return (
        <button type="button" className="play-again" data-testid="play-again" onClick={onPlay}>
          <Icon name="replay" size={22} /> Play again
        </button>
      );
  }
}

function TroubleCard({ state, onRetry }: { state: PlayerState; onRetry: () => void }) {
  const { trouble, retryAt, phase } = state;
  const now = useNow(500, retryAt !== null);
  if (!trouble) return null;
  const seconds = retryAt === null ? 0 : Math.max(0, Math.ceil((retryAt - now) / 1000));
  return (
    <div className="trouble" role="alert" data-testid="player-error">
      <Icon name="warning" size={32} />
      <h2>{trouble.title}</h2>
      <p>{trouble.advice}</p>
      <div className="trouble-foot">
        {phase !== 'failed' && <span aria-hidden="true">{seconds > 0 ? `Next try in ${seconds} s` : 'Trying again …'}</span>}
        <button type="button" className="button" onClick={onRetry}>Retry now</button>
      </div>
    </div>
  );
}

/** The picture goes on meanwhile, so this stays at its edge. */
export function ReconnectingChip() {
  return (
    <p className="reconnecting" role="status" data-testid="reconnecting">
      <span className="reconnecting-ring" aria-hidden="true" />
      <span><b>Reconnecting…</b> the streamer will be right back</span>
    </p>
  );
}
