/** What the browser knows of the stream that it sends, read off `getStats()` once a second. */

export interface Figures {
  atMs: number;
  sentBps: number;
  /** null until the server has reported. */
  rttMs: number | null;
  frameRate: number | null;
  width: number | null;
  height: number | null;
  /** Of the packets of the last report, 0..1. */
  lost: number | null;
  /** What keeps the encoder below what was asked for. */
  limit: 'none' | 'cpu' | 'bandwidth' | 'other';
  sentBytes: number;
}

/** The entries of W3C's webrtc-stats that we read, as far as browsers have them. */
interface Entry {
  type: string;
  kind?: string;
  timestamp: number;
  bytesSent?: number;
  headerBytesSent?: number;
  framesPerSecond?: number;
  frameWidth?: number;
  frameHeight?: number;
  qualityLimitationReason?: Figures['limit'];
  roundTripTime?: number;
  fractionLost?: number;
  currentRoundTripTime?: number;
  nominated?: boolean;
}

/** `before`: the figures of the look before, for rates. */
export function readFigures(report: Iterable<[string, unknown]>, before: Figures | null): Figures {
  const entries = [...report].map(([, entry]) => entry as Entry);
  const outbound = entries.filter(({ type }) => type === 'outbound-rtp');
  const video = outbound.find(({ kind }) => kind === 'video');
  const remote = entries.filter(({ type }) => type === 'remote-inbound-rtp');
  const pair = entries.find(({ type, nominated }) => type === 'candidate-pair' && nominated);
  const sentBytes = outbound.reduce((sum, { bytesSent = 0, headerBytesSent = 0 }) => sum + bytesSent + headerBytesSent, 0);
  const atMs = Math.max(0, ...outbound.map(({ timestamp }) => timestamp));
  const tookMs = before ? atMs - before.atMs : 0;
  const rtt = pair?.currentRoundTripTime ?? remote.find(({ roundTripTime }) => roundTripTime !== undefined)?.roundTripTime;
  const losses = remote.flatMap(({ fractionLost }) => (fractionLost === undefined ? [] : [fractionLost]));
  return {
    atMs, sentBytes,
    sentBps: before && tookMs > 0 ? Math.max(0, ((sentBytes - before.sentBytes) * 8000) / tookMs) : (before?.sentBps ?? 0),
    rttMs: rtt === undefined ? null : Math.round(rtt * 1000),
    frameRate: video?.framesPerSecond ?? null,
    width: video?.frameWidth ?? null,
    height: video?.frameHeight ?? null,
    lost: losses.length > 0 ? Math.max(...losses) : null,
    limit: video?.qualityLimitationReason ?? 'none',
  };
}

/** Looks of two minutes. */
export const MAX_LOOKS = 120;
/** As long as an encoder needs to find its rate. */
const SETTLING = 8;
const HIGH_LOSS = 0.05;
const HIGH_RTT_MS = 400;

export interface Hint {
  id: 'cpu' | 'bandwidth' | 'loss' | 'rtt';
  cause: string;
  fix: string;
}

/** What to change while sending; only what lasts. */
export function hintsOf(looks: readonly Figures[]): Hint[] {
  const recent = looks.slice(-SETTLING);
  if (looks.length < 2 * SETTLING) return [];
  const always = (test: (look: Figures) => boolean) => recent.every(test);
  const hints: Hint[] = [];
  if (always(({ limit }) => limit === 'cpu')) hints.push({ id: 'cpu', cause: 'This computer cannot keep up.', fix: 'Choose a smaller picture or a lower frame rate, and close what else needs it.' });
  if (always(({ limit }) => limit === 'bandwidth')) hints.push({ id: 'bandwidth', cause: 'Your upload carries less than you chose.', fix: 'Choose a lower bitrate or a smaller picture; a cable is steadier than Wi-Fi.' });
  if (always(({ lost }) => (lost ?? 0) > HIGH_LOSS)) hints.push({ id: 'loss', cause: 'Many packets are lost on the way.', fix: 'Come closer to the access point, or use a cable.' });
  if (always(({ rttMs }) => (rttMs ?? 0) > HIGH_RTT_MS)) hints.push({ id: 'rtt', cause: 'The way to the server is slow.', fix: 'Stop other uploads; a VPN may take a detour.' });
  return hints;
}
