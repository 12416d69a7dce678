/**
 * The moving part of the player: one <video>, one source, hls.js where the browser has Media Source Extensions and
 * the browser's own HLS where it has not (older iOS). Speaks to the outside in `PlayerEvent`s; knows no React.
 */

import type { default as HlsClass, ErrorData, HlsConfig } from 'hls.js';
import { fullJitter, type Backoff } from '../backoff';
import { keepBandwidth, startBandwidth } from './bandwidth';
import { pickQuality, qualitiesOf, type Quality, type QualityChoice } from './quality';
import type { PlayerEvent } from './state';
import { isBehind, latencyOf, TROUBLES, type Trouble } from './trouble';

const RETRY: Backoff = { baseMs: 1500, capMs: 15_000 };
const RETRY_AT_LEAST_MS = 500;
/** Recovering the decoder twice within this time did not help: start the source again. */
const MEDIA_RECOVERY_MS = 5000;
/** A stall that lasts longer than this is ended by a jump to the live position. */
const STALL_MS = 6000;
/** One that has media ahead is stuck, not hungry; hls.js has tried its own cures by then. */
const STUCK_MS = 2100;
const STUCK_WITH_S = 0.5;
/** At its end hls.js may leave the last few frames unfetched and never say "ended": a stall this long then is the end. */
const OVER_MS = 700;
/** Jumps that nobody asked for: not more often, so that on a poor line something is still seen between them. */
const JUMP_EVERY_MS = 10_000;
/** While the publisher is awaited, a playlist that does not come is asked for again this often, and nothing is started anew. */
const HOLD_ON_MS = 2000;
/** After the publisher's return a picture that still stands is given up this soon. */
const RESUMED_PATIENCE_MS = 1500;
/** A rendition that failed or had a gap is tried again after this long; hls.js by itself never would. */
const PENALTY_MS = 20_000;
/** With more than this ahead a change of quality throws away what is buffered; below, that would stall the picture. */
const DEEP_BUFFER_S = 6;
/** The first parts of a new connection say little about the line. */
const KEEP_BANDWIDTH_EVERY_MS = 5000;
/** How much of the past stays in the buffer for going back. */
export const BACK_BUFFER_S = 30;

/** Why: facts of our own measurements with LL-HLS in Chromium. Without a rate above 1 the start-up delay never shrinks. */
export const HLS_CONFIG: Partial<HlsConfig> = {
  lowLatencyMode: true,
  maxLiveSyncPlaybackRate: 1.1,
  liveSyncOnStallIncrease: 0.25, // the default of 1 s per stall is never taken back
  backBufferLength: BACK_BUFFER_S,
  startFragPrefetch: true, // the first request need not wait for the media source to open
  errorPenaltyExpireMs: PENALTY_MS,
  // One second is buffered. On a line that fell to a hundredth hls.js stepped down after 10 s and eleven stalls with its
  // defaults (3, 9, 0.95, 0.7), after 4 s and two with these. The weights are seconds of loading, not of playing.
  abrEwmaFastLive: 0.6,
  abrEwmaSlowLive: 4,
  abrBandWidthFactor: 0.8,
  abrBandWidthUpFactor: 0.65,
  enableWorker: false, // fMP4 passes through; a worker only delays the first picture and needs blob: in the CSP
};

export interface Stats {
  latencyS: number | null;
  aimS: number | null;
  isBehind: boolean;
  bufferS: number;
  rate: number;
  droppedFrames: number;
  totalFrames: number;
  width: number;
  height: number;
  bitrateBps: number | null;
  codecs: string;
  partTargetS: number | null;
  targetDurationS: number | null;
  stalls: number;
  engine: string;
  /** The rendition that plays, and whether hls.js chose it. */
  quality: string | null;
  isAuto: boolean;
  bandwidthBps: number | null;
}

export interface EngineOptions {
  video: HTMLVideoElement;
  url: string;
  loadHls: () => Promise<typeof HlsClass>;
  onEvent: (event: PlayerEvent) => void;
  /** The playlist arrived / there is none (404). */
  onPlayable?: () => void;
  onMissing?: () => void;
  /** What there is to choose from, best first. */
  onQualities?: (qualities: Quality[]) => void;
  /** A small player takes no rendition larger than itself. */
  isSmall?: boolean;
}

export class PlayerEngine {
  private readonly video: HTMLVideoElement;
  private readonly listeners = new AbortController();
  private hls: HlsClass | null = null;
  private Hls: typeof HlsClass | null = null;
  private retryTimer: ReturnType<typeof setTimeout> | null = null;
  private stallTimer: ReturnType<typeof setTimeout> | null = null;
  private attempt = 0;
  private recoveredAt = -Infinity;
  private isDestroyed = false;
  private isPausedByViewer = false;
  private isRewound = false;
  private jumpedAt = -Infinity;
  private stalls = 0;
  private bitrateBps: number | null = null;
  private choice: QualityChoice = 'auto';
  private qualities: Quality[] = [];
  private isInterrupted = false;
  private holdTimer: ReturnType<typeof setTimeout> | null = null;
  private penaltyTimer: ReturnType<typeof setTimeout> | null = null;
  private keptBandwidthAt = 0;
  private catchUpTimer: ReturnType<typeof setTimeout> | null = null;

  constructor(private readonly options: EngineOptions) {
    this.video = options.video;
    this.listen();
    void this.start();
  }

  // --- what a viewer does ---

  /** Play; after a pause the live picture, not the old one, is what a viewer expects. */
  play(): void {
    this.isPausedByViewer = false;
    if (this.video.ended) return this.retry(); // play() would start again at the oldest picture
    if (this.stats().isBehind) this.goLive();
    void this.tryPlay(true);
  }

  pause(): void {
    this.isPausedByViewer = true;
    this.video.pause();
    this.options.onEvent({ type: 'pause' });
  }

  goLive(): void {
    const position = this.livePosition();
    if (position !== null) this.video.currentTime = position;
    this.isPausedByViewer = false;
    this.isRewound = false;
    if (this.video.paused) void this.tryPlay(true);
  }

  /** Go back or forward, never out of what can be played. */
  seekBy(seconds: number): void {
    const { seekable, currentTime } = this.video;
    if (seekable.length === 0) return;
    const latest = this.livePosition() ?? seekable.end(seekable.length - 1);
    this.isRewound = currentTime + seconds < latest;
    this.video.currentTime = Math.min(latest, Math.max(seekable.start(0), currentTime + seconds));
  }

  /** Play this rendition from the next part on, without a stall. */
  setQuality(choice: QualityChoice): void {
    this.choice = choice;
    this.applyQuality();
  }

  /** The publisher is awaited: what would be a failure is then a wait. */
  setInterrupted(isInterrupted: boolean): void {
    if (this.isInterrupted === isInterrupted) return;
    this.isInterrupted = isInterrupted;
    if (isInterrupted) return;
    if (this.holdTimer !== null) this.resume();
    if (this.stallTimer === null) return;
    clearTimeout(this.stallTimer);
    this.stallTimer = setTimeout(() => this.checkStall(0), RESUMED_PATIENCE_MS);
  }

  /** Start the source again now. */
  retry(): void {
    this.attempt = 0;
    void this.start();
  }

  destroy(): void {
    this.isDestroyed = true;
    this.listeners.abort();
    this.stop();
    this.video.removeAttribute('src');
    this.video.load(); // frees the decoder; removing the attribute alone does not
  }

  stats(): Stats {
    const { video, hls } = this;
    const details = hls?.latestLevelDetails ?? null;
    const quality = video.getVideoPlaybackQuality?.();
    const aimS = hls?.targetLatency ?? null;
    const latencyS = latencyOf(Date.now(), this.playingDate(), hls && details ? hls.latency : null);
    const level = hls && hls.currentLevel >= 0 ? hls.levels[hls.currentLevel] : hls?.levels[0];
    return {
      latencyS,
      aimS,
      isBehind: isBehind(latencyS, aimS),
      bufferS: this.bufferAhead(),
      rate: video.playbackRate,
      droppedFrames: quality?.droppedVideoFrames ?? 0,
      totalFrames: quality?.totalVideoFrames ?? 0,
      width: video.videoWidth,
      height: video.videoHeight,
      bitrateBps: this.bitrateBps ?? level?.bitrate ?? null,
      codecs: [level?.videoCodec, level?.audioCodec].filter(Boolean).join(', '),
      partTargetS: details?.partTarget || null,
      targetDurationS: details?.targetduration ?? null,
      stalls: this.stalls,
      quality: this.qualities.find(({ index }) => index === hls?.currentLevel)?.label ?? null,
      isAuto: hls?.autoLevelEnabled ?? true,
      bandwidthBps: hls && this.bitrateBps !== null ? hls.bandwidthEstimate : null,
      engine: this.Hls ? `hls.js ${this.Hls.version}` : 'native HLS',
    };
  }

  // --- the source ---

  private async start(): Promise<void> {
    this.stop();
    this.options.onEvent({ type: 'load' });
    let Hls: typeof HlsClass;
    try {
      Hls = await this.options.loadHls();
    } catch {
      return this.planRetry(TROUBLES.network); // the chunk did not load: same cure as any lost request
    }
    if (this.isDestroyed) return;
    if (Hls.isSupported()) this.startHls(Hls);
    else if (this.video.canPlayType('application/vnd.apple.mpegurl')) this.startNative();
    else this.options.onEvent({ type: 'failed', trouble: TROUBLES.browser });
  }

  private startHls(Hls: typeof HlsClass): void {
    const hls = new Hls({ ...HLS_CONFIG, abrEwmaDefaultEstimate: startBandwidth(Date.now()), capLevelToPlayerSize: this.options.isSmall ?? false });
    this.Hls = Hls;
    this.keptBandwidthAt = performance.now();
    this.hls = hls;
    hls.on(Hls.Events.MANIFEST_PARSED, () => {
      this.options.onPlayable?.();
      this.listQualities();
      void this.tryPlay(false);
    });
    hls.on(Hls.Events.LEVELS_UPDATED, () => this.listQualities());
    hls.on(Hls.Events.LEVEL_SWITCHING, () => this.reapplyLater());
    hls.on(Hls.Events.FRAG_BUFFERED, (_event, { frag, part, stats }) => {
      const length = part?.duration ?? frag.duration;
      if (frag.type === 'main' && length > 0) this.measured((stats.total * 8) / length);
    });
    hls.on(Hls.Events.ERROR, (_event, error) => this.onHlsError(Hls, error));
    hls.loadSource(this.options.url);
    hls.attachMedia(this.video);
  }

  private startNative(): void {
    this.video.src = this.options.url;
    this.video.addEventListener('loadedmetadata', () => this.options.onPlayable?.(), {
      once: true,
      signal: this.listeners.signal,
    });
    void this.tryPlay(false);
  }

  private stop(): void {
    if (this.retryTimer !== null) clearTimeout(this.retryTimer);
    this.retryTimer = null;
    this.endStall();
    for (const timer of [this.holdTimer, this.penaltyTimer, this.catchUpTimer]) if (timer !== null) clearTimeout(timer);
    this.holdTimer = this.penaltyTimer = this.catchUpTimer = null;
    this.hls?.destroy();
    this.hls = null;
    this.bitrateBps = null;
  }

  private async tryPlay(byViewer: boolean): Promise<void> {
    if (this.isPausedByViewer) return this.options.onEvent({ type: 'pause' });
    try {
      await this.video.play();
    } catch (error) {
      if (this.isDestroyed || !(error instanceof DOMException) || error.name !== 'NotAllowedError') return;
      if (this.video.muted || byViewer) return this.options.onEvent({ type: 'blocked' });
      this.video.muted = true;
      this.options.onEvent({ type: 'muted-by-browser' });
      await this.tryPlay(false);
    }
  }

  // --- what goes wrong ---

  private onHlsError(Hls: typeof HlsClass, error: ErrorData): void {
    if (!error.fatal) return;
    const { ErrorTypes, ErrorDetails } = Hls;
    if (error.details === ErrorDetails.MANIFEST_LOAD_ERROR && error.response?.code === 404) {
      this.options.onMissing?.();
      return this.planRetry(TROUBLES.network);
    }
    if (error.details === ErrorDetails.MANIFEST_INCOMPATIBLE_CODECS_ERROR || error.details === ErrorDetails.BUFFER_ADD_CODEC_ERROR) {
      this.stop();
      return this.options.onEvent({ type: 'failed', trouble: TROUBLES.codec });
    }
    if (error.details === ErrorDetails.FRAG_GAP) return this.holdOn();
    if (error.type === ErrorTypes.MEDIA_ERROR) {
      const now = performance.now();
      if (now - this.recoveredAt > MEDIA_RECOVERY_MS) {
        this.recoveredAt = now;
        this.hls?.recoverMediaError();
        return void this.tryPlay(false);
      }
      return this.planRetry(TROUBLES.media);
    }
    const hasManifest = error.details !== ErrorDetails.MANIFEST_LOAD_ERROR && error.details !== ErrorDetails.MANIFEST_LOAD_TIMEOUT;
    if (this.isInterrupted && hasManifest) return this.holdOn();
    this.planRetry(TROUBLES.network);
  }

  /** hls.js has given up loading; what is buffered and the position stay, and it is told to go on. */
  private holdOn(): void {
    this.options.onEvent({ type: 'waiting' });
    this.holdTimer ??= setTimeout(() => this.resume(), HOLD_ON_MS);
  }

  private resume(): void {
    if (this.holdTimer !== null) clearTimeout(this.holdTimer);
    this.holdTimer = null;
    this.hls?.startLoad();
  }

  private planRetry(trouble: Trouble): void {
    if (this.isDestroyed || this.retryTimer !== null) return;
    // hls.js has given up on this source; what is buffered plays on until the next try.
    const waitMs = RETRY_AT_LEAST_MS + fullJitter(this.attempt++, RETRY);
    this.retryTimer = setTimeout(() => void this.start(), waitMs);
    this.options.onEvent({ type: 'retry-planned', trouble, at: Date.now() + waitMs });
  }

  private listen(): void {
    const on = (name: keyof HTMLVideoElementEventMap, act: () => void) =>
      this.video.addEventListener(name, act, { signal: this.listeners.signal });
    on('playing', () => {
      this.attempt = 0;
      this.endStall();
      this.options.onEvent({ type: 'playing' });
      this.catchUp(); // a slow start or a stall has made it late
    });
    on('pause', () => this.video.ended || this.options.onEvent({ type: 'pause' }));
    on('waiting', () => this.beginStall());
    on('ended', () => {
      this.endStall();
      this.options.onEvent({ type: 'ended' });
    });
    // A page in the background falls behind; nobody asked it to.
    document.addEventListener('visibilitychange', () => this.catchUp(), { signal: this.listeners.signal });
    on('error', () => {
      if (!this.hls && this.video.error) this.onNativeError(this.video.error);
    });
  }

  private onNativeError(error: MediaError): void {
    if (error.code === MediaError.MEDIA_ERR_DECODE) return this.planRetry(TROUBLES.media);
    if (error.code === MediaError.MEDIA_ERR_SRC_NOT_SUPPORTED && this.video.networkState === HTMLMediaElement.NETWORK_NO_SOURCE) {
      this.options.onMissing?.(); // Safari says this of a 404 too
    }
    this.planRetry(TROUBLES.network);
  }

  private catchUp(): void {
    const isWanted = !document.hidden && !this.isPausedByViewer && !this.isRewound;
    if (!isWanted || this.video.paused || !this.stats().isBehind) return;
    const now = performance.now();
    const waitMs = this.jumpedAt + JUMP_EVERY_MS - now;
    if (waitMs > 0) {
      // Late again soon after a jump: nothing else would ever make up for it.
      this.catchUpTimer ??= setTimeout(() => {
        this.catchUpTimer = null;
        this.catchUp();
      }, waitMs);
      return;
    }
    this.jumpedAt = now;
    this.goLive();
  }

  private beginStall(): void {
    if (this.video.seeking || this.stallTimer !== null || this.video.currentTime === 0) return;
    this.stalls++;
    this.options.onEvent({ type: 'waiting' });
    this.stallTimer = setTimeout(() => this.checkStall(STALL_MS - OVER_MS), OVER_MS);
  }

  private checkStall(patienceMs: number): void {
    this.stallTimer = null;
    if (this.hls?.latestLevelDetails?.live === false) return this.options.onEvent({ type: 'ended' });
    if (this.isInterrupted) patienceMs = STALL_MS; // there is nothing to jump to
    const isStuck = patienceMs <= STALL_MS - STUCK_MS && this.bufferAhead() > STUCK_WITH_S;
    if (patienceMs <= 0 || isStuck) return this.goLive();
    this.stallTimer = setTimeout(() => this.checkStall(patienceMs - OVER_MS), OVER_MS);
  }

  private endStall(): void {
    if (this.stallTimer !== null) clearTimeout(this.stallTimer);
    this.stallTimer = null;
  }

  // --- what is known ---

  private playingDate(): Date | null {
    if (this.hls) return this.hls.playingDate;
    const start = (this.video as HTMLVideoElement & { getStartDate?: () => Date }).getStartDate?.();
    const isKnown = start && Number.isFinite(start.getTime());
    return isKnown ? new Date(start.getTime() + this.video.currentTime * 1000) : null;
  }

  private livePosition(): number | null {
    if (this.hls) return this.hls.liveSyncPosition;
    const { seekable } = this.video;
    return seekable.length > 0 ? seekable.end(seekable.length - 1) : null;
  }

  private bufferAhead(): number {
    const { buffered, currentTime } = this.video;
    for (let index = 0; index < buffered.length; index++) {
      if (buffered.start(index) <= currentTime + 0.1 && currentTime < buffered.end(index)) return buffered.end(index) - currentTime;
    }
    return 0;
  }

  // --- which rendition ---

  private listQualities(): void {
    this.qualities = qualitiesOf(this.hls?.levels ?? []);
    this.options.onQualities?.(this.qualities);
    this.applyQuality();
  }

  private applyQuality(): void {
    const { hls } = this;
    if (!hls || this.qualities.length === 0) return;
    const index = pickQuality(this.choice, this.qualities)?.index ?? -1;
    if (index === -1 ? hls.autoLevelEnabled : !hls.autoLevelEnabled && hls.loadLevel === index) return;
    if (index === -1 || this.bufferAhead() < DEEP_BUFFER_S) hls.loadLevel = index;
    else hls.nextLevel = index;
  }

  /** hls.js leaves a chosen rendition that fails or has a gap, and goes on by itself: take the viewer back later. */
  private reapplyLater(): void {
    if (this.choice === 'auto' || !this.hls?.autoLevelEnabled || this.penaltyTimer !== null) return;
    this.penaltyTimer = setTimeout(() => {
      this.penaltyTimer = null;
      this.applyQuality();
    }, PENALTY_MS);
  }

  private measured(bps: number): void {
    this.smoothBitrate(bps);
    const now = performance.now();
    if (!this.hls || now - this.keptBandwidthAt < KEEP_BANDWIDTH_EVERY_MS) return;
    this.keptBandwidthAt = now;
    keepBandwidth(this.hls.bandwidthEstimate, Date.now());
  }

  private smoothBitrate(bps: number): void {
    this.bitrateBps = this.bitrateBps === null ? bps : this.bitrateBps * 0.9 + bps * 0.1;
  }
}
