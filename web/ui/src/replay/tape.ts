/**
 * What is known of a recording's chat around where it plays, and what to ask for next. Times are ms of the recording.
 *
 * One stretch from `fromMs` on is kept, read page by page ahead of the player. A jump out of it begins another one.
 */

import type { ReplayMessage } from '../api/types';

/** Pages are fetched this much ahead of what plays. */
export const AHEAD_MS = 30_000;
/** Who arrives somewhere sees what was said this much before, or if that is little, more. */
const BEFORE_MS = [30_000, 600_000] as const;
const FEW = 20;
/** Nearer ahead than this, pages in between are read; farther away a new stretch is begun. */
const JUMP_MS = 60_000;
/** How often a recording that still grows is asked for more. */
export const GROWING_EVERY_MS = 5000;
/** Lines that are kept at most; the oldest go. */
const KEPT_MAX = 4000;
/** Lines that are shown at most. */
export const SHOWN_MAX = 250;

export interface Ask {
  fromMs: number;
  cursor: string | null;
  /** Its answer begins a new stretch; `atMs` is where it plays. */
  isFresh: boolean;
  atMs: number;
  /** Which of `BEFORE_MS` this is. */
  widening: number;
}

export interface Answer {
  items: ReplayMessage[];
  cursor: string | null;
}

export class ReplayTape {
  private lines: ReplayMessage[] = [];
  private fromMs = 0;
  private cursor: string | null = null;
  private hasBegun = false;
  private wider: Ask | null = null;
  private askedAtMs = 0;

  /** What to ask for while it plays at `atMs`; null: nothing. `nowMs`: any clock that goes on. */
  wants(atMs: number, isGrowing: boolean, nowMs: number): Ask | null {
    if (!this.hasBegun || this.isAway(atMs)) return this.freshAt(atMs, 0);
    if (this.wider) return this.wider;
    const lastMs = this.lines.at(-1)?.offsetMs ?? this.fromMs;
    if (atMs <= lastMs - AHEAD_MS) return null;
    const isOver = this.cursor === null && (!isGrowing || nowMs - this.askedAtMs < GROWING_EVERY_MS);
    return isOver ? null : { fromMs: lastMs, cursor: this.cursor, isFresh: false, atMs, widening: 0 };
  }

  take(ask: Ask, { items, cursor }: Answer, nowMs: number): void {
    this.askedAtMs = nowMs;
    if (!ask.isFresh) return this.append(items, cursor);
    const isWider = this.wider !== null;
    this.wider = null;
    const reaches = cursor === null || (items.at(-1)?.offsetMs ?? ask.fromMs) >= ask.atMs;
    if (isWider && !reaches) return; // too much was said before: what is there does
    Object.assign(this, { lines: items, fromMs: ask.fromMs, cursor, hasBegun: true });
    const isFew = reaches && this.shown(ask.atMs).length < FEW && ask.fromMs > 0;
    if (isFew) this.wider = this.freshAt(ask.atMs, ask.widening + 1);
  }

  /** The lines up to `atMs`, the newest `SHOWN_MAX` of them. */
  shown(atMs: number): ReplayMessage[] {
    const end = this.endOf(atMs);
    return this.lines.slice(Math.max(0, end - SHOWN_MAX), end);
  }

  /** Whether what is to be shown at `atMs` is here. */
  isReady(atMs: number): boolean {
    return this.hasBegun && !this.isAway(atMs);
  }

  private isAway(atMs: number): boolean {
    return atMs < this.fromMs || atMs > this.untilMs() + JUMP_MS;
  }

  /** To where everything that was said is here. */
  private untilMs(): number {
    return this.cursor === null ? Infinity : (this.lines.at(-1)?.offsetMs ?? this.fromMs);
  }

  private freshAt(atMs: number, widening: number): Ask {
    const before = BEFORE_MS[widening];
    return { fromMs: before === undefined ? 0 : Math.max(0, Math.floor(atMs - before)), cursor: null, isFresh: true, atMs, widening };
  }

  private append(items: ReplayMessage[], cursor: string | null): void {
    const known = new Set(this.lines.slice(-items.length - SHOWN_MAX).map(({ message }) => message.id));
    this.lines.push(...items.filter(({ message }) => !known.has(message.id)));
    this.cursor = cursor;
    const tooMany = this.lines.length - KEPT_MAX;
    if (tooMany <= 0) return;
    this.lines.splice(0, tooMany);
    this.fromMs = this.lines[0]!.offsetMs;
  }

  /** The index behind the last line at or before `atMs`. */
  private endOf(atMs: number): number {
    let low = 0;
    let high = this.lines.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.lines[middle]!.offsetMs <= atMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
