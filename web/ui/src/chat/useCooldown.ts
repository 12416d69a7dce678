import { useEffect, useState } from 'react';
import type { Cooldown } from './room';

const STEP_MS = 100;

/** How much of a wait is left: 1 at its begin, 0 when it is over; and in ms. One timer, for the wait that is last. */
export function useCooldown(cooldown: Cooldown | null): { part: number; leftMs: number } {
  const [now, setNow] = useState(Date.now);
  const untilMs = cooldown?.untilMs ?? 0;
  useEffect(() => {
    setNow(Date.now());
    if (untilMs <= Date.now()) return;
    const timer = setInterval(() => {
      setNow(Date.now());
      if (Date.now() >= untilMs) clearInterval(timer);
    }, STEP_MS);
    return () => clearInterval(timer);
  }, [untilMs]);
  const leftMs = Math.max(0, untilMs - now);
  return { leftMs, part: cooldown && cooldown.totalMs > 0 ? Math.min(1, leftMs / cooldown.totalMs) : 0 };
}
