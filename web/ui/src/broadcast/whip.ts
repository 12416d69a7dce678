/**
 * A WHIP client (RFC 9725): one offer, one answer, one resource that is deleted at the end.
 *
 * The offer goes out with the candidates of this machine, which are there within milliseconds; later ones follow by
 * PATCH. Nothing is negotiated again: other pictures come by `replaceTrack`.
 */

import { applyQuality, AUDIO_BPS, videoBps, type Quality } from './quality';
import { candidateFragment, iceServers, preferH264, tuneAnswer } from './sdp';

/** An answer to the offer. */
const ANSWER_MS = 12_000;
/** Candidates of this machine; those of STUN and TURN servers may come later. */
const GATHER_MS = 800;
/** From the answer until media may flow. */
const CONNECT_MS = 12_000;
/** Candidates that come within this time go out together. */
const TRICKLE_MS = 100;
/** The server's answer to our goodbye; it ends the stream either way. */
const GOODBYE_MS = 3000;
const SAID_MAX = 300;

type Kind = 'conflict' | 'refused' | 'codec' | 'unavailable' | 'network' | 'blocked' | 'cut' | 'lost';

/** `blocked`: signalling works and media does not; `lost`: it did; `cut`: the server ended it. */
export class WhipError extends Error {
  override readonly name = 'WhipError';

  constructor(
    readonly kind: Kind,
    /** A sentence of the server for people, or ''. */
    readonly said = '',
    readonly status = 0,
    readonly retryAfterMs: number | null = null,
  ) {
    super(`${kind}${status ? ` (${status})` : ''}: ${said}`);
  }

  /** Whether the same request may work in a moment. */
  get isPassing(): boolean {
    return this.kind !== 'refused' && this.kind !== 'codec' && this.kind !== 'conflict';
  }
}

export interface WhipOptions {
  url: string;
  /** A stream key, or a ticket in its place. */
  key: string;
  picture: MediaStreamTrack;
  sound: MediaStreamTrack;
  quality: Quality;
  /** What an earlier answer named. */
  servers?: RTCIceServer[];
  /** It comes back to a stream that was lost: if that fails, the stream may still be waited for. */
  isReturn?: boolean;
  signal: AbortSignal;
  /** It was connected and is not any more: the server closed it (`cut`), or does not hear us (`lost`). */
  onLost: (how: 'cut' | 'lost') => void;
}

/** One stream that is being sent. */
export class WhipSession {
  private readonly peer: RTCPeerConnection;
  private readonly video: RTCRtpSender;
  private resource: string | null = null;
  private etag: string | null = null;
  private waiting: RTCIceCandidate[] = [];
  private trickling: ReturnType<typeof setTimeout> | undefined;
  private isClosed = false;
  /** What the answer named, for the next session. */
  servers: RTCIceServer[];

  private constructor(private readonly options: WhipOptions) {
    this.servers = options.servers ?? [];
    this.peer = new RTCPeerConnection({ bundlePolicy: 'max-bundle', iceServers: this.servers });
    const stream = new MediaStream([options.picture, options.sound]);
    const video = this.peer.addTransceiver(options.picture, { direction: 'sendonly', streams: [stream], sendEncodings: [{ maxBitrate: videoBps(options.quality), maxFramerate: options.quality.frameRate }] });
    this.peer.addTransceiver(options.sound, { direction: 'sendonly', streams: [stream], sendEncodings: [{ maxBitrate: AUDIO_BPS }] });
    this.video = video.sender;
    const codecs = preferH264(RTCRtpSender.getCapabilities?.('video')?.codecs ?? []);
    if (codecs.length === 0) throw new WhipError('codec');
    video.setCodecPreferences?.(codecs); // where it is missing, the server takes H.264 out of the offer
  }

  /** Connect, and return when media flows. Throws `WhipError`, or the reason of `signal`. */
  static async open(options: WhipOptions): Promise<WhipSession> {
    const { signal } = options;
    signal.throwIfAborted();
    const session = new WhipSession(options);
    let abort = () => undefined as void;
    const aborted = new Promise<never>((_, reject) => {
      abort = () => reject(signal.reason as Error);
      signal.addEventListener('abort', abort, { once: true });
    });
    try {
      await Promise.race([session.connect(), aborted]);
    } catch (error) {
      if (signal.aborted || !options.isReturn) void session.close();
      else session.drop();
      throw error;
    } finally {
      signal.removeEventListener('abort', abort);
    }
    session.watch();
    return session;
  }

  /** Another picture in the place of the one before; sound has one track for good. */
  async replacePicture(track: MediaStreamTrack, quality: Quality): Promise<void> {
    await this.video.replaceTrack(track);
    await applyQuality(this.video, quality, track);
  }

  async setQuality(quality: Quality): Promise<void> {
    if (this.video.track) await applyQuality(this.video, quality, this.video.track);
  }

  stats(): Promise<RTCStatsReport> {
    return this.peer.getStats();
  }

  /** Let go of it here only: the server waits for us as for any publisher that was lost. */
  drop(): void {
    this.isClosed = true;
    clearTimeout(this.trickling);
    this.peer.close();
  }

  /**
   * End it here and there, also while the page goes away. Nothing is sent from this moment on; the connection closes
   * after the goodbye, because a connection that closes without one is a publisher that was lost.
   */
  async close(): Promise<void> {
    if (this.isClosed) return;
    if (!this.resource) return this.drop();
    this.isClosed = true;
    for (const sender of this.peer.getSenders()) void sender.replaceTrack(null).catch(() => undefined); // a closed connection sends nothing anyway
    await Promise.race([this.sayGoodbye(), new Promise((resolve) => setTimeout(resolve, GOODBYE_MS))]);
    this.drop();
  }

  /** A server that cannot be told notices by itself that nothing arrives. */
  private async sayGoodbye(): Promise<void> {
    if (this.resource) await fetch(this.resource, { method: 'DELETE', keepalive: true, headers: this.headers() }).catch(() => undefined);
  }

  private async connect(): Promise<void> {
    await this.negotiate();
    await this.connected();
    await applyQuality(this.video, this.options.quality, this.options.picture);
  }

  private headers(more: Record<string, string> = {}): Record<string, string> {
    return { Authorization: `Bearer ${this.options.key}`, ...more };
  }

  private async negotiate(): Promise<void> {
    await this.peer.setLocalDescription(await this.peer.createOffer());
    await this.gathered();
    const offer = this.peer.localDescription?.sdp ?? '';
    this.peer.onicecandidate = ({ candidate }) => this.trickle(candidate); // what comes now is not in the offer
    const response = await this.send('POST', this.options.url, offer, 'application/sdp', ANSWER_MS);
    const answer = await response.text();
    if (response.status !== 201) throw refusal(response, answer);
    this.resource = new URL(response.headers.get('Location') ?? '', new URL(this.options.url, window.location.href)).pathname;
    this.etag = response.headers.get('ETag');
    const named = iceServers(response.headers.get('Link'));
    if (named.length > 0) this.servers = named;
    if (this.isClosed) {
      void this.sayGoodbye(); // it was not wanted any more while the server answered
      throw new WhipError('lost');
    }
    await this.peer.setRemoteDescription({ type: 'answer', sdp: tuneAnswer(answer, { videoBps: videoBps(this.options.quality), audioBps: AUDIO_BPS }) });
  }

  private async send(method: string, url: string, body: string, type: string, withinMs: number, more: Record<string, string> = {}): Promise<Response> {
    try {
      const signal = AbortSignal.any([this.options.signal, AbortSignal.timeout(withinMs)]);
      return await fetch(url, { method, body, credentials: 'same-origin', headers: this.headers({ 'Content-Type': type, ...more }), signal });
    } catch {
      throw new WhipError('network');
    }
  }

  private gathered(): Promise<void> {
    const { peer } = this;
    if (peer.iceGatheringState === 'complete') return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, GATHER_MS);
      peer.onicegatheringstatechange = () => {
        if (peer.iceGatheringState !== 'complete') return;
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private trickle(candidate: RTCIceCandidate | null): void {
    if (candidate?.candidate) this.waiting.push(candidate);
    clearTimeout(this.trickling);
    this.trickling = setTimeout(() => void this.sendCandidates(candidate === null), TRICKLE_MS);
  }

  private async sendCandidates(isEnd: boolean): Promise<void> {
    if (!this.resource || this.waiting.length === 0 || this.isClosed) return;
    const body = candidateFragment(this.peer.localDescription?.sdp ?? '', this.waiting.splice(0), isEnd);
    const match: Record<string, string> = this.etag ? { 'If-Match': this.etag } : {};
    // A server without PATCH finds us by our own checks, or the connection's deadline says so.
    await this.send('PATCH', this.resource, body, 'application/trickle-ice-sdpfrag', ANSWER_MS, match).catch(() => undefined);
  }

  private connected(): Promise<void> {
    const { peer } = this;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new WhipError('blocked')), CONNECT_MS);
      const look = () => {
        const { connectionState: state } = peer;
        if (state !== 'connected' && state !== 'failed' && state !== 'closed') return;
        clearTimeout(timer);
        if (state === 'connected') resolve();
        else reject(new WhipError('blocked'));
      };
      peer.onconnectionstatechange = look;
      look();
    });
  }

  /** `disconnected` may pass by itself; `failed` does not, and is what browsers say 5 to 30 s later. */
  private watch(): void {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;
    const lose = (how: 'cut' | 'lost') => {
      if (isOver || this.isClosed) return;
      isOver = true;
      this.options.onLost(how);
    };
    const look = () => {
      clearTimeout(timer);
      const { connectionState: state } = this.peer;
      if (state === 'failed' || state === 'closed') lose('lost');
      else if (state !== 'connected') timer = setTimeout(() => lose('lost'), DISCONNECTED_MS);
    };
    const { transport } = this.video;
    // DTLS says goodbye (RFC 5246, section 7.2.1) at once, long before anything is missed.
    if (transport) transport.onstatechange = () => transport.state === 'closed' && lose('cut');
    this.peer.onconnectionstatechange = look;
    look();
  }
}

const DISCONNECTED_MS = 2500;

function refusal(response: Response, body: string): WhipError {
  const { status } = response;
  const seconds = Number(response.headers.get('Retry-After') ?? 'none');
  const waitMs = Number.isFinite(seconds) ? seconds * 1000 : null;
  const said = sentence(response, body);
  if (status === 409) return new WhipError('conflict', said, status);
  if (status === 406 || status === 415 || status === 422) return new WhipError('codec', said, status);
  if (status === 429 || status >= 500) return new WhipError('unavailable', said, status, waitMs);
  return new WhipError('refused', said, status);
}

/** Ours or a short plain text; a proxy's page is not for people. */
function sentence(response: Response, body: string): string {
  try {
    const value = JSON.parse(body) as { error?: { message?: unknown } } | null;
    return typeof value?.error?.message === 'string' ? value.error.message : '';
  } catch {
    return (response.headers.get('Content-Type') ?? '').startsWith('text/plain') ? body.trim().slice(0, SAID_MAX) : '';
  }
}
