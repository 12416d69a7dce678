import type { default as HlsClass } from 'hls.js';

type Listener = (event: string, data: never) => void;

/** hls.js as far as the engine uses it; the test says what happens. */
export class FakeHls {
  static readonly Events = { MANIFEST_PARSED: 'parsed', FRAG_BUFFERED: 'buffered', ERROR: 'error' };
  static readonly ErrorTypes = { MEDIA_ERROR: 'media', NETWORK_ERROR: 'network' };
  static readonly ErrorDetails = {
    MANIFEST_LOAD_ERROR: 'manifestLoadError',
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
  latestLevelDetails = { live: true, partTarget: 0.333, targetduration: 2 };
  playingDate: Date | null = null;
  currentLevel = 0;
  levels = [{ bitrate: 2_500_000, videoCodec: 'avc1.64001f', audioCodec: 'mp4a.40.2' }];

  constructor(readonly config: Record<string, unknown>) {
    FakeHls.made.push(this);
  }

  on = (event: string, listener: Listener) => void this.listeners.set(event, listener);
  loadSource = (url: string) => void (this.source = url);
  attachMedia = (media: HTMLMediaElement) => void (this.media = media);
  recoverMediaError = () => void this.recoveries++;
  destroy = () => void (this.isDestroyed = true);

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
