/** Whether what comes over WebRTC is worth watching: figures in, a verdict out. */

import type { Figures } from './figures';
import { why, type Why } from './why';

/** Without a new picture for this long it stands. */
const STANDS_AFTER_MS = 900;
/** A picture that stands this long while packets come will not move again by itself, however short the time is that is known. */
const FROZEN_MS = 3500;
/** Nothing came for this long, over a connection that holds. */
const SILENT_MS = 4000;
/** Over this long a line is judged, and not before. */
const WINDOW_MS = 6000;
/** More of the time than this without a new picture cannot be watched. */
const STANDING_SHARE = 0.45;
/** Nor can a picture of which this much is lost after all repairs. */
const LOSS_SHARE = 0.15;

export type Verdict = 'fine' | 'standing' | Why;
type Looked = Pick<Figures, 'atMs' | 'framesDecoded' | 'packets' | 'received' | 'lost'>;

export class Health {
  /** How often the picture stood. */
  stops = 0;
  /** The publisher is awaited: nothing can come. */
  isInterrupted = false;
  private seen: (Looked & { isStill: boolean })[] = [];
  private movedAtMs: number | null = null;
  private heardAtMs = 0;
  private isStanding = false;
  private wasWatched = false;

  /** `isWatched`: false while paused or in the background, when browsers may leave pictures undecoded. */
  note(now: Looked, isWatched: boolean): Verdict {
    const last = this.seen.at(-1);
    const isStill = last !== undefined && now.framesDecoded === last.framesDecoded;
    const isJudged = isWatched && this.wasWatched && !this.isInterrupted;
    if (this.movedAtMs === null || !isStill || !isJudged) this.movedAtMs = now.atMs;
    if (last === undefined || now.packets !== last.packets || this.isInterrupted) this.heardAtMs = now.atMs;
    if (!isJudged) this.seen = [];
    this.wasWatched = isWatched;
    this.seen.push({ ...now, isStill });
    while (this.seen.length > 1 && this.seen[1]!.atMs <= now.atMs - WINDOW_MS) this.seen.shift();
    this.countStop(now.atMs - this.movedAtMs > STANDS_AFTER_MS);
    return this.trouble(now.atMs) ?? (this.isStanding ? 'standing' : 'fine');
  }

  /** Of the picture's packets, over the last seconds. */
  lossShare(): number {
    const first = this.seen[0];
    const last = this.seen.at(-1);
    if (!first || !last) return 0;
    const lost = Math.max(0, last.lost - first.lost);
    const total = lost + last.received - first.received;
    return total > 0 ? lost / total : 0;
  }

  private trouble(nowMs: number): Why | null {
    const silentMs = nowMs - this.heardAtMs;
    if (silentMs >= SILENT_MS) return why('silent');
    if (silentMs < STANDS_AFTER_MS && nowMs - this.movedAtMs! >= FROZEN_MS) return why('unsteady');
    if (nowMs - this.seen[0]!.atMs < WINDOW_MS) return null;
    return this.lossShare() > LOSS_SHARE || this.stillShare() > STANDING_SHARE ? why('unsteady') : null;
  }

  /** A silence of the sender is not the line's fault: such times count for nothing. */
  private stillShare(): number {
    let stillMs = 0;
    for (const [index, { atMs, isStill, packets }] of this.seen.entries()) {
      const before = this.seen[index - 1];
      if (before && isStill && packets !== before.packets) stillMs += atMs - before.atMs;
    }
    return stillMs / WINDOW_MS;
  }

  private countStop(isStanding: boolean): void {
    if (isStanding && !this.isStanding) this.stops++;
    this.isStanding = isStanding;
  }
}
