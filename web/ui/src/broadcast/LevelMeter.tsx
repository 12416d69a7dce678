import { useEffect, useRef, useState } from 'react';
import { SILENCE_DB } from './mixer';

const DECAY_DB_PER_S = 30;
/** From here on it distorts soon. */
const LOUD_DB = -6;
/** Any open microphone has more noise than this. */
const DEAD_DB = -59;
const DEAD_AFTER_MS = 6000;
const TOLD_EVERY_MS = 500;

interface Props {
  label: string;
  level: () => number;
  isMuted?: boolean;
}

/** How loud it is, as a bar; and in words when nothing comes at all. */
export function LevelMeter({ label, level, isMuted = false }: Props) {
  const bar = useRef<HTMLSpanElement>(null);
  const [told, setTold] = useState(SILENCE_DB);
  const [isDead, setDead] = useState(false);
  useEffect(() => {
    let shown = SILENCE_DB;
    let lastMs = performance.now();
    let heardMs = lastMs;
    let frame = 0;
    const draw = (nowMs: number) => {
      const current = level();
      shown = Math.max(current, shown - ((nowMs - lastMs) / 1000) * DECAY_DB_PER_S, SILENCE_DB);
      lastMs = nowMs;
      if (current > DEAD_DB) heardMs = nowMs;
      if (bar.current) {
        bar.current.style.transform = `scaleX(${1 - shown / SILENCE_DB})`;
        bar.current.dataset.loud = String(shown > LOUD_DB);
      }
      frame = requestAnimationFrame(draw);
    };
    frame = requestAnimationFrame(draw);
    const timer = setInterval(() => {
      setTold(Math.round(shown));
      setDead(lastMs - heardMs > DEAD_AFTER_MS);
    }, TOLD_EVERY_MS);
    return () => {
      cancelAnimationFrame(frame);
      clearInterval(timer);
    };
  }, [level]);
  return (
    <div className="sound-level" data-muted={isMuted}>
      <span className="sound-track" role="meter" aria-label={label} aria-valuemin={SILENCE_DB} aria-valuemax={0} aria-valuenow={told}
        aria-valuetext={isMuted ? 'muted' : told <= SILENCE_DB ? 'silent' : `${told} dB`}>
        <span className="sound-bar" ref={bar} />
      </span>
      {isDead && <p className="hint" role="status">No sound comes from it. Is it muted at its own switch, or is another one meant?</p>}
    </div>
  );
}
