/** The figures of what plays, for the panel of statistics, the controls and tests. */

import { keepBandwidth } from './bandwidth';
import type { Feed } from './feed';
import type { Place, Whereabouts } from './place';
import type { Renditions } from './renditions';
import type { Rewind } from './rewind';
import type { Stalls } from './stalls';
import { isBehind, latencyOf } from './trouble';

/** The first parts of a new connection say little about the line. */
const KEEP_BANDWIDTH_EVERY_MS = 5000;
/** How much of the bit rate that is shown each new part makes up. */
const NEWEST_SHARE = 0.1;

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
  /** Of WebRTC; null over HLS. */
  webrtc: WebrtcStats | null;
}

export interface WebrtcStats {
  rttMs: number | null;
  /** Of the picture's packets, 0..1, over the last seconds. */
  lossShare: number;
  jitterBufferMs: number | null;
}

/** How fast the parts of this source came, and how large they were. */
export class Meter {
  private bitrateBps: number | null = null;
  private keptAt = 0;

  constructor(private readonly feed: Feed) {}

  begin(): void {
    this.bitrateBps = null;
    this.keptAt = performance.now();
  }

  note(bps: number): void {
    this.bitrateBps = this.bitrateBps === null ? bps : this.bitrateBps * (1 - NEWEST_SHARE) + bps * NEWEST_SHARE;
    const now = performance.now();
    if (!this.feed.hls || now - this.keptAt < KEEP_BANDWIDTH_EVERY_MS) return;
    this.keptAt = now;
    keepBandwidth(this.feed.hls.bandwidthEstimate, Date.now());
  }

  rates(): { bitrateBps: number | null; bandwidthBps: number | null } {
    const { hls } = this.feed;
    return { bitrateBps: this.bitrateBps, bandwidthBps: hls && this.bitrateBps !== null ? hls.bandwidthEstimate : null };
  }
}

interface Parts {
  video: HTMLVideoElement;
  feed: Feed;
  where: Whereabouts;
  rewind: Rewind;
  meter: Meter;
  renditions: Renditions;
  stalls: Stalls;
  isLive: boolean;
}

export function statsOf({ video, feed, where, rewind, meter, renditions, stalls, isLive }: Parts): Stats {
  const place = rewind.place();
  const { statedBps, ...picture } = pictureOf(video, feed);
  const { bitrateBps, bandwidthBps } = meter.rates();
  const late = lateness(feed, where, isLive);
  return {
    ...picture,
    ...late,
    isBehind: late.isBehind || place.isPast,
    bufferS: where.bufferAhead(),
    bitrateBps: bitrateBps ?? statedBps,
    bandwidthBps,
    stalls: stalls.count,
    quality: renditions.playing(),
    engine: feed.name,
    place,
    webrtc: null,
  };
}

/** How late the picture is, and how late it is meant to be; nothing of what is recorded. */
function lateness(feed: Feed, where: Whereabouts, isLive: boolean): Pick<Stats, 'latencyS' | 'aimS' | 'isBehind'> {
  const { hls } = feed;
  const aimS = hls?.targetLatency ?? null;
  const latencyS = isLive ? latencyOf(Date.now(), where.playingDate(), hls && where.details() ? hls.latency : null) : null;
  return { latencyS, aimS, isBehind: isLive && isBehind(latencyS, aimS) };
}

/** What the browser and hls.js say of the picture. */
function pictureOf(video: HTMLVideoElement, feed: Feed) {
  const { hls } = feed;
  const frames = video.getVideoPlaybackQuality?.();
  const level = hls && hls.currentLevel >= 0 ? hls.levels[hls.currentLevel] : hls?.levels[0];
  const details = hls?.latestLevelDetails ?? null;
  return {
    rate: video.playbackRate,
    droppedFrames: frames?.droppedVideoFrames ?? 0,
    totalFrames: frames?.totalVideoFrames ?? 0,
    width: video.videoWidth,
    height: video.videoHeight,
    statedBps: level?.bitrate ?? null,
    codecs: [level?.videoCodec, level?.audioCodec].filter(Boolean).join(', '),
    partTargetS: details?.partTarget || null,
    targetDurationS: details?.targetduration ?? null,
    isAuto: hls?.autoLevelEnabled ?? true,
  };
}
