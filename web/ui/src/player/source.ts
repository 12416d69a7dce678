/** One source after the other: how each begins, at what place, and what of it outlives a new start. */

import type { default as HlsClass } from 'hls.js';
import type { Feed } from './feed';
import type { PlayWish } from './play-wish';
import type { Retry } from './retry';
import type { Rewind } from './rewind';
import type { PlayerEvent } from './state';
import type { Meter } from './stats';
import { TROUBLES } from './trouble';

export interface SourceOptions {
  loadHls: () => Promise<typeof HlsClass>;
  onEvent: (event: PlayerEvent) => void;
  /** The playlist arrived. */
  onPlayable?: () => void;
  /** A recording or a clip, played from `startAtS` on and not as it happens. */
  isRecorded?: boolean;
  startAtS?: number;
  /** The same as a program time, in a playlist that does not begin with the stream. */
  startAtMs?: number;
  /** A small player takes no rendition larger than itself. */
  isSmall?: boolean;
}

interface Parts {
  video: HTMLVideoElement;
  feed: Feed;
  rewind: Rewind;
  retries: Retry;
  wish: PlayWish;
  meter: Meter;
  /** Everything that belongs to the source before. */
  stop: () => void;
}

export class SourceStart {
  /** Where the next source begins, when that is not its own choice. */
  private startAtS: number | null;
  /** The same as a program time, once. */
  private onceMs: number | null = null;
  private rate = 1;

  constructor(
    private readonly options: SourceOptions,
    private readonly parts: Parts,
    /** Of the turn: aborted when this is to begin nothing any more. */
    private readonly turn: () => AbortSignal,
  ) {
    this.startAtS = options.startAtS ?? null;
  }

  /** The moment with which a source begins that has not been shown yet. */
  get beginMs(): number | null {
    return this.onceMs ?? (this.startAtS === null ? (this.options.startAtMs ?? null) : null);
  }

  /** The next start is at this moment of the live playlist. */
  beginOnceAt(programMs: number): void {
    this.onceMs = programMs;
  }

  /** How fast a recording plays, from source to source. */
  setRate(rate: number): void {
    this.rate = rate;
    if (this.options.isRecorded) this.parts.video.playbackRate = rate;
  }

  async start(): Promise<void> {
    const signal = this.turn();
    this.keepPlace();
    this.parts.stop();
    this.parts.rewind.hasShown = false;
    this.options.onEvent({ type: 'load' });
    let Hls: typeof HlsClass;
    try {
      Hls = await this.options.loadHls();
    } catch {
      // The chunk did not load: same cure as any lost request.
      return signal.aborted ? undefined : this.parts.retries.plan(TROUBLES.network);
    }
    if (!signal.aborted) this.begin(Hls, signal);
  }

  playable(): void {
    this.options.onPlayable?.();
    if (!this.parts.feed.hls) return;
    if (this.options.isRecorded) this.parts.video.playbackRate = this.rate;
    void this.parts.wish.try(false);
  }

  private begin(Hls: typeof HlsClass, signal: AbortSignal): void {
    const { feed, rewind, meter, wish } = this.parts;
    const { isRecorded = false, isSmall = false, onEvent } = this.options;
    const plan = {
      url: rewind.sourceUrl,
      isPast: rewind.isPast || isRecorded,
      startAtS: isRecorded ? (this.startAtS ?? 0) : null,
      isTimed: rewind.isPast || this.beginMs !== null,
      isSmall,
    };
    if (!feed.begin(Hls, plan, signal)) return onEvent({ type: 'failed', trouble: TROUBLES.browser });
    meter.begin();
    if (!feed.hls) void wish.try(false);
  }

  /** A source that starts again because something failed goes on where it was. */
  private keepPlace(): void {
    const { rewind, video } = this.parts;
    if (!rewind.hasShown) return;
    this.onceMs = null;
    if (this.options.isRecorded) this.startAtS = video.currentTime;
    else rewind.keepPlace();
  }
}
