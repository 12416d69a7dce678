/**
 * Everything over HLS.
 *
 * What it is made of: `source.ts` and `feed.ts` (hls.js or the browser's own HLS), `rewind.ts` and `place.ts` (where it plays),
 * `ending.ts` (the stream is over), `stalls.ts`, `mending.ts`, `verdict.ts`, `retry.ts` and `catch-up.ts` (what goes wrong),
 * `renditions.ts`, `loop.ts`, `stats.ts`.
 */

import { CatchUp } from './catch-up';
import type { Delivery } from './delivery';
import { Ending, type Rest } from './ending';
import { Feed } from './feed';
import { LoopKeeper, type Loop } from './loop';
import { Mending } from './mending';
import { Whereabouts } from './place';
import type { PlayWish } from './play-wish';
import type { Quality, QualityChoice } from './quality';
import { Renditions } from './renditions';
import { Retry } from './retry';
import { Rewind } from './rewind';
import { SourceStart, type SourceOptions } from './source';
import { Stalls } from './stalls';
import { Meter, statsOf, type Stats } from './stats';
import type { Still } from './still';
import { TROUBLES } from './trouble';

export interface HlsOptions extends SourceOptions {
  video: HTMLVideoElement;
  url: string;
  /** There is no playlist (404). */
  onMissing?: () => void;
  /** It is there, and not for this viewer (any more). */
  onRefused?: () => void;
  /** What was rewound to is there no longer: is the stream over? */
  onPastMissing?: () => void;
  /** It is over, and the rest of what the viewer was watching is lost. */
  onCutShort?: () => void;
  /** The program time of media time 0, where the page knows it. */
  zeroMs?: number;
  /** What there is to choose from, best first. */
  onQualities?: (qualities: Quality[]) => void;
}

export class HlsDelivery implements Delivery {
  private readonly video: HTMLVideoElement;
  private readonly isRecorded: boolean;
  /** Aborted while another has the <video>. */
  private turn = new AbortController();
  private readonly feed: Feed;
  private readonly where: Whereabouts;
  private readonly rewind: Rewind;
  private readonly ending: Ending;
  private readonly stalls: Stalls;
  private readonly retries: Retry;
  private readonly catchUp: CatchUp;
  private readonly renditions: Renditions;
  private readonly meter: Meter;
  private readonly loop: LoopKeeper;
  private readonly mending: Mending;
  private readonly source: SourceStart;

  constructor(
    private readonly options: HlsOptions,
    private readonly wish: PlayWish,
    private readonly still: Still,
  ) {
    const { video, onEvent, isRecorded = false } = options;
    this.video = video;
    this.isRecorded = isRecorded;
    this.feed = new Feed(video, {
      onPlayable: () => this.source.playable(),
      onListed: () => this.rewind.listed(this.source.beginMs),
      onLevels: () => this.renditions.list(),
      onSwitching: () => this.renditions.applyLater(),
      onInit: (fragment, initS) => this.where.learnZero(fragment, initS),
      onMeasured: (bps) => this.meter.note(bps),
      onError: (Hls, error) => this.mending.hlsError(Hls, error),
      onRequest: (request, url) => this.rewind.renew(request, url),
    });
    this.where = new Whereabouts(video, this.feed, isRecorded, options.zeroMs ?? null);
    const goLive = () => this.goLive();
    this.rewind = new Rewind(video, this.feed, this.where, isRecorded, options.url, {
      restart: () => this.retry(),
      play: () => void wish.try(true),
      isWanted: () => !wish.isPaused,
      wake: () => (wish.isPaused = false),
      isOver: () => this.ending.isOver,
    });
    this.ending = new Ending({
      goLive,
      isPast: () => this.rewind.isPast,
      goOn: () => this.retry(),
      bufferAhead: () => this.where.bufferAhead(),
      onPastMissing: () => options.onPastMissing?.(),
      onCutShort: () => this.cutShort(),
    });
    this.stalls = new Stalls(video, this.where, {
      onEvent,
      goLive,
      isPast: () => isRecorded || this.rewind.isPast,
      leadsToLive: () => this.rewind.isPast && !this.ending.isOver,
      isCutShort: () => this.ending.isCutShort(),
    });
    this.retries = new Retry({ onEvent, start: () => void this.source.start(), resume: () => this.feed.hls?.startLoad() });
    this.catchUp = new CatchUp({ goLive, isDue: () => this.isLate() });
    this.renditions = new Renditions(this.feed, this.where, options.onQualities);
    this.meter = new Meter(this.feed);
    this.loop = new LoopKeeper(video, this.where);
    const { feed, rewind, ending, stalls, retries, meter } = this;
    this.source = new SourceStart(options, { video, feed, rewind, retries, wish, meter, stop: () => this.stop() }, () => this.turn.signal);
    this.mending = new Mending({ feed, rewind, ending, stalls, retries, wish }, {
      onMissing: () => options.onMissing?.(),
      onRefused: () => options.onRefused?.(),
      giveUp: () => this.giveUp(),
    });
  }

  begin(): void {
    this.turn.abort();
    this.turn = new AbortController();
    this.listen();
    this.retry();
  }

  end(): void {
    this.still.hold();
    this.turn.abort();
    this.stop();
    this.feed.empty();
  }

  /** Begin at this moment, which may be one of the past. */
  beginAt(programMs: number): void {
    this.turn.abort();
    this.turn = new AbortController();
    this.listen();
    if (!this.rewind.rewindUrl) this.source.beginOnceAt(programMs);
    this.rewind.leaveFor(programMs);
  }

  // --- what a viewer does ---

  /** After a pause the live picture, not the old one, is what a viewer expects, unless he went back himself. */
  play(): void {
    if (this.video.ended) return this.playAgain();
    if (this.rewind.isByViewer || this.isRecorded) this.rewind.rejoin();
    else if (this.stats().isBehind) this.goLive();
    void this.wish.try(true);
  }

  goLive(): void {
    this.rewind.goLive();
  }

  seekBy(seconds: number): void {
    this.rewind.by(seconds);
  }

  seekTo(positionS: number): void {
    this.rewind.to(positionS);
  }

  seekToProgram(programMs: number): void {
    this.rewind.toProgram(programMs);
  }

  /** How fast a recording plays. */
  setRate(rate: number): void {
    this.source.setRate(rate);
  }

  setQuality(choice: QualityChoice): void {
    this.renditions.choose(choice);
  }

  /** Play only this part, in media time, again and again; null: all of it. */
  setLoop(loop: Loop | null): void {
    this.loop.set(loop);
  }

  /** Start the source again now. */
  retry(): void {
    this.retries.forgive();
    void this.source.start();
  }

  // --- what the page knows ---

  setAddresses(url: string, rewindUrl: string | null, rest: Rest): void {
    this.rewind.url = url;
    this.rewind.rewindUrl = rewindUrl;
    this.ending.learn(rest);
  }

  /** What would be a failure is then a wait. */
  setInterrupted(isInterrupted: boolean): void {
    if (this.stalls.isInterrupted === isInterrupted) return;
    this.stalls.isInterrupted = isInterrupted;
    if (isInterrupted) return;
    this.retries.letGo();
    this.stalls.hasten();
  }

  // --- what is known ---

  /** The viewer is with the stream as it happens, and did not go back. */
  get isWithLive(): boolean {
    return !this.isRecorded && !this.rewind.isPast && !this.rewind.isByViewer && !this.ending.isOver;
  }

  stats(): Stats {
    const { feed, where, rewind, meter, renditions, stalls } = this;
    return statsOf({ video: this.video, feed, where, rewind, meter, renditions, stalls, isLive: !this.isRecorded });
  }

  edgeMs(): number | null {
    return this.where.edgeMs();
  }

  /** The program time of media time 0. */
  zeroMs(): number | null {
    return this.where.zero();
  }

  mediaAt(positionS: number): number | null {
    return this.where.mediaAt(positionS);
  }

  positionOfMedia(mediaS: number): number | null {
    return this.where.positionOfMedia(mediaS);
  }

  // --- the source ---

  /** From the start again, what is recorded; what was live is asked for anew. */
  private playAgain(): void {
    if (!this.isRecorded) return this.retry(); // play() would start again at the oldest picture
    this.video.currentTime = 0;
    void this.wish.try(true);
  }

  private stop(): void {
    for (const part of [this.retries, this.catchUp, this.renditions, this.ending]) part.stop();
    this.stalls.end();
    this.feed.stop();
    this.meter.begin();
  }

  // --- what goes wrong ---

  private cutShort(): void {
    this.options.onEvent({ type: 'ended' });
    this.options.onCutShort?.();
  }

  private giveUp(): void {
    this.stop();
    this.options.onEvent({ type: 'failed', trouble: TROUBLES.codec });
  }

  private listen(): void {
    const { signal } = this.turn;
    const on = (name: keyof HTMLVideoElementEventMap, act: () => void) => this.video.addEventListener(name, act, { signal });
    on('playing', () => this.playing());
    on('pause', () => this.video.ended || this.options.onEvent({ type: 'pause' }));
    on('waiting', () => this.stalls.begin());
    on('ended', () => {
      this.stalls.end();
      this.options.onEvent({ type: 'ended' });
    });
    on('timeupdate', () => this.loop.keep(false));
    on('error', () => {
      if (!this.feed.hls && this.video.error) this.mending.nativeError(this.video.error, this.video.networkState);
    });
    // A page in the background falls behind; nobody asked it to.
    document.addEventListener('visibilitychange', () => this.catchUp.check(), { signal });
  }

  private playing(): void {
    this.rewind.shown();
    this.retries.forgive();
    this.stalls.end();
    this.options.onEvent({ type: 'playing' });
    this.catchUp.check(); // a slow start or a stall has made it late
  }

  /** Live is watched, and the picture is late. */
  private isLate(): boolean {
    const isWanted = !document.hidden && !this.wish.isPaused && !this.rewind.isByViewer && !this.isRecorded;
    return isWanted && !this.video.paused && this.stats().isBehind;
  }
}
