/**
 * What feeds the <video>: hls.js where the browser has Media Source Extensions, the browser's own HLS where it has not
 * (older iOS). One at a time; a new one takes the place of the last.
 */

import type { default as HlsClass, ErrorData, Fragment } from 'hls.js';
import { startBandwidth } from './bandwidth';
import { HLS_CONFIG, PAST_CONFIG } from './config';
import { positionOf } from './timeline';

const NATIVE_TYPE = 'application/vnd.apple.mpegurl';

export interface FeedPlan {
  url: string;
  /** Has happened: nothing hurries. */
  isPast: boolean;
  /** Null: where hls.js begins by itself, the live edge. */
  startAtS: number | null;
  /** Begins at a moment, which only the playlist can place: `loadFrom` is called when it is there. */
  isTimed: boolean;
  /** A small player takes no rendition larger than itself. */
  isSmall: boolean;
}

/** What the player hears of its feed. */
export interface FeedEars {
  onPlayable: () => void;
  /** The playlist of what plays is there. */
  onListed: () => void;
  onLevels: () => void;
  onSwitching: () => void;
  onInit: (fragment: Fragment, initS: number) => void;
  onMeasured: (bps: number) => void;
  onError: (Hls: typeof HlsClass, error: ErrorData) => void;
  /** Before a request is sent: its address may be an old one. */
  onRequest: (request: XMLHttpRequest, url: string) => void;
}

export class Feed {
  hls: HlsClass | null = null;
  private Hls: typeof HlsClass | null = null;

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly ears: FeedEars,
  ) {}

  /** "hls.js 1.2.3", or whose else. */
  get name(): string {
    return this.Hls ? `hls.js ${this.Hls.version}` : 'native HLS';
  }

  /** False: this browser can do neither. */
  begin(Hls: typeof HlsClass, plan: FeedPlan, signal: AbortSignal): boolean {
    this.stop(); // two starts in one turn leave one
    if (Hls.isSupported()) this.beginHls(Hls, plan);
    else if (this.video.canPlayType(NATIVE_TYPE)) this.beginNative(plan, signal);
    else return false;
    return true;
  }

  stop(): void {
    this.hls?.destroy();
    this.hls = null;
  }

  /** For good: frees the decoder, which removing the address alone does not. */
  empty(): void {
    this.stop();
    this.video.removeAttribute('src');
    this.video.load();
  }

  /** Where a moment is, only the playlist says: as soon as it is there, loading begins at that place. */
  loadFrom(programMs: number | null): void {
    const details = this.hls?.latestLevelDetails ?? null;
    const position = programMs === null ? null : positionOf(details?.fragments ?? [], programMs);
    if (position !== null) this.hls?.startLoad(Math.max(position, details?.fragmentStart ?? 0));
  }

  private beginHls(Hls: typeof HlsClass, plan: FeedPlan): void {
    const hls = new Hls({
      ...(plan.isPast ? PAST_CONFIG : HLS_CONFIG),
      ...(plan.startAtS !== null && { startPosition: plan.startAtS }),
      abrEwmaDefaultEstimate: startBandwidth(Date.now()),
      capLevelToPlayerSize: plan.isSmall,
      xhrSetup: this.ears.onRequest,
    });
    this.Hls = Hls;
    this.hls = hls;
    this.hear(hls, Hls, plan);
    hls.loadSource(plan.url);
    hls.attachMedia(this.video);
  }

  private hear(hls: HlsClass, Hls: typeof HlsClass, { isTimed }: FeedPlan): void {
    const { ears } = this;
    hls.on(Hls.Events.MANIFEST_PARSED, () => {
      ears.onPlayable();
      ears.onLevels();
    });
    hls.on(Hls.Events.LEVELS_UPDATED, () => ears.onLevels());
    hls.on(Hls.Events.LEVEL_SWITCHING, () => ears.onSwitching());
    if (isTimed) hls.once(Hls.Events.LEVEL_UPDATED, () => ears.onListed());
    hls.on(Hls.Events.INIT_PTS_FOUND, (_event, { id, frag, initPTS, timescale }) => {
      if (id === 'main') ears.onInit(frag, initPTS / timescale);
    });
    hls.on(Hls.Events.FRAG_BUFFERED, (_event, { frag, part, stats }) => {
      const length = part?.duration ?? frag.duration;
      if (frag.type === 'main' && length > 0) ears.onMeasured((stats.total * 8) / length);
    });
    hls.on(Hls.Events.ERROR, (_event, error) => ears.onError(Hls, error));
  }

  private beginNative({ url, startAtS }: FeedPlan, signal: AbortSignal): void {
    this.video.src = url;
    const begin = () => {
      this.ears.onListed();
      this.ears.onPlayable();
      if (startAtS) this.video.currentTime = startAtS;
    };
    this.video.addEventListener('loadedmetadata', begin, { once: true, signal });
  }
}
