/** Exponential backoff with full jitter: clients that lost one server do not come back all at once. */

export interface Backoff {
  baseMs: number;
  capMs: number;
}

/** Return a wait between 0 and `base * 2^attempt`, never more than the cap; `attempt` counts from 0. */
export function fullJitter(attempt: number, { baseMs, capMs }: Backoff, random: () => number = Math.random): number {
  return Math.round(random() * Math.min(capMs, baseMs * 2 ** attempt));
}
