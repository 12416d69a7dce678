/** How large, how often and how fine the picture is sent. */

import { recall, remember } from '../stores/storage';

export const HEIGHTS = [1080, 720, 480, 360] as const;
export const FRAME_RATES = [60, 30, 15] as const;
/** kb/s that can be chosen besides what fits the size. */
export const BITRATES_KBPS = [500, 1000, 1500, 2500, 3500, 4500, 6000, 8000] as const;
export const AUDIO_BPS = 128_000;

export interface Quality {
  /** The shorter side of the picture. */
  height: (typeof HEIGHTS)[number];
  frameRate: (typeof FRAME_RATES)[number];
  /** `null`: what fits the size. */
  bitrateKbps: (typeof BITRATES_KBPS)[number] | null;
}

const FITTING_KBPS: Record<Quality['height'], number> = { 1080: 4500, 720: 2500, 480: 1200, 360: 700 };
/** Twice the pictures differ less from each other each. */
const FAST_FACTOR = 1.4;
const SLOW_FACTOR = 0.75;
export const USUAL: Quality = { height: 720, frameRate: 30, bitrateKbps: null };

const KEY = 'tally.broadcast';

export function videoBps({ height, frameRate, bitrateKbps }: Quality): number {
  const factor = frameRate > 30 ? FAST_FACTOR : frameRate < 30 ? SLOW_FACTOR : 1;
  return (bitrateKbps ?? FITTING_KBPS[height] * factor) * 1000;
}

export const widthOf = (height: number): number => Math.round((height * 16) / 9 / 2) * 2;

function isQuality(value: unknown): value is Quality {
  const quality = value as Partial<Quality> | null;
  const has = (list: readonly unknown[], item: unknown) => list.includes(item);
  return typeof quality === 'object' && quality !== null && has(HEIGHTS, quality.height) && has(FRAME_RATES, quality.frameRate) && has([null, ...BITRATES_KBPS], quality.bitrateKbps);
}

export const recallQuality = (): Quality => recall(KEY, isQuality, USUAL);
export const rememberQuality = (quality: Quality): void => void remember(KEY, quality);

/** By how much a picture of this size has to shrink; sources that are smaller are not blown up. */
export function shrinkBy({ height }: Quality, { width: w, height: h }: MediaTrackSettings): number {
  const shorter = Math.min(w ?? 0, h ?? 0);
  return shorter > height ? shorter / height : 1;
}

/**
 * Have the browser's encoder follow `quality`, without a new negotiation.
 * When the line is too thin it keeps the size: a new size in mid-stream makes players start their decoders again.
 */
export async function applyQuality(sender: RTCRtpSender, quality: Quality, track: MediaStreamTrack): Promise<void> {
  const parameters = sender.getParameters();
  const encoding = parameters.encodings[0];
  if (!encoding) return; // before the first negotiation in some browsers; it is applied again after it
  encoding.maxBitrate = videoBps(quality);
  encoding.maxFramerate = quality.frameRate;
  encoding.scaleResolutionDownBy = shrinkBy(quality, track.getSettings());
  parameters.degradationPreference = 'maintain-resolution';
  await sender.setParameters(parameters);
}
