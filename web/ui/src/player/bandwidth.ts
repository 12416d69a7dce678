/** How fast this browser's line was the last time: a new page starts with the rendition that fits it. */

import { recall, remember } from '../stores/storage';

const KEY = 'tally.bandwidth';
/** A line that nobody has measured: enough for 720p, and a wrong guess costs one step down after a second. */
export const UNMEASURED_BPS = 4_000_000;
/** Below it nothing plays anyway; above it no rendition needs more. */
const LEAST_BPS = 300_000;
const MOST_BPS = 25_000_000;
/** Another place, another line. */
const KEPT_FOR_MS = 7 * 24 * 3600 * 1000;

interface Measured {
  bps: number;
  atMs: number;
}

function isMeasured(value: unknown): value is Measured {
  const measured = value as Partial<Measured> | null;
  return typeof measured === 'object' && measured !== null && Number.isFinite(measured.bps) && Number.isFinite(measured.atMs);
}

export function startBandwidth(nowMs: number): number {
  const measured = recall<Measured | null>(KEY, isMeasured, null);
  const age = measured ? nowMs - measured.atMs : 0;
  return measured && age >= 0 && age < KEPT_FOR_MS ? clamp(measured.bps) : UNMEASURED_BPS;
}

export function keepBandwidth(bps: number, nowMs: number): void {
  if (Number.isFinite(bps) && bps > 0) remember(KEY, { bps: Math.round(clamp(bps)), atMs: nowMs });
}

const clamp = (bps: number): number => Math.min(MOST_BPS, Math.max(LEAST_BPS, bps));
