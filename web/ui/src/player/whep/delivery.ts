/** Everything over WebRTC: the picture as it happens, and nothing else of the stream. */

import type { Delivery } from '../delivery';
import type { PlayWish } from '../play-wish';
import type { PlayerEvent } from '../state';
import type { Stats } from '../stats';
import type { Still } from '../still';
import type { Figures } from './figures';
import { Health } from './health';
import type { WhepSession } from './session';
import { why, type Why } from './why';

const LOOK_EVERY_MS = 500;
/** A stream that is over, and of which nothing came for this long, has been seen to its end. */
const OVER_MS = 1000;
/** After the server's goodbye it takes this long at most to hear that the stream is over, which is the usual reason. */
const HEARSAY_MS = 1000;

interface WhepParts {
  video: HTMLVideoElement;
  wish: PlayWish;
  still: Still;
  onEvent: (event: PlayerEvent) => void;
  /** The program time of media time 0, if HLS has told it. */
  zeroMs: () => number | null;
  /** The viewer wants to see this moment, which only HLS can show unless it is now. */
  goTo: (programMs: number) => void;
  /** It is of no use any more. */
  onLost: (why: Why) => void;
}

export class WhepDelivery implements Delivery {
  /** The place on the server was given back. */
  isGone = false;
  private readonly health = new Health();
  private readonly listeners = new AbortController();
  private figures: Figures | null = null;
  private timer: ReturnType<typeof setInterval | typeof setTimeout> | undefined;
  private isEnding = false;
  private isStanding = false;
  private isGoodbye = false;
  private heard = { packets: 0, atMs: 0 };

  constructor(
    private readonly session: WhepSession,
    private readonly parts: WhepParts,
  ) {}

  begin(): void {
    const { video, wish } = this.parts;
    this.session.onLost = (isGoodbye) => this.hangUp(isGoodbye);
    this.listen();
    this.figures = this.session.latest;
    video.playbackRate = 1; // hls.js may have hurried
    video.srcObject = this.session.stream;
    void wish.try(false);
    this.timer = setInterval(() => void this.look(), LOOK_EVERY_MS);
  }

  end(): void {
    this.parts.still.hold();
    this.listeners.abort();
    this.letGo();
    this.parts.video.srcObject = null;
  }

  /** The last picture stays; the server has its place back. */
  letGo(): void {
    clearTimeout(this.timer); // either kind
    this.isGone = true;
    this.session.close();
  }

  setInterrupted(isInterrupted: boolean): void {
    this.health.isInterrupted = isInterrupted;
  }

  /** The stream is over, and its last pictures may still come. */
  setEnding(isEnding: boolean): void {
    this.isEnding = isEnding;
    if (isEnding && this.isGoodbye) this.over();
  }

  /** There is no past to begin at: whatever plays is live. */
  play(): void {
    if (!this.isGone) void this.parts.wish.try(true);
  }

  goLive(): void {
    this.parts.wish.isPaused = false;
    if (this.parts.video.paused) this.play();
  }

  seekBy(seconds: number): void {
    if (seconds < 0) this.parts.goTo(this.edgeMs() + seconds * 1000);
  }

  seekToProgram(programMs: number): void {
    this.parts.goTo(programMs);
  }

  edgeMs(): number {
    return Date.now() - (this.figures?.latencyMs ?? 0);
  }

  stats(): Stats {
    const { video, zeroMs } = this.parts;
    const { figures, health } = this;
    const nowMs = this.edgeMs();
    const latencyS = figures?.latencyMs == null ? null : figures.latencyMs / 1000;
    const { currentTime } = video;
    return {
      latencyS,
      aimS: null,
      isBehind: false,
      bufferS: (figures?.jitterBufferMs ?? 0) / 1000,
      rate: 1,
      droppedFrames: figures?.framesDropped ?? 0,
      totalFrames: figures?.framesDecoded ?? 0,
      width: figures?.width ?? 0,
      height: figures?.height ?? 0,
      bitrateBps: figures?.bitrateBps ?? null,
      codecs: figures?.codec ?? '',
      partTargetS: null,
      targetDurationS: null,
      stalls: health.stops,
      engine: 'WebRTC',
      quality: figures?.height ? `${Math.min(figures.width, figures.height)}p` : null,
      isAuto: true,
      bandwidthBps: null,
      place: {
        positionS: currentTime, startS: currentTime, endS: currentTime, bufferedS: currentTime,
        programMs: nowMs, firstMs: nowMs, lastMs: nowMs, zeroMs: zeroMs(), isPast: false, isGrowing: true,
      },
      webrtc: figures && { rttMs: figures.rttMs, lossShare: health.lossShare(), jitterBufferMs: figures.jitterBufferMs },
    };
  }

  private async look(): Promise<void> {
    const figures = await this.session.figures().catch(() => null);
    if (this.isGone || !figures) return; // closed while it was asked: there is nothing left to judge
    this.figures = figures;
    if (figures.packets !== this.heard.packets) this.heard = { packets: figures.packets, atMs: figures.atMs };
    if (this.isEnding && figures.atMs - this.heard.atMs > OVER_MS) return this.over();
    const verdict = this.health.note(figures, !document.hidden && !this.parts.video.paused);
    if (verdict === 'fine' || verdict === 'standing') this.tellStanding(verdict === 'standing');
    else this.lose(verdict);
  }

  private hangUp(isGoodbye: boolean): void {
    if (!isGoodbye || this.isEnding) return this.lose(why('lost'));
    clearInterval(this.timer);
    this.isGoodbye = true;
    this.timer = setTimeout(() => this.lose(why('lost')), HEARSAY_MS);
    this.tellStanding(true);
  }

  private lose(reason: Why): void {
    if (this.isEnding) this.over();
    else this.parts.onLost(reason);
  }

  private over(): void {
    this.letGo();
    this.parts.onEvent({ type: 'ended' });
  }

  /** Browsers say nothing of a live picture that stands. */
  private tellStanding(isStanding: boolean): void {
    if (isStanding === this.isStanding) return;
    this.isStanding = isStanding;
    if (!this.parts.wish.isPaused) this.parts.onEvent({ type: isStanding ? 'waiting' : 'playing' });
  }

  private listen(): void {
    const { video, wish, onEvent } = this.parts;
    const { signal } = this.listeners;
    video.addEventListener('playing', () => onEvent({ type: 'playing' }), { signal });
    video.addEventListener('pause', () => onEvent({ type: 'pause' }), { signal });
    // iPhones pause what is in the background, which nobody asked for.
    const back = () => document.hidden || this.isGone || !video.paused || wish.isPaused || void wish.try(false);
    document.addEventListener('visibilitychange', back, { signal });
  }
}
