import type { default as HlsClass } from 'hls.js';

export const level = (change: object) => ({
  width: 1280, height: 720, frameRate: 30, bitrate: 2_500_000, averageBitrate: 2_400_000, uri: '/hls/demo/720p.m3u8', videoCodec: 'avc1.64001f',
  audioCodec: 'mp4a.40.2', ...change,
});

/** A source at 1080p60 and two rungs, as hls.js sorts them. */
export const LADDER = [
  level({ width: 854, height: 480, bitrate: 1_200_000, averageBitrate: 1_100_000, uri: '/hls/demo/480p.m3u8' }),
  level({}),
  level({ width: 1920, height: 1080, frameRate: 60, bitrate: 6_600_000, averageBitrate: 6_000_000, uri: '/hls/demo/video.m3u8' }),
];

type Listener = (event: string, data: never) => void;

interface Details {
  live: boolean;
  partTarget: number;
  targetduration: number;
  fragments: { start: number; duration: number; programDateTime: number | null }[];
  fragmentStart: number;
  edge: number;
}

/** hls.js as far as the engine uses it; the test says what happens. */
export class FakeHls {
  static readonly Events = { MANIFEST_PARSED: 'parsed', LEVELS_UPDATED: 'levels', LEVEL_SWITCHING: 'switching', LEVEL_UPDATED: 'updated', INIT_PTS_FOUND: 'initPts', FRAG_BUFFERED: 'buffered', ERROR: 'error' };
  static readonly ErrorTypes = { MEDIA_ERROR: 'media', NETWORK_ERROR: 'network' };
  static readonly ErrorDetails = {
    MANIFEST_LOAD_ERROR: 'manifestLoadError',
    MANIFEST_LOAD_TIMEOUT: 'manifestLoadTimeOut',
    LEVEL_LOAD_ERROR: 'levelLoadError',
    AUDIO_TRACK_LOAD_ERROR: 'audioTrackLoadError',
    FRAG_GAP: 'fragGap',
    MANIFEST_INCOMPATIBLE_CODECS_ERROR: 'manifestIncompatibleCodecsError',
    BUFFER_ADD_CODEC_ERROR: 'bufferAddCodecError',
  };
  static readonly version = '0.0.0-fake';
  static made: FakeHls[] = [];
  static isSupportedHere = true;
  static isSupported = () => FakeHls.isSupportedHere;

  listeners = new Map<string, Listener>();
  source: string | null = null;
  media: HTMLMediaElement | null = null;
  recoveries = 0;
  isDestroyed = false;
  liveSyncPosition: number | null = 50;
  targetLatency = 1;
  latency = 1.2;
  latestLevelDetails: Details | null = { live: true, partTarget: 0.333, targetduration: 2, fragments: [], fragmentStart: 20, edge: 51 };
  playingDate: Date | null = null;
  currentLevel = 0;
  levels = [level({})];
  bandwidthEstimate = 6_000_000;
  autoLevelEnabled = true;
  starts = 0;
  /** What was set on it, in turn. */
  sets: [string, number][] = [];

  constructor(readonly config: Record<string, unknown>) {
    FakeHls.made.push(this);
  }

  on = (event: string, listener: Listener) => void this.listeners.set(event, listener);
  once = this.on;
  loadSource = (url: string) => void (this.source = url);
  attachMedia = (media: HTMLMediaElement) => void (this.media = media);
  startLoad = (position?: number) => {
    this.starts++;
    if (position !== undefined) this.sets.push(['startLoad', position]);
  };
  recoverMediaError = () => void this.recoveries++;
  destroy = () => void (this.isDestroyed = true);

  get loadLevel(): number {
    return this.sets.at(-1)?.[1] ?? 0;
  }

  set loadLevel(index: number) {
    this.autoLevelEnabled = index === -1;
    this.sets.push(['loadLevel', index]);
  }

  set nextLevel(index: number) {
    this.autoLevelEnabled = index === -1;
    this.sets.push(['nextLevel', index]);
  }

  emit(event: string, data: object = {}): void {
    this.listeners.get(event)?.(event, data as never);
  }

  fail(details: string, more: object = {}): void {
    this.emit('error', { fatal: true, type: 'network', details, ...more });
  }

  static install(): void {
    FakeHls.made = [];
    FakeHls.isSupportedHere = true;
  }

  static get last(): FakeHls {
    const hls = FakeHls.made.at(-1);
    if (!hls) throw new Error('no hls.js was made');
    return hls;
  }

  static get asClass(): typeof HlsClass {
    return FakeHls as unknown as typeof HlsClass;
  }
}
