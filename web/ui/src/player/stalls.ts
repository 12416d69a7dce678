/** What ends a stall: the line, a jump to the live position, a step over a hole, or that the stream is over. */

import type { PlayerEvent } from './state';
import type { Whereabouts } from './place';

/** A stall that lasts longer than this is ended by a jump to the live position. */
const STALL_MS = 6000;
/** One that has media ahead is stuck, not hungry; hls.js has tried its own cures by then. */
const STUCK_MS = 2100;
const STUCK_WITH_S = 0.5;
/** At its end hls.js may leave the last few frames unfetched and never say "ended": a stall this long then is the end. */
const OVER_MS = 700;
/** After the publisher's return a picture that still stands is given up this soon. */
const RESUMED_PATIENCE_MS = 1500;
/** A recording whose rest is shorter than this has ended. */
const END_WITHIN_S = 1;
/** How far a recording that stands with media ahead is pushed. */
const STEP_OVER_S = 0.2;

interface StallActs {
  onEvent: (event: PlayerEvent) => void;
  goLive: () => void;
  /** Nothing that plays now happens now. */
  isPast: () => boolean;
  /** The past that plays leads to a live picture. */
  leadsToLive: () => boolean;
  /** Nothing more will come; true if that has been said and is all. */
  isCutShort: () => boolean;
}

export class Stalls {
  count = 0;
  /** The publisher is awaited: there is nothing to jump to. */
  isInterrupted = false;
  private timer: ReturnType<typeof setTimeout> | null = null;

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly where: Whereabouts,
    private readonly acts: StallActs,
  ) {}

  begin(): void {
    if (this.video.seeking || this.timer !== null || this.video.currentTime === 0) return;
    this.count++;
    this.acts.onEvent({ type: 'waiting' });
    this.checkIn(OVER_MS, () => this.check(STALL_MS - OVER_MS));
  }

  end(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }

  /** The publisher is back, and so should the picture be, soon. */
  hasten(): void {
    if (this.timer === null) return;
    clearTimeout(this.timer);
    this.checkIn(RESUMED_PATIENCE_MS, () => this.check(0));
  }

  private checkIn(waitMs: number, check: () => void): void {
    this.timer = setTimeout(() => {
      this.timer = null;
      check();
    }, waitMs);
  }

  private check(patienceMs: number): void {
    if (this.acts.isPast()) return this.checkPast(patienceMs);
    if (this.where.details()?.live === false) return this.acts.onEvent({ type: 'ended' });
    if (this.isInterrupted) patienceMs = STALL_MS;
    const isStuck = patienceMs <= STALL_MS - STUCK_MS && this.where.bufferAhead() > STUCK_WITH_S;
    if (patienceMs <= 0 || isStuck) return this.acts.goLive();
    this.checkIn(OVER_MS, () => this.check(patienceMs - OVER_MS));
  }

  /** What has happened does not run away: a stall is the end, or waits for the line; hls.js steps over holes itself. */
  private checkPast(patienceMs: number): void {
    if (this.acts.isCutShort()) return;
    const details = this.where.details();
    const leftS = details ? details.edge - this.video.currentTime : Number.POSITIVE_INFINITY;
    if (details && !details.live && leftS < END_WITHIN_S) return this.acts.onEvent({ type: 'ended' });
    if (details?.live && this.acts.leadsToLive() && leftS < details.targetduration) return this.acts.goLive();
    if (patienceMs <= 0 && this.where.bufferAhead() > STUCK_WITH_S) this.video.currentTime += STEP_OVER_S;
    const left = patienceMs <= 0 ? STALL_MS : patienceMs - OVER_MS;
    this.checkIn(OVER_MS, () => this.checkPast(left));
  }
}
