/**
 * The moving part of the player: one <video>, one source, hls.js where the browser has Media Source Extensions and
 * the browser's own HLS where it has not (older iOS). Speaks to the outside in `PlayerEvent`s; knows no React.
 *
 * A live stream has two playlists: the live one, with the last minute, and the one of what can be rewound to. A seek to
 * before the first plays the second from there; going live leads back. Both say program times, by which they meet.
 */

import type { default as HlsClass, ErrorData, LevelDetails } from 'hls.js';
import { fullJitter, type Backoff } from '../backoff';
import { keepBandwidth, startBandwidth } from './bandwidth';
import { HLS_CONFIG, PAST_CONFIG, PENALTY_MS } from './config';
import { pickQuality, qualitiesOf, type Quality, type QualityChoice } from './quality';
import type { PlayerEvent } from './state';
import { mediaZero, positionOf, programAt } from './timeline';
import { tokenOf, withToken } from './token';
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
/** With more than this ahead a change of quality throws away what is buffered; below, that would stall the picture. */
const DEEP_BUFFER_S = 6;
/** A seek to within this of the newest picture is a wish to be live. */
const LIVE_WITHIN_MS = 3000;
/** A recording whose rest is shorter than this has ended. */
const END_WITHIN_S = 1;
/** How far a recording that stands with media ahead is pushed. */
const STEP_OVER_S = 0.2;
/** A seek may land this much before where it was sent to. */
const LOOP_SLACK_S = 0.5;
/** The first parts of a new connection say little about the line. */
const KEEP_BANDWIDTH_EVERY_MS = 5000;

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
  place: Place;
}

/** Where it plays and between what. Times as in `timeline.ts`; null while unknown. */
export interface Place {
  positionS: number;
  startS: number;
  endS: number;
  /** To where it has loaded. */
  bufferedS: number;
  programMs: number | null;
  /** The first and the newest picture of this playlist. */
  firstMs: number | null;
  lastMs: number | null;
  /** The program time of media time 0. */
  zeroMs: number | null;
  /** Plays the playlist of what can be rewound to. */
  isPast: boolean;
  /** The playlist may still grow. */
  isGrowing: boolean;
}

export interface EngineOptions {
  video: HTMLVideoElement;
  url: string;
  loadHls: () => Promise<typeof HlsClass>;
  onEvent: (event: PlayerEvent) => void;
  /** The playlist arrived / there is none (404). */
  onPlayable?: () => void;
  onMissing?: () => void;
  /** It is there, and not for this viewer (any more). */
  onRefused?: () => void;
  /** A recording or a clip, played from `startAtS` on and not as it happens. */
  isRecorded?: boolean;
  startAtS?: number;
  /** The same as a program time, in a playlist that does not begin with the stream; and the one of media time 0. */
  startAtMs?: number;
  zeroMs?: number;
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
  private url: string;
  private rewindUrl: string | null = null;
  /** The program time at which the past plays or is about to; null: live. */
  private pastMs: number | null = null;
  /** Where the next source begins, when that is not its own choice. */
  private startAtS: number | null;
  private zeroMs: number | null = null;
  /** How far the newest live picture is behind this device's clock, ms; lasts while the past plays. */
  private edgeLagMs: number | null = null;
  /** Something of this source has been shown. */
  private hasStarted = false;
  private rate = 1;
  private loop: { startS: number; endS: number } | null = null;

  constructor(private readonly options: EngineOptions) {
    this.video = options.video;
    this.url = options.url;
    this.startAtS = options.startAtS ?? null;
    this.zeroMs = options.zeroMs ?? null;
    this.listen();
    void this.start();
  }

  // --- what a viewer does ---

  /** Play; after a pause the live picture, not the old one, is what a viewer expects, unless he went back himself. */
  play(): void {
    this.isPausedByViewer = false;
    if (this.video.ended) return this.playAgain();
    if (this.isRewound || this.options.isRecorded) this.rejoin();
    else if (this.stats().isBehind) this.goLive();
    void this.tryPlay(true);
  }

  pause(): void {
    this.isPausedByViewer = true;
    this.video.pause();
    this.options.onEvent({ type: 'pause' });
  }

  goLive(): void {
    if (this.options.isRecorded) return;
    this.isPausedByViewer = false;
    this.isRewound = false;
    if (this.pastMs !== null) {
      this.pastMs = null;
      return this.retry();
    }
    const position = this.livePosition();
    if (position !== null) this.video.currentTime = position;
    if (this.video.paused) void this.tryPlay(true);
  }

  /** Go back or forward, never out of what can be played. */
  seekBy(seconds: number): void {
    const { programMs, startS } = this.place();
    const { currentTime } = this.video;
    if (this.pastMs !== null) return this.seekToProgram((programMs ?? this.pastMs) + seconds * 1000);
    if (!this.options.isRecorded && programMs !== null && this.rewindUrl && currentTime + seconds < startS) {
      return this.seekToProgram(programMs + seconds * 1000);
    }
    this.seekTo(currentTime + seconds);
  }

  /** Go to a position of this playlist. */
  seekTo(positionS: number): void {
    const { seekable } = this.video;
    if (seekable.length === 0) return;
    const end = seekable.end(seekable.length - 1);
    const latest = this.options.isRecorded || this.pastMs !== null ? end : (this.livePosition() ?? end);
    this.isRewound = positionS < latest;
    const isOver = this.video.ended;
    this.video.currentTime = Math.min(latest, Math.max(seekable.start(0), positionS));
    if (isOver && !this.isPausedByViewer) void this.tryPlay(true);
  }

  /** Go to a moment of a live stream, in whichever of its playlists it is. */
  seekToProgram(programMs: number): void {
    const { firstMs, lastMs, isPast } = this.place();
    const edgeMs = this.edgeMs();
    if (edgeMs !== null && programMs > edgeMs - LIVE_WITHIN_MS) return this.goLive();
    const isListed = firstMs !== null && lastMs !== null && programMs >= firstMs && programMs <= lastMs;
    if (isListed || isPast || !this.rewindUrl) return this.seekListed(programMs);
    this.pastMs = programMs;
    this.isRewound = true;
    this.isPausedByViewer = false;
    this.hasStarted = false;
    this.retry();
  }

  /** Where the past of this stream is listed, and newer tokens of the addresses; plays on whatever changes. */
  setAddresses(url: string, rewindUrl: string | null): void {
    this.url = url;
    this.rewindUrl = rewindUrl;
  }

  /** Play only this part, in media time, again and again; null: all of it. */
  setLoop(loop: { startS: number; endS: number } | null): void {
    this.loop = loop;
    if (loop) this.keepInLoop(true);
  }

  /** How fast a recording plays. */
  setRate(rate: number): void {
    this.rate = rate;
    if (this.options.isRecorded) this.video.playbackRate = rate;
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
    const isLive = !this.options.isRecorded;
    const latencyS = isLive ? latencyOf(Date.now(), this.playingDate(), hls && details ? hls.latency : null) : null;
    const level = hls && hls.currentLevel >= 0 ? hls.levels[hls.currentLevel] : hls?.levels[0];
    return {
      latencyS,
      aimS,
      isBehind: isLive && (this.pastMs !== null || isBehind(latencyS, aimS)),
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
      place: this.place(),
    };
  }

  // --- the source ---

  private async start(): Promise<void> {
    this.keepPlace();
    this.stop();
    this.hasStarted = false;
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
    const isPast = this.pastMs !== null;
    const hls = new Hls({
      ...(isPast || this.options.isRecorded ? PAST_CONFIG : HLS_CONFIG),
      ...(this.options.isRecorded && { startPosition: this.startAtS ?? 0 }),
      abrEwmaDefaultEstimate: startBandwidth(Date.now()),
      capLevelToPlayerSize: this.options.isSmall ?? false,
      xhrSetup: (request, url) => this.renew(request, url),
    });
    this.Hls = Hls;
    this.keptBandwidthAt = performance.now();
    this.hls = hls;
    hls.on(Hls.Events.MANIFEST_PARSED, () => {
      this.options.onPlayable?.();
      this.listQualities();
      if (this.options.isRecorded) this.video.playbackRate = this.rate;
      void this.tryPlay(false);
    });
    hls.on(Hls.Events.LEVELS_UPDATED, () => this.listQualities());
    hls.on(Hls.Events.INIT_PTS_FOUND, (_event, { id, frag, initPTS, timescale }) => {
      if (id === 'main') this.zeroMs = mediaZero(frag, initPTS / timescale) ?? this.zeroMs;
    });
    const beginMs = this.startAtS === null ? this.options.startAtMs : undefined;
    if (isPast || beginMs !== undefined) hls.once(Hls.Events.LEVEL_UPDATED, () => this.loadFrom(this.pastMs ?? beginMs ?? null));
    hls.on(Hls.Events.LEVEL_SWITCHING, () => this.reapplyLater());
    hls.on(Hls.Events.FRAG_BUFFERED, (_event, { frag, part, stats }) => {
      const length = part?.duration ?? frag.duration;
      if (frag.type === 'main' && length > 0) this.measured((stats.total * 8) / length);
    });
    hls.on(Hls.Events.ERROR, (_event, error) => this.onHlsError(Hls, error));
    hls.loadSource(this.sourceUrl());
    hls.attachMedia(this.video);
  }

  /** Where a moment is, only the playlist says: as soon as it is there, loading begins at that place. */
  private loadFrom(programMs: number | null): void {
    const details = this.details();
    const position = programMs === null ? null : positionOf(details?.fragments ?? [], programMs);
    if (position !== null) this.hls?.startLoad(Math.max(position, details?.fragmentStart ?? 0));
  }

  private startNative(): void {
    this.video.src = this.sourceUrl();
    this.video.addEventListener('loadedmetadata', () => {
      this.options.onPlayable?.();
      if (this.pastMs !== null) this.seekListed(this.pastMs);
      else if (this.startAtS) this.video.currentTime = this.startAtS;
    }, { once: true, signal: this.listeners.signal });
    void this.tryPlay(false);
  }

  private sourceUrl(): string {
    return (this.pastMs === null ? null : this.rewindUrl) ?? this.url;
  }

  /** Whether the past was asked for and does not play yet. */
  private isSwitching(): boolean {
    return this.pastMs !== null && !this.hasStarted;
  }

  /** The playlists hand on the token with which they were fetched; it may have run out since. */
  private renew(request: XMLHttpRequest, url: string): void {
    const fresh = withToken(url, tokenOf(this.url));
    if (fresh !== url) request.open('GET', fresh, true);
  }

  /** Go to a moment of this playlist; before anything of it has played, by loading from there. */
  private seekListed(programMs: number): void {
    if (this.pastMs !== null) this.pastMs = programMs;
    if (this.hls && this.isSwitching()) return this.loadFrom(programMs);
    const position = this.positionAt(programMs);
    if (position !== null) this.seekTo(position);
  }

  /** Play on where the viewer is, unless that has gone from the live playlist meanwhile. */
  private rejoin(): void {
    const { programMs, positionS, startS, isPast } = this.place();
    if (this.options.isRecorded || isPast || positionS >= startS || programMs === null || !this.rewindUrl) return;
    this.pastMs = programMs;
    this.hasStarted = false;
    this.retry();
  }

  /** From the start again, what is recorded; what was live is asked for anew. */
  private playAgain(): void {
    if (!this.options.isRecorded) return this.retry(); // play() would start again at the oldest picture
    this.video.currentTime = 0;
    void this.tryPlay(true);
  }

  /** A source that starts again because something failed goes on where it was. */
  private keepPlace(): void {
    if (!this.hasStarted) return;
    if (this.options.isRecorded) this.startAtS = this.video.currentTime;
    else if (this.pastMs !== null && this.details()) this.pastMs = this.place().programMs;
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
    const status = error.response?.code;
    if (error.details === ErrorDetails.MANIFEST_LOAD_ERROR && status === 404) {
      if (this.pastMs !== null) return this.goLive(); // there is no past to go to (any more)
      this.options.onMissing?.();
      return this.planRetry(TROUBLES.network);
    }
    if (status === 401 || status === 403) this.options.onRefused?.();
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
      this.hasStarted = true;
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
    on('timeupdate', () => this.keepInLoop(false));
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
    const isWanted = !document.hidden && !this.isPausedByViewer && !this.isRewound && !this.options.isRecorded;
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
    if (this.options.isRecorded || this.pastMs !== null) return this.checkPastStall(patienceMs);
    if (this.hls?.latestLevelDetails?.live === false) return this.options.onEvent({ type: 'ended' });
    if (this.isInterrupted) patienceMs = STALL_MS; // there is nothing to jump to
    const isStuck = patienceMs <= STALL_MS - STUCK_MS && this.bufferAhead() > STUCK_WITH_S;
    if (patienceMs <= 0 || isStuck) return this.goLive();
    this.stallTimer = setTimeout(() => this.checkStall(patienceMs - OVER_MS), OVER_MS);
  }

  /** What has happened does not run away: a stall is the end, or waits for the line; hls.js steps over holes itself. */
  private checkPastStall(patienceMs: number): void {
    const details = this.details();
    const leftS = details ? details.edge - this.video.currentTime : Number.POSITIVE_INFINITY;
    if (details && !details.live && leftS < END_WITHIN_S) return this.options.onEvent({ type: 'ended' });
    if (details?.live && this.pastMs !== null && leftS < details.targetduration) return this.goLive();
    if (patienceMs <= 0 && this.bufferAhead() > STUCK_WITH_S) this.video.currentTime += STEP_OVER_S;
    const left = patienceMs <= 0 ? STALL_MS : patienceMs - OVER_MS;
    this.stallTimer = setTimeout(() => this.checkPastStall(left), OVER_MS);
  }

  private endStall(): void {
    if (this.stallTimer !== null) clearTimeout(this.stallTimer);
    this.stallTimer = null;
  }

  /** Back to the part's start at its end, or when the part itself has changed. */
  private keepInLoop(isNew: boolean): void {
    if (!this.loop) return;
    const start = this.positionOfMedia(this.loop.startS);
    const end = this.positionOfMedia(this.loop.endS);
    if (start === null || end === null) return;
    const { currentTime, seeking } = this.video;
    if (isNew || currentTime > end || (!seeking && currentTime < start - LOOP_SLACK_S)) this.video.currentTime = start;
  }

  // --- what is known ---

  private playingDate(): Date | null {
    if (this.hls) return this.hls.playingDate;
    const start = this.nativeStart();
    return start === null ? null : new Date(start + this.video.currentTime * 1000);
  }

  /** Safari: the program time of position 0. */
  private nativeStart(): number | null {
    const start = (this.video as HTMLVideoElement & { getStartDate?: () => Date }).getStartDate?.().getTime();
    return start !== undefined && Number.isFinite(start) ? start : null;
  }

  private details(): LevelDetails | null {
    return this.hls?.latestLevelDetails ?? null;
  }

  private place(): Place {
    const details = this.details();
    const { currentTime, seekable, duration } = this.video;
    const hasRange = seekable.length > 0;
    const startS = details?.fragmentStart ?? (hasRange ? seekable.start(0) : 0);
    const endS = details?.edge ?? (Number.isFinite(duration) ? duration : hasRange ? seekable.end(seekable.length - 1) : 0);
    const lastMs = this.programOf(endS);
    if (this.pastMs === null && !this.options.isRecorded) this.noteEdge(lastMs);
    return {
      positionS: currentTime,
      startS,
      endS,
      bufferedS: currentTime + this.bufferAhead(),
      programMs: this.isSwitching() ? this.pastMs : this.programOf(currentTime),
      firstMs: this.programOf(startS),
      lastMs,
      zeroMs: this.zero(),
      isPast: this.pastMs !== null,
      isGrowing: details?.live ?? !Number.isFinite(duration),
    };
  }

  private positionAt(programMs: number): number | null {
    if (this.hls) return positionOf(this.details()?.fragments ?? [], programMs);
    const start = this.nativeStart();
    return start === null ? null : (programMs - start) / 1000;
  }

  private programOf(positionS: number): number | null {
    const start = this.hls ? null : this.nativeStart();
    return start === null ? programAt(this.details()?.fragments ?? [], positionS) : start + positionS * 1000;
  }

  /** The program time of media time 0; a recording begins with it. */
  private zero(): number | null {
    return this.zeroMs ?? (this.options.isRecorded ? this.programOf(0) : null);
  }

  /** Media time at a position, and the other way round; null while unknown. */
  mediaAt(positionS: number): number | null {
    const zeroMs = this.zero();
    const programMs = this.programOf(positionS);
    return zeroMs === null || programMs === null ? null : (programMs - zeroMs) / 1000;
  }

  positionOfMedia(mediaS: number): number | null {
    const zeroMs = this.zero();
    return zeroMs === null ? null : this.positionAt(zeroMs + mediaS * 1000);
  }

  private noteEdge(edgeMs: number | null): void {
    if (edgeMs !== null) this.edgeLagMs = Date.now() - edgeMs;
  }

  /** The program time of the newest live picture, also while the past plays. */
  edgeMs(): number | null {
    return this.edgeLagMs === null ? null : Date.now() - this.edgeLagMs;
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
