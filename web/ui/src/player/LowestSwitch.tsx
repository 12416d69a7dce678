import { useEffect, useState } from 'react';
import { Icon } from '../ui/Icon';
import type { Lowest } from './useLowest';

const EXPLAINED = 'Lowest latency (d): the picture as it happens, over WebRTC. In one quality; rewinding leads back to the usual player.';

export function LowestSwitch({ lowest }: { lowest: Lowest }) {
  return (
    <button type="button" className="control lowest" aria-label="Lowest latency (d)" title={EXPLAINED} aria-pressed={lowest.isOn}
      aria-busy={lowest.phase === 'joining'} data-testid="lowest" onClick={lowest.toggle}>
      <Icon name="speed" size={22} />
    </button>
  );
}

const SHOWN_MS = 8000;

/** Says for a while why the lowest latency cannot be had, over the picture, where it is seen in fullscreen too. */
export function LowestNote({ text }: { text: string }) {
  const [shown, setShown] = useState('');
  useEffect(() => {
    setShown(text);
    if (!text) return;
    const timer = setTimeout(() => setShown(''), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <div role="status" className="lowest-status">
      {shown && <p className="player-note" data-testid="lowest-note">{shown}</p>}
    </div>
  );
}
