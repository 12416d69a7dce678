/** What the player shows, as one value; the engine reports events and this says what they mean. */

import type { Trouble } from './trouble';

export type Phase =
  | 'loading' // no picture yet
  | 'playing'
  | 'paused' // by the viewer
  | 'waiting' // the buffer ran dry
  | 'blocked' // the browser wants a click first
  | 'retrying' // something failed; the next try is planned
  | 'failed' // something failed that trying again cannot mend
  | 'ended';

export interface PlayerState {
  phase: Phase;
  /** The browser allowed playing only without sound. */
  isMutedByBrowser: boolean;
  trouble: Trouble | null;
  /** When the next try starts, ms since the epoch. */
  retryAt: number | null;
}

export type PlayerEvent =
  | { type: 'load' }
  | { type: 'playing' }
  | { type: 'pause' }
  | { type: 'waiting' }
  | { type: 'blocked' }
  | { type: 'muted-by-browser' }
  | { type: 'sound-on' }
  | { type: 'retry-planned'; trouble: Trouble; at: number }
  | { type: 'failed'; trouble: Trouble }
  | { type: 'ended' };

export const START: PlayerState = { phase: 'loading', isMutedByBrowser: false, trouble: null, retryAt: null };

export function nextState(now: PlayerState, event: PlayerEvent): PlayerState {
  switch (event.type) {
    case 'load':
      return { ...now, phase: 'loading', retryAt: null };
    case 'playing':
      return { ...now, phase: 'playing', trouble: null, retryAt: null };
    case 'pause':
      // What has failed or is over is not merely paused.
      return ['loading', 'playing', 'waiting'].includes(now.phase) ? { ...now, phase: 'paused' } : now;
    case 'waiting':
      return now.phase === 'playing' ? { ...now, phase: 'waiting' } : now;
    case 'blocked':
      return { ...now, phase: 'blocked' };
    case 'muted-by-browser':
      return { ...now, isMutedByBrowser: true };
    case 'sound-on':
      return now.isMutedByBrowser ? { ...now, isMutedByBrowser: false } : now;
    case 'retry-planned':
      return { ...now, phase: 'retrying', trouble: event.trouble, retryAt: event.at };
    case 'failed':
      return { ...now, phase: 'failed', trouble: event.trouble, retryAt: null };
    case 'ended':
      return { ...now, phase: 'ended', trouble: null, retryAt: null };
  }
}
