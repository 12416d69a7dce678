/**
 * The event socket `/ws/chat` for one channel: joins, comes back after losses, and closes for good when told to.
 *
 * Life: connecting -> open (joined) -> lost -> waiting -> connecting …; `close()` ends it from anywhere.
 */

import type { ClientMessage, ServerMessage } from '../api/types';
import { fullJitter, type Backoff } from '../backoff';

export const RECONNECT: Backoff = { baseMs: 1000, capMs: 30_000 };
export const PING_EVERY_MS = 25_000;
export const PONG_WITHIN_MS = 10_000;
export const CONNECT_WITHIN_MS = 10_000;
/** The server says that who we are is no longer accepted: coming back would be refused again. */
export const CLOSE_UNAUTHORIZED = 4001;

export type SocketStatus = 'connecting' | 'open' | 'waiting' | 'refused' | 'closed';

interface Options {
  url: string;
  channelId: string;
  onMessage: (message: ServerMessage) => void;
  onStatus?: (status: SocketStatus) => void;
  random?: () => number;
}

export class ChannelSocket {
  private socket: WebSocket | null = null;
  private attempt = 0;
  private timers = new Set<ReturnType<typeof setTimeout>>();
  private pongTimer: ReturnType<typeof setTimeout> | null = null;
  private isClosed = false;

  constructor(private readonly options: Options) {
    this.connect();
  }

  /** Leave and close; nothing of this socket is heard of afterwards. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    if (this.socket?.readyState === WebSocket.OPEN) this.send({ type: 'leave', channelId: this.options.channelId });
    this.drop(1000);
    this.options.onStatus?.('closed');
  }

  private connect(): void {
    this.options.onStatus?.('connecting');
    const socket = new WebSocket(this.options.url);
    this.socket = socket;
    this.after(CONNECT_WITHIN_MS, () => socket.readyState === WebSocket.CONNECTING && this.lost());
    socket.onopen = () => {
      this.send({ type: 'join', channelId: this.options.channelId });
      this.after(PING_EVERY_MS, () => this.ping());
      this.options.onStatus?.('open');
    };
    socket.onmessage = (event) => this.receive(event.data);
    socket.onclose = (event) => {
      if (event.code !== CLOSE_UNAUTHORIZED) return this.lost();
      this.drop();
      this.options.onStatus?.('refused');
    };
  }

  private receive(data: unknown): void {
    const message = decode(data);
    if (!message) return;
    if (message.type === 'joined') this.attempt = 0; // only an answer proves that the server is well
    if (message.type === 'pong') this.clearPong();
    if (message.type === 'reconnect') this.lost(message.afterMs);
    this.options.onMessage(message);
  }

  private ping(): void {
    this.send({ type: 'ping' });
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
    this.options.onStatus?.('waiting');
    this.after(waitMs, () => this.connect());
  }

  /** Forget the connection: its late events reach nobody, so no close can start a second reconnect. */
  private drop(code?: number): void {
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
    this.pongTimer = null;
    const socket = this.socket;
    this.socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    if (socket.readyState === WebSocket.CONNECTING) socket.onopen = () => socket.close(code);
    else socket.close(code);
  }

  private send(message: ClientMessage): void {
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

function decode(data: unknown): ServerMessage | null {
  try {
    const value: unknown = JSON.parse(String(data));
    return typeof value === 'object' && value !== null && 'type' in value ? (value as ServerMessage) : null;
  } catch {
    return null; // not ours; the deadline of the next ping decides whether the connection is any good
  }
}

/** The socket's address on the host that served this page. */
export function socketUrl(page: Location = window.location): string {
  return `${page.protocol === 'https:' ? 'wss' : 'ws'}://${page.host}/ws/chat`;
}
