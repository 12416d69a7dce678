/**
 * The event socket `/ws/chat` for one channel: joins, comes back after losses where it was, and closes for good when told to.
 *
 * Life: connecting -> open (joined) -> lost -> waiting -> connecting …; `close()` ends it from anywhere. Several parts of a
 * page listen to one socket (`shared.ts`). Events with a place (`seq`, `epoch`) reach them once each and in order.
 */

import type { ClientMessage, Joined, ServerMessage } from '../api/types';
import { fullJitter, type Backoff } from '../backoff';

export const RECONNECT: Backoff = { baseMs: 1000, capMs: 30_000 };
export const PING_EVERY_MS = 25_000;
export const PONG_WITHIN_MS = 10_000;
export const CONNECT_WITHIN_MS = 10_000;
/** The server says that who we are is no longer accepted. Once we were, we come back as nobody; else it would be refused again. */
export const CLOSE_UNAUTHORIZED = 4001;

export type SocketStatus = 'connecting' | 'open' | 'waiting' | 'refused' | 'closed';

export interface Listener {
  onMessage: (message: ServerMessage) => void;
  onStatus?: (status: SocketStatus) => void;
}

interface Options {
  url: string;
  channelId: string;
  /** The token of a shared address, for a channel that is not public. */
  key?: string | undefined;
  random?: () => number;
}

/** Of the last event that was heard. */
interface SocketPlace {
  epoch: string;
  seq: number;
}

export class ChannelSocket {
  private socket: WebSocket | null = null;
  private attempt = 0;
  private timers = new Set<ReturnType<typeof setTimeout>>();
  private pongTimer: ReturnType<typeof setTimeout> | null = null;
  private listeners = new Set<Listener>();
  private status: SocketStatus = 'connecting';
  private place: SocketPlace | null = null;
  private hasJoined = false;

  constructor(private readonly options: Options) {
    this.connect();
  }

  /** Hear of everything from now on, and of the state at once. Returns how to stop. */
  listen(listener: Listener): () => void {
    this.listeners.add(listener);
    listener.onStatus?.(this.status);
    if (this.hasJoined) this.join(); // its answer is the whole truth for who comes late, and repeats nothing for the others
    return () => void this.listeners.delete(listener);
  }

  /** Send to the channel; false: not now, it is not joined. */
  send(message: ClientMessage): boolean {
    if (!this.hasJoined) return false;
    this.write(message);
    return true;
  }

  /** Leave and close; nothing of this socket is heard of afterwards. */
  close(): void {
    if (this.status === 'closed') return;
    if (this.socket?.readyState === WebSocket.OPEN) this.write({ type: 'leave', channelId: this.options.channelId });
    this.drop(1000);
    this.turn('closed');
    this.listeners.clear();
  }

  private connect(): void {
    this.turn('connecting');
    const socket = new WebSocket(this.options.url);
    this.socket = socket;
    this.after(CONNECT_WITHIN_MS, () => socket.readyState === WebSocket.CONNECTING && this.lost());
    socket.onopen = () => {
      this.join();
      this.after(PING_EVERY_MS, () => this.ping());
      this.turn('open');
    };
    socket.onmessage = (event) => {
      for (const message of decode(event.data)) if (this.socket === socket) this.receive(message);
    };
    socket.onclose = (event) => {
      if (event.code !== CLOSE_UNAUTHORIZED || this.hasJoined) return this.lost();
      this.drop();
      this.turn('refused');
    };
  }

  private join(): void {
    const { channelId, key } = this.options;
    this.write({ type: 'join', channelId, ...(this.place && { lastSeq: this.place.seq, epoch: this.place.epoch }), ...(key && { key }) });
  }

  private receive(message: ServerMessage): void {
    if (message.type === 'joined') this.welcome(message);
    if (message.type === 'pong') this.clearPong();
    if (message.type === 'reconnect') this.lost(message.afterMs);
    if (!this.isNew(message)) return;
    for (const listener of this.listeners) listener.onMessage(message);
  }

  private welcome(joined: Joined): void {
    this.attempt = 0; // only an answer proves that the server is well
    this.hasJoined = true;
    if (!joined.isResumed || !this.place) this.place = { epoch: joined.epoch, seq: joined.lastSeq };
  }

  /** Keep the place up to date; false: the event was heard before. */
  private isNew(message: ServerMessage): boolean {
    if (message.type === 'reset') this.place = { epoch: message.epoch, seq: message.lastSeq };
    if (!('seq' in message) || message.type === 'ack') return true;
    const { seq, epoch } = message as { seq: number; epoch: string };
    if (this.place?.epoch === epoch && seq <= this.place.seq) return false;
    this.place = { epoch, seq };
    return true;
  }

  private ping(): void {
    this.write({ type: 'ping' });
    this.pongTimer = this.after(PONG_WITHIN_MS, () => this.lost());
    this.after(PING_EVERY_MS, () => this.ping());
  }

  private clearPong(): void {
    if (this.pongTimer === null) return;
    clearTimeout(this.pongTimer);
    this.timers.delete(this.pongTimer);
    this.pongTimer = null;
  }

  /** Give the connection up and come back, after `afterMs` when the server named a time. */
  private lost(afterMs?: number): void {
    this.drop(1000);
    const waitMs = afterMs ?? fullJitter(this.attempt++, RECONNECT, this.options.random);
    this.turn('waiting');
    this.after(waitMs, () => this.connect());
  }

  /** Forget the connection: its late events reach nobody, so no close can start a second reconnect. */
  private drop(code?: number): void {
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
    this.pongTimer = null;
    this.hasJoined = false;
    const socket = this.socket;
    this.socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    if (socket.readyState === WebSocket.CONNECTING) socket.onopen = () => socket.close(code);
    else socket.close(code);
  }

  private turn(status: SocketStatus): void {
    this.status = status;
    for (const listener of this.listeners) listener.onStatus?.(status);
  }

  private write(message: ClientMessage): void {
    this.socket?.send(JSON.stringify(message));
  }

  private after(ms: number, act: () => unknown): ReturnType<typeof setTimeout> {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      act();
    }, ms);
    this.timers.add(timer);
    return timer;
  }
}

/** One event, or an array of them. What is not ours is passed over: the next ping decides whether the connection is any good. */
function decode(data: unknown): ServerMessage[] {
  try {
    const value: unknown = JSON.parse(String(data));
    return (Array.isArray(value) ? value : [value]).filter(isMessage);
  } catch {
    return []; // not JSON: see above
  }
}

function isMessage(value: unknown): value is ServerMessage {
  return typeof value === 'object' && value !== null && 'type' in value;
}

/** The socket's address on the host that served this page; what belongs together comes in one frame. */
export function socketUrl(page: Location = window.location): string {
  return `${page.protocol === 'https:' ? 'wss' : 'ws'}://${page.host}/ws/chat?batch=1`;
}
