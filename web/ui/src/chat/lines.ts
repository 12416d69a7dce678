/** The lines of a chat in their order: the newest 500, taken away where moderators say so, and still while somebody reads back. */

import type { AnnouncementColor, ChatMessage, HistoryMessage, ServerMessage } from '../api/types';

export const MAX_LINES = 500;
/** Deletions that may come before the history they concern. */
const MAX_TAKEN = 300;

type Event<T extends ServerMessage['type']> = Extract<ServerMessage, { type: T }>;

export type Line =
  | { kind: 'message'; key: string; seq: number; message: ChatMessage; announcement: AnnouncementColor | null; isDeleted: boolean }
  | { kind: 'subscriber'; key: string; seq: number; event: Event<'new_subscriber'> }
  | { kind: 'raid'; key: string; seq: number; event: Event<'raid'> }
  | { kind: 'held'; key: string; seq: null; event: Event<'message_held'> }
  | { kind: 'notice'; key: string; seq: null; text: string };

/** What was taken away: one message, or all that somebody said before `seq`. */
interface Taken {
  seq: number;
  messageId?: string;
  userId?: string;
}

export function lineOf(message: ChatMessage, announcement: AnnouncementColor | null = null): Line {
  return { kind: 'message', key: message.id, seq: message.seq, message, announcement, isDeleted: false };
}

export class LineList {
  private shown: Line[] = [];
  /** What came while the reader looked back. */
  private later: Line[] = [];
  private keys = new Set<string>();
  private taken: Taken[] = [];
  private copy: readonly Line[] = [];
  private isChanged = false;
  isPaused = false;
  /** How many came while paused; more than are kept. */
  unseen = 0;

  /** The lines to show; the same array as long as nothing has changed. */
  view(): readonly Line[] {
    if (this.isChanged) this.copy = [...this.shown];
    this.isChanged = false;
    return this.copy;
  }

  get oldestSeq(): number | null {
    return this.shown.find((line) => line.seq !== null)?.seq ?? null;
  }

  /** Append a line; one that is here already is not repeated. */
  add(line: Line): void {
    if (this.keys.has(line.key)) return;
    this.keys.add(line.key);
    if (this.isPaused) {
      this.later.push(line);
      if (line.kind !== 'notice') this.unseen++;
      this.trim(this.later);
    } else {
      this.shown.push(line);
      this.trim(this.shown);
    }
    this.isChanged = true;
  }

  /** Put history before what is here, oldest first; returns how many lines are new. What was taken away since stays away. */
  prepend(history: readonly HistoryMessage[]): number {
    const fresh = history.filter(({ id }) => !this.keys.has(id)).map(({ announcement, ...message }) => this.withoutTaken(lineOf(message, announcement)));
    const room = Math.max(0, MAX_LINES - this.shown.length);
    const added = room > 0 ? fresh.slice(-room) : [];
    for (const { key } of added) this.keys.add(key);
    this.shown = [...added, ...this.shown].sort(bySeq);
    this.isChanged = true;
    return added.length;
  }

  takeMessage(messageId: string, seq: number): void {
    this.remember({ seq, messageId });
    this.mark((line) => line.message.id === messageId);
  }

  takeUser(userId: string, seq: number): void {
    this.remember({ seq, userId });
    this.mark((line) => line.message.userId === userId);
  }

  /** Take a line out that is no message any more. */
  remove(key: string): void {
    if (!this.keys.delete(key)) return;
    this.shown = this.shown.filter((line) => line.key !== key);
    this.later = this.later.filter((line) => line.key !== key);
    this.isChanged = true;
  }

  clear(): void {
    this.shown = [];
    this.later = [];
    this.keys.clear();
    this.unseen = 0;
    this.isChanged = true;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    this.unseen = 0;
    if (this.later.length === 0) return;
    this.shown.push(...this.later);
    this.later = [];
    this.trim(this.shown);
    this.isChanged = true;
  }

  private mark(isTaken: (line: Extract<Line, { kind: 'message' }>) => boolean): void {
    const marked = (line: Line): Line => (line.kind === 'message' && !line.isDeleted && isTaken(line) ? { ...line, isDeleted: true } : line);
    this.shown = this.shown.map(marked);
    this.later = this.later.map(marked);
    this.isChanged = true;
  }

  private remember(taken: Taken): void {
    this.taken.push(taken);
    if (this.taken.length > MAX_TAKEN) this.taken.shift();
  }

  private withoutTaken(line: Line): Line {
    if (line.kind !== 'message') return line;
    const { message } = line;
    const isTaken = this.taken.some(({ seq, messageId, userId }) => seq > message.seq && (messageId === message.id || userId === message.userId));
    return isTaken ? { ...line, isDeleted: true } : line;
  }

  private trim(lines: Line[]): void {
    for (const { key } of lines.splice(0, Math.max(0, lines.length - MAX_LINES))) this.keys.delete(key);
  }
}

/** Notices have no place and stay where they are. */
function bySeq(one: Line, other: Line): number {
  return one.seq === null || other.seq === null ? 0 : one.seq - other.seq;
}
