/**
 * The moving part of the player: one <video> and who delivers to it. Speaks to the outside in `PlayerEvent`s; knows no React.
 *
 * What it is made of: `hls-delivery.ts` (everything over HLS, and the first file to read), `lowest.ts` (when WebRTC takes its
 * place) and `whep/` (how), `play-wish.ts` (whether it is to play), `still.ts` (the picture between two deliveries).
 */

import type { Delivery } from './delivery';
import type { Rest } from './ending';
import { HlsDelivery, type HlsOptions } from './hls-delivery';
import type { Loop } from './loop';
import { LowestLatency, type LowestState, type WhepModule } from './lowest';
import { PlayWish } from './play-wish';
import type { QualityChoice } from './quality';
import { LIVE_WITHIN_MS } from './rewind';
import type { PlayerEvent } from './state';
import type { Stats } from './stats';
import { Still } from './still';

export interface EngineOptions extends HlsOptions {
  loadWhep?: () => Promise<WhepModule>;
  onLowest?: (state: LowestState) => void;
}

export class PlayerEngine {
  private readonly listeners = new AbortController();
  private readonly wish: PlayWish;
  private readonly still: Still;
  private readonly hls: HlsDelivery;
  private readonly lowest: LowestLatency;
  private isInterrupted = false;

  constructor(private readonly options: EngineOptions) {
    const { video, onEvent } = options;
    this.wish = new PlayWish(video, onEvent);
    this.still = new Still(video);
    this.hls = new HlsDelivery({ ...options, onEvent: (event) => this.heard(event) }, this.wish, this.still);
    this.lowest = new LowestLatency({
      load: options.loadWhep ?? (() => Promise.reject(new Error('not for this player'))),
      deliver: (whep, session, onLost) => {
        const parts = { video, wish: this.wish, still: this.still, onEvent, onLost, zeroMs: () => this.hls.zeroMs(), goTo: (programMs: number) => this.goTo(programMs) };
        return new whep.WhepDelivery(session, parts);
      },
      isDue: () => !this.wish.isPaused && this.hls.isWithLive,
      take: (delivery) => this.take(delivery),
      giveBack: () => this.hls.begin(),
      onState: (state) => options.onLowest?.(state),
    });
    this.listen();
    this.hls.begin();
  }

  // --- what a viewer does ---

  play(): void {
    this.wish.isPaused = false;
    this.now.play();
    this.lowest.played();
  }

  pause(): void {
    this.wish.pause();
    this.lowest.paused();
  }

  goLive(): void {
    this.now.goLive();
    this.lowest.played();
  }

  seekBy(seconds: number): void {
    this.now.seekBy(seconds);
  }

  /** To a position of what is recorded. */
  seekTo(positionS: number): void {
    this.hls.seekTo(positionS);
  }

  seekToProgram(programMs: number): void {
    this.now.seekToProgram(programMs);
  }

  /** How fast a recording plays. */
  setRate(rate: number): void {
    this.hls.setRate(rate);
  }

  /** Of HLS, now or when it plays next. */
  setQuality(choice: QualityChoice): void {
    this.hls.setQuality(choice);
  }

  /** Play only this part, in media time, again and again; null: all of it. */
  setLoop(loop: Loop | null): void {
    this.hls.setLoop(loop);
  }

  /** Whether WebRTC is wanted, and where it is to be had; null: nowhere. */
  setLowest(isWanted: boolean, whepUrl: string | null): void {
    this.lowest.want(isWanted, whepUrl);
  }

  /** What did not work may be tried once more. */
  tryLowestAgain(): void {
    this.lowest.again();
  }

  /** Play over HLS for now, which can do more; the next way to the live picture leads back. */
  useHls(): void {
    if (!this.lowest.delivery) return;
    this.lowest.leave();
    this.hls.begin();
  }

  /** Start the source again now. */
  retry(): void {
    this.hls.retry();
  }

  // --- what the page knows ---

  /**
   * Where the past of this stream is listed, and newer tokens of the addresses; plays on whatever changes. With a `rest`
   * of 'kept' the past is the recording of a stream that is over, and who was behind goes on there.
   */
  setAddresses(url: string, rewindUrl: string | null, rest: Rest = 'running'): void {
    this.hls.setAddresses(url, rewindUrl, rest);
    this.lowest.delivery?.setEnding(rest !== 'running');
  }

  /** The publisher is awaited. */
  setInterrupted(isInterrupted: boolean): void {
    const isBack = this.isInterrupted && !isInterrupted;
    this.isInterrupted = isInterrupted;
    this.hls.setInterrupted(isInterrupted);
    this.lowest.delivery?.setInterrupted(isInterrupted);
    if (isBack) this.lowest.resumed();
  }

  destroy(): void {
    this.wish.forget();
    this.listeners.abort();
    this.lowest.leave();
    this.hls.end();
    this.still.drop();
  }

  // --- what is known ---

  stats(): Stats {
    return this.now.stats();
  }

  edgeMs(): number | null {
    return this.now.edgeMs();
  }

  mediaAt(positionS: number): number | null {
    return this.hls.mediaAt(positionS);
  }

  positionOfMedia(mediaS: number): number | null {
    return this.hls.positionOfMedia(mediaS);
  }

  // --- who delivers ---

  private get now(): Delivery {
    return this.lowest.delivery ?? this.hls;
  }

  private take(delivery: Delivery): void {
    this.hls.end();
    delivery.setInterrupted(this.isInterrupted);
    delivery.begin();
  }

  private goTo(programMs: number): void {
    if (programMs > Date.now() - LIVE_WITHIN_MS) return this.now.goLive();
    this.lowest.leave();
    this.hls.beginAt(programMs);
  }

  private heard(event: PlayerEvent): void {
    this.options.onEvent(event);
    if (event.type === 'playing') this.lowest.consider();
  }

  private listen(): void {
    const { signal } = this.listeners;
    document.addEventListener('visibilitychange', () => this.lowest.consider(), { signal });
    window.addEventListener('pagehide', () => this.lowest.pageGone(), { signal });
    window.addEventListener('pageshow', ({ persisted }) => persisted && this.lowest.played(), { signal });
  }
}
