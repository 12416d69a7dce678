/** Keeps a stream going: connects, notices that it was lost, and comes back. Knows neither cameras nor React. */

import { ApiError } from '../api/errors';
import { fullJitter } from '../backoff';
import type { Quality } from './quality';
import { publishTrouble, type Trouble } from './trouble';
import { WhipError, WhipSession, type WhipOptions } from './whip';

export interface AirState {
  phase: 'off' | 'connecting' | 'sending' | 'reconnecting';
  /** Since when media flows, reconnects not counted. */
  sinceMs: number | null;
  /** When the next attempt begins; null while one is under way. */
  retryAtMs: number | null;
  /** Why it is off, or what the last attempt met. */
  trouble: Trouble | null;
}

export const OFF: AirState = { phase: 'off', sinceMs: null, retryAtMs: null, trouble: null };

export interface Deps {
  /** Goes in place of the stream key; asked for at every attempt. Throws `ApiError`. */
  ticket: () => Promise<string>;
  /** The WHIP endpoint. */
  url: string;
  picture: () => MediaStreamTrack;
  sound: () => MediaStreamTrack;
  quality: () => Quality;
  onState: (state: AirState) => void;
  open?: (options: WhipOptions) => Promise<WhipSession>;
}

const BACKOFF = { baseMs: 1000, capMs: 15_000 };
/** Not at once: what broke the line may still be going on. */
const LEAST_WAIT_MS = 300;
/** For this long after a loss the server may still take our own stream for somebody else's; not when it cut us itself. */
const OURS_MS = 30_000;
/** A connection that held for this long was a good one: the next back-off begins anew. */
const GOOD_MS = 20_000;

export class Broadcaster {
  private state = OFF;
  private ending = new AbortController();
  private session: WhipSession | null = null;
  private servers: RTCIceServer[] = [];

  constructor(private readonly deps: Deps) {}

  start({ isTakeover = false } = {}): void {
    if (this.state.phase !== 'off') return;
    this.ending = new AbortController();
    void this.run(this.ending.signal, isTakeover);
  }

  stop(): void {
    this.ending.abort();
    void this.session?.close();
    this.session = null;
    this.say(OFF);
  }

  /** Show what the desk shows now. */
  async refresh(): Promise<void> {
    await this.session?.replacePicture(this.deps.picture(), this.deps.quality());
  }

  async setQuality(quality: Quality): Promise<void> {
    await this.session?.setQuality(quality);
  }

  stats(): Promise<RTCStatsReport> | null {
    return this.session?.stats() ?? null;
  }

  private async run(signal: AbortSignal, isTakeover: boolean): Promise<void> {
    let lostAtMs: number | null = null;
    let wasCut = false;
    let attempt = 0;
    while (!signal.aborted) {
      this.say({ ...this.state, phase: lostAtMs === null ? 'connecting' : 'reconnecting', retryAtMs: null, trouble: lostAtMs === null ? null : this.state.trouble });
      let failure: unknown;
      try {
        const { beganMs, how } = await this.sendUntilLost(signal, isTakeover && lostAtMs === null, lostAtMs !== null);
        if (Date.now() - beganMs > GOOD_MS) attempt = 0;
        lostAtMs = Date.now();
        wasCut = how === 'cut';
        failure = new WhipError(how);
      } catch (error) {
        failure = error;
      }
      if (signal.aborted) return;
      const trouble = publishTrouble(failure);
      if (lostAtMs === null || !mayPass(failure, wasCut ? Infinity : Date.now() - lostAtMs)) return this.say({ ...OFF, trouble });
      const waitMs = Math.max(LEAST_WAIT_MS, retryAfterOf(failure) ?? fullJitter(attempt++, BACKOFF));
      this.say({ ...this.state, phase: 'reconnecting', retryAtMs: Date.now() + waitMs, trouble });
      await pause(waitMs, signal);
    }
  }

  /** Returns when media began to flow, once it does so no more, and how it ended. Throws where it never did. */
  private async sendUntilLost(signal: AbortSignal, isTakeover: boolean, isReturn: boolean): Promise<{ beganMs: number; how: 'cut' | 'lost' }> {
    const { deps } = this;
    const { open = WhipSession.open } = deps;
    const ticket = await deps.ticket();
    signal.throwIfAborted();
    let lose: WhipOptions['onLost'] = () => undefined;
    const lost = new Promise<'cut' | 'lost'>((resolve) => (lose = resolve));
    const picture = deps.picture();
    const key = isTakeover ? `${ticket}?takeover=1` : ticket; // words behind a key, as encoders have them
    const session = await open({ url: deps.url, key, picture, sound: deps.sound(), quality: deps.quality(), servers: this.servers, isReturn, signal, onLost: lose });
    if (signal.aborted) {
      void session.close();
      signal.throwIfAborted();
    }
    this.session = session;
    this.servers = session.servers;
    const beganMs = Date.now();
    if (deps.picture() !== picture) await this.refresh().catch(() => undefined); // chosen while connecting; if it fails, the next choice shows it
    this.say({ phase: 'sending', sinceMs: this.state.sinceMs ?? beganMs, retryAtMs: null, trouble: null });
    signal.addEventListener('abort', () => lose('lost'), { once: true });
    const how = await lost;
    if (this.session === session) this.session = null;
    if (!signal.aborted) session.drop(); // no goodbye: we come back, and viewers wait for that
    return { beganMs, how };
  }

  private say(state: AirState): void {
    this.state = state;
    this.deps.onState(state);
  }
}

function mayPass(failure: unknown, sinceLossMs: number): boolean {
  if (failure instanceof WhipError) return failure.isPassing || (failure.kind === 'conflict' && sinceLossMs < OURS_MS);
  if (failure instanceof ApiError) return !failure.isRefusal || failure.code === 'RATE_LIMITED';
  return false; // the browser's own refusal stays one
}

const retryAfterOf = (failure: unknown): number | null => (failure instanceof WhipError || failure instanceof ApiError ? failure.retryAfterMs : null);

/** Wait; not longer than until the network is back, or until it is over. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      window.removeEventListener('online', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    window.addEventListener('online', done);
    signal.addEventListener('abort', done);
  });
}
