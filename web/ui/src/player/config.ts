/** What hls.js is told, for a stream as it happens and for what has happened. */

import type { HlsConfig } from 'hls.js';

/** A rendition that failed or had a gap is tried again after this long; hls.js by itself never would. */
export const PENALTY_MS = 20_000;
/** How much of the past stays in the buffer for going back. */
const BACK_BUFFER_S = 30;

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

/** Nothing hurries: no parts, no catching up with an edge. */
export const PAST_CONFIG: Partial<HlsConfig> = {
  ...HLS_CONFIG,
  lowLatencyMode: false,
  maxLiveSyncPlaybackRate: 1,
  liveSyncOnStallIncrease: 0,
};
