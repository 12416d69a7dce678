/** What a streamer should change, read off the figures of the running stream. */

import type { SessionHealth } from '../api/types';
import { formatBitrate, formatCodec } from '../format';

export interface Advice {
  level: 'bad' | 'warn';
  text: string;
}

/** One look at the running stream, every two seconds. */
export interface Sample {
  atMs: number;
  bitrateBps: number;
  droppedPackets: number;
  discontinuities: number;
}

/** Two minutes of looks. */
export const MAX_SAMPLES = 60;

const KEYFRAME_MAX_S = 4;
const LOW_FRAME_RATE = 20;
const HIGH_BITRATE_BPS = 8_500_000;
const LOW_BITRATE_BPS = 500_000;
/** Standard deviation over mean: constant bitrate stays below a third also with busy pictures. */
const UNSTEADY = 0.4;
const SAMPLES_FOR_UNSTEADY = 8;

export function bitrateOf(health: SessionHealth): number {
  return (health.video?.bitrateBps ?? 0) + (health.audio?.bitrateBps ?? 0);
}

export function sampleOf(health: SessionHealth, atMs: number): Sample {
  return { atMs, bitrateBps: bitrateOf(health), droppedPackets: health.droppedPackets, discontinuities: health.discontinuities };
}

export function adviceFor(health: SessionHealth, samples: readonly Sample[]): Advice[] {
  const { video, audio } = health;
  const advice: Advice[] = [];
  const say = (level: Advice['level'], text: string) => advice.push({ level, text });

  if (!video) say('bad', 'No picture arrives. Check that a scene with a source is active in OBS.');
  if (!audio) say('warn', 'No sound arrives. Check audio track 1 in OBS: Settings → Output → Streaming.');
  if (video) {
    const interval = video.keyframeIntervalS;
    if (interval && interval > KEYFRAME_MAX_S) {
      say('bad', `A keyframe only every ${interval.toFixed(1)} s: viewers wait long for the first picture. Set the keyframe interval to 2 s in OBS: Settings → Output → Streaming.`);
    }
    if (!/^avc[13]/.test(video.codec)) {
      say('warn', `${formatCodec(video.codec)} does not play in every browser. H.264 does: choose x264, NVENC H.264 or QuickSync H.264 as the encoder.`);
    }
    if (video.frameRate && video.frameRate < LOW_FRAME_RATE) {
      say('warn', `Only ${Math.round(video.frameRate)} pictures per second arrive. If that is not what you set, the encoder is overloaded: choose a faster preset or a smaller output.`);
    }
    if (video.bitrateBps > HIGH_BITRATE_BPS) {
      say('warn', `${formatBitrate(video.bitrateBps)} is more than many viewers can receive. 6000 kb/s is enough for 1080p.`);
    } else if (health.isPlayable && (video.height ?? 0) >= 720 && video.bitrateBps < LOW_BITRATE_BPS) {
      say('warn', `${formatBitrate(video.bitrateBps)} is little for ${video.height} lines. Unless the picture stands still, 3000 kb/s or more look better.`);
    }
  }
  if (rise(samples, 'droppedPackets') > 0) {
    say('bad', 'Packets were dropped in the last two minutes: more arrives than this server can take in. Lower the bitrate.');
  }
  if (rise(samples, 'discontinuities') > 0) {
    say('warn', 'The stream’s clock jumped in the last two minutes. OBS does that when a source or the computer stalls.');
  }
  if (isUnsteady(samples)) {
    say('warn', 'The bitrate swings. Choose rate control CBR in OBS and test your upload; a cable is steadier than Wi-Fi.');
  }
  return advice;
}

function rise(samples: readonly Sample[], counter: 'droppedPackets' | 'discontinuities'): number {
  const first = samples[0];
  const last = samples.at(-1);
  return first && last ? last[counter] - first[counter] : 0;
}

function isUnsteady(samples: readonly Sample[]): boolean {
  if (samples.length < SAMPLES_FOR_UNSTEADY) return false;
  const rates = samples.map((sample) => sample.bitrateBps);
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
  const variance = rates.reduce((sum, rate) => sum + (rate - mean) ** 2, 0) / rates.length;
  return mean > 0 && Math.sqrt(variance) / mean > UNSTEADY;
}
