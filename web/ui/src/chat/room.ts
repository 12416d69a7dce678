/**
 * The chat of one channel as a page shows it: what was said, what is being said, how things are.
 *
 * Events come as fast as they come; what is shown changes once a frame. Every type of the socket is named in `hear`.
 */

import type { ChatMessage, ChatSettings, ClientMessage, HistoryMessage, Joined, Pinned, ServerMessage, You } from '../api/types';
import type { SocketStatus } from '../socket/socket';
import { InStep, type PictureClock } from './in-step';
import { LineList, lineOf, type Line } from './lines';
import { changesOf, describeTime } from './modes';
import { isCommand, Outbox, type Outgoing, type Refusal } from './outbox';

export const HISTORY = 100;
/** How old a raid may be for viewers to be taken along. */
const RAID_FRESH_MS = 60_000;
/** Behind everything that a log can hold (schemas/chat_api.py: Seq). */
const NEWEST = 2 ** 52;
const HISTORY_AGAIN_MS = [1000, 3000, 8000];
const TICK_MS = 250;
/** For so long what a command of mine did is told by its answer alone. */
const ANSWERED_WITHIN_MS = 5000;

export interface Cooldown {
  untilMs: number;
  totalMs: number;
}

type RaidEvent = Extract<ServerMessage, { type: 'raid' }>;

export interface RoomState {
  lines: readonly Line[];
  outgoing: readonly Outgoing[];
  unseen: number;
  isPaused: boolean;
  status: SocketStatus;
  you: You | null;
  settings: ChatSettings | null;
  pinned: Pinned | null;
  chatters: number;
  /** Viewers are about to be sent there. */
  raid: RaidEvent | null;
  cooldown: Cooldown | null;
  /** Why the last message was not taken, and what it was. */
  refusal: Refusal | null;
  history: 'loading' | 'loaded' | 'failed';
  hasOlder: boolean;
  /** In step with the picture: how much waits, and how far behind it is. */
  step: { isOn: boolean; waiting: number; behindMs: number | null; isTooFar: boolean };
}

const START: RoomState = {
  lines: [], outgoing: [], unseen: 0, isPaused: false, status: 'connecting', you: null, settings: null, pinned: null, chatters: 0, raid: null, cooldown: null, refusal: null,
  history: 'loading', hasOlder: false, step: { isOn: false, waiting: 0, behindMs: null, isTooFar: false },
};

interface Options {
  channelId: string;
  send: (message: ClientMessage) => boolean;
  /** Messages before a place, oldest first. */
  loadHistory: (beforeSeq: number, limit: number) => Promise<HistoryMessage[]>;
  clock: PictureClock;
  /** Emotes came or went. */
  onEmotes?: () => void;
  /** Run before the next frame. */
  schedule?: (act: () => void) => void;
  now?: () => number;
}

export class ChatRoom {
  private readonly list = new LineList();
  private readonly outbox: Outbox;
  private readonly step: InStep;
  private readonly listeners = new Set<() => void>();
  private ticker: ReturnType<typeof setInterval> | null = null;
  private load = 0; // counts loads of history: an older answer is no news
  private noticeCount = 0;
  private commandedAt = -Infinity;
  private isScheduled = false;
  /** Takes back what was refused; false: something else is being written there, so it stays in the list. */
  takeBack: ((content: string) => boolean) | null = null;
  private isClosed = false;
  private state: RoomState = START;
  /** What the page shows: the state of the last frame. */
  private shown: RoomState = START;

  constructor(private readonly options: Options) {
    this.outbox = new Outbox({ channelId: options.channelId, send: options.send, now: this.now, onChange: () => this.changed({}) });
    this.step = new InStep(options.clock, (event) => this.show(event), this.now);
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };

  readonly snapshot = (): RoomState => this.shown;

  get mayModerate(): boolean {
    return mayModerate(this.state.you);
  }

  /** Say something, or give a command; false: not now. */
  say(content: string, replyTo: Outgoing['replyTo']): boolean {
    const programMs = this.options.clock.read();
    const isSaid = this.outbox.say(content, replyTo, programMs === null ? null : Math.round(programMs));
    if (isSaid) this.changed({ refusal: null });
    if (isCommand(content)) this.commandedAt = this.now();
    return isSaid;
  }

  retry = (key: string): void => this.outbox.retry(key);
  discard = (key: string): void => this.outbox.discard(key);
  canRetry = (outgoing: Outgoing): boolean => this.outbox.canRetry(outgoing);

  pause = (): void => {
    this.list.pause();
    this.changed({});
  };

  resume = (): void => {
    this.list.resume();
    this.changed({});
  };

  /** Wait for the picture from now on, or no more. */
  setInStep = (isOn: boolean): void => {
    this.step.isOn = isOn;
    if (this.ticker) clearInterval(this.ticker);
    this.ticker = isOn ? setInterval(this.tick, TICK_MS) : null;
    this.tick();
  };

  dismissRaid = (): void => this.changed({ raid: null });
  dismissRefusal = (): void => this.changed({ refusal: null });
  dismiss = (key: string): void => {
    this.list.remove(key);
    this.changed({});
  };

  /** Something to be known here and now, said by nobody. */
  notice = (text: string): void => {
    this.list.add({ kind: 'notice', key: `n${++this.noticeCount}`, seq: null, text });
    this.changed({});
  };

  /** Load what was said before the oldest line. */
  loadOlder = async (): Promise<void> => {
    const before = this.list.oldestSeq;
    if (before === null || this.state.history !== 'loaded' || !this.state.hasOlder) return;
    await this.fetch(before, ++this.load);
  };

  loadAgain = (): void => {
    const before = this.list.oldestSeq;
    void this.fetch(before ?? NEWEST, ++this.load);
  };

  setStatus = (status: SocketStatus): void => this.changed({ status });

  close(): void {
    this.isClosed = true;
    this.load++;
    if (this.ticker) clearInterval(this.ticker);
    this.outbox.close();
    this.listeners.clear();
  }

  hear = (message: ServerMessage): void => {
    switch (message.type) {
      case 'joined':
        return this.joined(message);
      case 'reset':
        return this.reload(message.lastSeq);
      case 'message':
      case 'announcement':
      case 'new_subscriber':
        return this.step.take(message, this.meId) ? this.changed({}) : this.show(message);
      case 'raid':
        if (message.direction === 'out') return this.raided(message);
        return this.step.take(message, this.meId) ? this.changed({}) : this.show(message);
      case 'message_deleted':
        this.step.drop(({ id }) => id === message.messageId);
        this.list.takeMessage(message.messageId, message.seq);
        return this.unpin(({ id }) => id === message.messageId);
      case 'user_banned':
      case 'user_timed_out':
        return this.silenced(message);
      case 'user_unbanned':
        if (message.userId === this.meId) this.changed({ you: this.state.you && { ...this.state.you, bannedUntil: null, mayChat: true } });
        return this.tellModerators(`${message.username} may chat again${by(message.moderator)}.`, message.moderator);
      case 'clear_chat':
        this.step.clear();
        this.list.clear();
        return this.notice('The chat was cleared by a moderator.');
      case 'settings_changed':
        if (!this.isAnswered(message.moderator)) for (const change of changesOf(this.state.settings, message.settings)) this.notice(change);
        return this.changed({ settings: { ...message.settings, blockedTerms: null, heldTerms: null } });
      case 'role_changed':
        if (message.userId === this.meId && this.state.you) this.changed({ you: { ...this.state.you, role: message.role } });
        return;
      case 'message_pinned':
        return this.changed({ pinned: message.pinned });
      case 'viewer_count':
        return this.changed({ chatters: message.chatters });
      case 'ack':
        return this.acknowledged(message);
      case 'held':
        return this.outbox.held(message.idempotencyKey, message.heldId);
      case 'held_decided':
        this.outbox.decided(message.heldId, message.isApproved);
        return this.dismiss(`held-${message.heldId}`);
      case 'message_held':
        this.list.add({ kind: 'held', key: `held-${message.heldId}`, seq: null, event: message });
        return this.changed({});
      case 'report_filed':
        return this.notice('Somebody filed a report. It is in the dashboard, under Chat.');
      case 'emotes_changed':
        return this.options.onEmotes?.();
      case 'error':
        return this.refused(message);
      case 'slow_mode': // settings_changed follows
      case 'stream_online': // from here on: the page's (socket/channel-events.ts)
      case 'stream_offline':
      case 'stream_interrupted':
      case 'stream_resumed':
      case 'channel_updated':
      case 'reconnect': // the socket itself obeys
      case 'pong':
        return;
      default:
        return unheard(message);
    }
  };

  private get meId(): string | null {
    return this.state.you?.userId ?? null;
  }

  private joined({ you, settings, pinned, chatters, isResumed, lastSeq }: Joined): void {
    this.changed({ you, settings, pinned, chatters });
    if (!isResumed || this.load === 0) this.reload(lastSeq);
    this.outbox.resend();
  }

  /** What is shown cannot be continued, or there is nothing yet: history up to `lastSeq` instead. */
  private reload(lastSeq: number): void {
    this.list.clear();
    this.step.clear();
    this.changed({ history: 'loading', hasOlder: false });
    void this.fetch(lastSeq + 1, ++this.load);
  }

  private async fetch(beforeSeq: number, load: number, attempt = 0): Promise<void> {
    try {
      const messages = await this.options.loadHistory(beforeSeq, HISTORY);
      if (load !== this.load) return;
      const added = this.list.prepend(messages);
      this.changed({ history: 'loaded', hasOlder: messages.length >= HISTORY && added === messages.length });
    } catch {
      if (load !== this.load) return;
      const againMs = HISTORY_AGAIN_MS[attempt];
      if (againMs === undefined) return this.changed({ history: 'failed' });
      setTimeout(() => load === this.load && void this.fetch(beforeSeq, load, attempt + 1), againMs);
    }
  }

  private show(event: ServerMessage): void {
    if (event.type === 'message' || event.type === 'announcement') {
      this.list.add(lineOf(event.message, event.type === 'announcement' ? event.color : null));
      if (event.message.userId === this.meId) this.arrived(event.message);
    }
    if (event.type === 'new_subscriber') this.list.add({ kind: 'subscriber', key: `s${event.epoch}-${event.seq}`, seq: event.seq, event });
    if (event.type === 'raid') this.list.add({ kind: 'raid', key: `r${event.epoch}-${event.seq}`, seq: event.seq, event });
    this.changed({});
  }

  /** What I said is in its place: the line that waited for it goes, though the answer may come later. */
  private arrived({ content, isAction }: ChatMessage): void {
    const said = isAction ? `/me ${content}` : content;
    const mine = this.outbox.outgoing.find((outgoing) => outgoing.state === 'pending' && spoken(outgoing.content) === spoken(said));
    if (mine) this.acknowledged({ idempotencyKey: mine.key });
  }

  private acknowledged({ idempotencyKey, notice }: { idempotencyKey: string; notice?: string }): void {
    const outgoing = this.outbox.acknowledged(idempotencyKey);
    if (notice) this.notice(notice);
    const slowMs = (this.state.settings?.slowMode ?? 0) * 1000;
    const isSaid = outgoing !== null && !isCommand(outgoing.content);
    if (isSaid && slowMs > 0 && this.state.you?.role === 'viewer') this.cool(slowMs);
  }

  private refused(error: Extract<ServerMessage, { type: 'error' }>): void {
    if (!error.idempotencyKey) return;
    const refusal = this.outbox.refused(error.idempotencyKey, error.code, error.message, error.retryAfterMs ?? null);
    if (!refusal) return;
    if (this.takeBack?.(refusal.content)) this.outbox.discard(refusal.key);
    this.changed({ refusal });
    if (refusal.retryAfterMs && (refusal.code === 'SLOW_MODE' || refusal.code === 'RATE_LIMITED')) this.cool(refusal.retryAfterMs);
    if (refusal.code === 'TIMED_OUT' && refusal.retryAfterMs && this.state.you) {
      this.changed({ you: { ...this.state.you, mayChat: false, bannedUntil: this.now() + refusal.retryAfterMs } });
    }
    if (refusal.code === 'BANNED' && this.state.you) this.changed({ you: { ...this.state.you, mayChat: false, bannedUntil: 0 } });
  }

  private cool(totalMs: number): void {
    this.changed({ cooldown: { untilMs: this.now() + totalMs, totalMs } });
  }

  private silenced(event: Extract<ServerMessage, { type: 'user_banned' | 'user_timed_out' }>): void {
    this.step.drop(({ userId }) => userId === event.userId);
    this.list.takeUser(event.userId, event.seq);
    this.unpin(({ userId }) => userId === event.userId);
    const bannedUntil = event.type === 'user_banned' ? 0 : event.until;
    if (event.userId === this.meId && this.state.you) this.changed({ you: { ...this.state.you, mayChat: false, bannedUntil } });
    const what = event.type === 'user_banned' ? 'was banned' : `was timed out for ${describeTime(event.durationS)}`;
    this.tellModerators(`${event.username} ${what}${by(event.moderator)}.`, event.moderator);
  }

  private unpin(isTaken: (message: ChatMessage) => boolean): void {
    this.changed(this.state.pinned && isTaken(this.state.pinned.message) ? { pinned: null } : {});
  }

  private raided(event: RaidEvent): void {
    if (Math.abs(this.now() - event.timestamp) < RAID_FRESH_MS) this.changed({ raid: event });
  }

  /** The answer to a command of mine says it as well. */
  private isAnswered(moderator: string): boolean {
    return moderator !== '' && moderator === this.state.you?.username && this.now() - this.commandedAt < ANSWERED_WITHIN_MS;
  }

  private tellModerators(text: string, moderator: string): void {
    if (this.mayModerate && !this.isAnswered(moderator)) this.notice(text);
    else this.changed({});
  }

  private tick = (): void => {
    this.step.tick();
    this.changed({});
  };

  private now = (): number => (this.options.now ?? Date.now)();

  /** Change the state at once, and tell those who show it before the next frame. */
  private changed(change: Partial<RoomState>): void {
    this.state = { ...this.state, ...change };
    if (this.isScheduled || this.isClosed) return;
    this.isScheduled = true;
    (this.options.schedule ?? beforeFrame)(this.publish);
  }

  private publish = (): void => {
    this.isScheduled = false;
    if (this.isClosed) return;
    const { isOn, waiting, behindMs, isTooFar } = this.step;
    this.shown = this.state = {
      ...this.state, lines: this.list.view(), outgoing: this.outbox.outgoing, unseen: this.list.unseen, isPaused: this.list.isPaused,
      step: { isOn, waiting, behindMs: isOn ? behindMs : null, isTooFar: isOn && isTooFar },
    };
    for (const listener of this.listeners) listener();
  };
}

const HIDDEN_MS = 500;

/** Frames stand still in hidden tabs; what is said there has to be kept up with all the same. */
function beforeFrame(act: () => void): void {
  if (document.hidden) setTimeout(act, HIDDEN_MS);
  else requestAnimationFrame(act);
}

export function mayModerate(you: You | null): boolean {
  return you !== null && (you.role === 'moderator' || you.role === 'broadcaster' || you.badges.some(({ type }) => type === 'staff'));
}

/** As the server has it in the end. */
const spoken = (content: string): string => content.normalize('NFC').replace(/^\/\//, '/').trim();

const by = (moderator: string): string => (moderator ? ` by ${moderator}` : '');

/** Does not compile as soon as the server has an event that `hear` does not name. */
function unheard(message: never): void {
  void message;
}
