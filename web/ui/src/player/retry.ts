/**
 * When a source that failed is tried again: anew, after a wait that grows from try to try; or, while there is a reason
 * to hold on, by asking the same source to go on.
 */

import { fullJitter, type Backoff } from '../backoff';
import type { PlayerEvent } from './state';
import type { Trouble } from './trouble';

const RETRY: Backoff = { baseMs: 1500, capMs: 15_000 };
const RETRY_AT_LEAST_MS = 500;
/** While the publisher is awaited, a playlist that does not come is asked for again this often, and nothing is started anew. */
const HOLD_ON_MS = 2000;

interface RetryActs {
  start: () => void;
  /** The same source is to go on. */
  resume: () => void;
  onEvent: (event: PlayerEvent) => void;
}

export class Retry {
  private timer: ReturnType<typeof setTimeout> | null = null;
  private holdTimer: ReturnType<typeof setTimeout> | null = null;
  private attempt = 0;

  constructor(private readonly acts: RetryActs) {}

  /** It plays, or the viewer has asked for it: the next failure is a first one. */
  forgive(): void {
    this.attempt = 0;
  }

  /** hls.js has given up on this source; what is buffered plays on until the next try. */
  plan(trouble: Trouble): void {
    if (this.timer !== null) return;
    const waitMs = RETRY_AT_LEAST_MS + fullJitter(this.attempt++, RETRY);
    this.timer = setTimeout(this.acts.start, waitMs);
    this.acts.onEvent({ type: 'retry-planned', trouble, at: Date.now() + waitMs });
  }

  /** hls.js has given up loading; what is buffered and the position stay, and it is told to go on. */
  holdOn(): void {
    this.acts.onEvent({ type: 'waiting' });
    this.holdTimer ??= setTimeout(() => this.resume(), HOLD_ON_MS);
  }

  /** What was held goes on now. */
  letGo(): void {
    if (this.holdTimer !== null) this.resume();
  }

  stop(): void {
    for (const timer of [this.timer, this.holdTimer]) if (timer !== null) clearTimeout(timer);
    this.timer = this.holdTimer = null;
  }

  private resume(): void {
    if (this.holdTimer !== null) clearTimeout(this.holdTimer);
    this.holdTimer = null;
    this.acts.resume();
  }
}
