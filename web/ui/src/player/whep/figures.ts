/** What the browser counts of a WebRTC stream (W3C webrtc-stats), made into what people and `health.ts` look at. */

/** NTP counts from 1900. */
const NTP_ZERO_MS = 2_208_988_800_000;
/** A playing time that is older than this, or not yet, comes of clocks that disagree. */
const CLOCK_TRUST_MS = 10_000;

export interface Figures {
  atMs: number;
  framesDecoded: number;
  framesDropped: number;
  /** Of picture and sound, since the beginning. */
  packets: number;
  /** Of the picture, since the beginning. */
  received: number;
  lost: number;
  bytes: number;
  emitted: number;
  bufferedMs: number;
  width: number;
  height: number;
  codec: string;
  rttMs: number | null;
  /** Of the picture's packets since the figures before, 0..1. */
  lossShare: number;
  /** How long pictures have waited in the jitter buffer since the figures before. */
  jitterBufferMs: number | null;
  bitrateBps: number | null;
  /** How long ago the server had the picture that shows; null while unknown. */
  latencyMs: number | null;
}

/** The members that are read; browsers leave out what they do not count. */
interface Entry {
  id: string;
  type: string;
  kind?: string;
  mimeType?: string;
  codecId?: string;
  state?: string;
  nominated?: boolean;
  selectedCandidatePairId?: string;
  currentRoundTripTime?: number;
  framesDecoded?: number;
  framesDropped?: number;
  packetsReceived?: number;
  packetsLost?: number;
  bytesReceived?: number;
  frameWidth?: number;
  frameHeight?: number;
  jitterBufferDelay?: number;
  jitterBufferEmittedCount?: number;
  estimatedPlayoutTimestamp?: number;
}

/** `before`: the last figures, for what is told of the time between. */
export function figuresOf(report: Iterable<[string, unknown]>, nowMs: number, before: Figures | null): Figures {
  const entries = new Map([...report] as [string, Entry][]);
  const all = [...entries.values()];
  const inbound = (kind: string) => all.find((entry) => entry.type === 'inbound-rtp' && entry.kind === kind);
  const video = inbound('video');
  const sums = {
    atMs: nowMs,
    framesDecoded: video?.framesDecoded ?? 0,
    framesDropped: video?.framesDropped ?? 0,
    packets: (video?.packetsReceived ?? 0) + (inbound('audio')?.packetsReceived ?? 0),
    received: video?.packetsReceived ?? 0,
    lost: video?.packetsLost ?? 0,
    bytes: video?.bytesReceived ?? 0,
    emitted: video?.jitterBufferEmittedCount ?? 0,
    bufferedMs: (video?.jitterBufferDelay ?? 0) * 1000,
    width: video?.frameWidth ?? 0,
    height: video?.frameHeight ?? 0,
    codec: entries.get(video?.codecId ?? '')?.mimeType?.replace('video/', '') ?? '',
    rttMs: roundTripOf(entries, all),
  };
  const rates = ratesOf(sums, before);
  return { ...sums, ...rates, latencyMs: latencyOf(video?.estimatedPlayoutTimestamp, sums.rttMs, rates.jitterBufferMs, nowMs) };
}

function roundTripOf(entries: Map<string, Entry>, all: readonly Entry[]): number | null {
  const selected = all.find(({ type }) => type === 'transport')?.selectedCandidatePairId;
  const pair = entries.get(selected ?? '') ?? all.find(({ type, nominated, state }) => type === 'candidate-pair' && nominated && state === 'succeeded');
  return pair?.currentRoundTripTime === undefined ? null : pair.currentRoundTripTime * 1000;
}

type Sums = Pick<Figures, 'atMs' | 'received' | 'lost' | 'bytes' | 'emitted' | 'bufferedMs'>;

/** Late packets that come after all make what was lost fewer again: nothing is lost then. */
function ratesOf(now: Sums, before: Sums | null): Pick<Figures, 'lossShare' | 'jitterBufferMs' | 'bitrateBps'> {
  const since = before ?? { atMs: now.atMs, received: 0, lost: 0, bytes: 0, emitted: 0, bufferedMs: 0 };
  const lost = Math.max(0, now.lost - since.lost);
  const received = Math.max(0, now.received - since.received);
  const emitted = now.emitted - since.emitted;
  const passedS = (now.atMs - since.atMs) / 1000;
  return {
    lossShare: lost + received > 0 ? lost / (lost + received) : 0,
    jitterBufferMs: emitted > 0 ? (now.bufferedMs - since.bufferedMs) / emitted : null,
    bitrateBps: passedS > 0 ? ((now.bytes - since.bytes) * 8) / passedS : null,
  };
}

/** From the sender's clock, as for HLS; never less than what the way and the buffer take, which is all that some browsers know. */
function latencyOf(playoutMs: number | undefined, rttMs: number | null, jitterBufferMs: number | null, nowMs: number): number | null {
  const leastMs = rttMs === null && jitterBufferMs === null ? null : (rttMs ?? 0) / 2 + (jitterBufferMs ?? 0);
  if (playoutMs === undefined) return leastMs;
  const agoMs = nowMs - (playoutMs > NTP_ZERO_MS ? playoutMs - NTP_ZERO_MS : playoutMs);
  return agoMs > 0 && agoMs < CLOCK_TRUST_MS ? Math.max(agoMs, leastMs ?? 0) : leastMs;
}
