/** What is done about each trouble: try again, hold on, recover the decoder, go elsewhere, or say that it is no use. */

import type { default as HlsClass, ErrorData } from 'hls.js';
import type { Ending } from './ending';
import type { Feed } from './feed';
import type { PlayWish } from './play-wish';
import type { Retry } from './retry';
import type { Rewind } from './rewind';
import type { Stalls } from './stalls';
import { TROUBLES } from './trouble';
import { verdictOn, type Verdict } from './verdict';

/** Recovering the decoder twice within this time did not help: start the source again. */
const MEDIA_RECOVERY_MS = 5000;

interface Parts {
  feed: Feed;
  rewind: Rewind;
  ending: Ending;
  stalls: Stalls;
  retries: Retry;
  wish: PlayWish;
}

interface MendingActs {
  onMissing: () => void;
  onRefused: () => void;
  /** No new try can help. */
  giveUp: () => void;
}

export class Mending {
  private recoveredAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly parts: Parts,
    private readonly acts: MendingActs,
  ) {}

  hlsError(Hls: typeof HlsClass, error: ErrorData): void {
    const verdict = verdictOn(Hls, error);
    if (!verdict) return;
    if (verdict.isRefused) this.acts.onRefused();
    if (this.parts.rewind.isPast && (verdict.what === 'missing' || verdict.isGone)) return this.losePast();
    this.mend(verdict);
  }

  /** Of the browser's own HLS. */
  nativeError(error: MediaError, networkState: number): void {
    if (error.code === MediaError.MEDIA_ERR_DECODE) return this.parts.retries.plan(TROUBLES.media);
    if (error.code === MediaError.MEDIA_ERR_SRC_NOT_SUPPORTED && networkState === HTMLMediaElement.NETWORK_NO_SOURCE) {
      if (this.parts.rewind.isPast) return this.losePast(); // Safari says this of a 404 too
      this.acts.onMissing();
    }
    this.parts.retries.plan(TROUBLES.network);
  }

  private mend({ what, hasManifest }: Verdict): void {
    const { stalls, retries } = this.parts;
    if (what === 'codec') return this.acts.giveUp();
    if (what === 'gap') return retries.holdOn();
    if (what === 'media') return this.recover();
    if (what === 'missing') this.acts.onMissing();
    if (stalls.isInterrupted && hasManifest) return retries.holdOn();
    retries.plan(TROUBLES.network);
  }

  /** There is no past to go to, or it has gone while it played. */
  private losePast(): void {
    const { rewind, ending } = this.parts;
    if (rewind.isSettled || ending.isOver) ending.gone();
    else rewind.goLive();
  }

  private recover(): void {
    const { feed, retries, wish } = this.parts;
    const now = performance.now();
    if (now - this.recoveredAt <= MEDIA_RECOVERY_MS) return retries.plan(TROUBLES.media);
    this.recoveredAt = now;
    feed.hls?.recoverMediaError();
    void wish.try(false);
  }
}
