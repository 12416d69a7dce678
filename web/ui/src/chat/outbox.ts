/**
 * What I say until the server has answered: kept with its key, sent again with the same one after losses, given back when refused.
 *
 * The server answers the same key the same for 5 minutes, so sending again says nothing twice.
 */

import type { ClientMessage, ErrorCode, ReplyTo } from '../api/types';
import { fullJitter, type Backoff } from '../backoff';

export const ANSWER_WITHIN_MS = 30_000;
/** Well within the 5 minutes for which the server knows a key. */
export const KEY_GOOD_MS = 240_000;
export const MAX_OUTGOING = 20;
const AGAIN: Backoff = { baseMs: 1000, capMs: 8000 };
/** The server could not, this time. */
const PASSING: ReadonlySet<ErrorCode> = new Set(['UNAVAILABLE', 'INTERNAL_ERROR']);

export interface Outgoing {
  key: string;
  content: string;
  replyTo: Pick<ReplyTo, 'messageId' | 'displayName' | 'content'> | null;
  state: 'pending' | 'failed' | 'held' | 'denied';
  /** Why it failed, for a person. */
  why: string;
  madeAt: number;
  heldId: string | null;
  tries: number;
  pictureAt: number | null;
}

export interface Refusal {
  key: string;
  content: string;
  code: ErrorCode;
  message: string;
  retryAfterMs: number | null;
}

interface Options {
  channelId: string;
  send: (message: ClientMessage) => boolean;
  onChange: () => void;
  now?: () => number;
}

/** A command is obeyed, not shown. "/me" and "//" are said. */
export function isCommand(content: string): boolean {
  return /^\/(?!\/)(?!me(\s|$))/i.test(content);
}

export class Outbox {
  private all: Outgoing[] = [];
  private timers = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(private readonly options: Options) {}

  get outgoing(): readonly Outgoing[] {
    return this.all;
  }

  /** Say something; false: too much waits already. */
  say(content: string, replyTo: Outgoing['replyTo'], pictureAt: number | null): boolean {
    if (this.all.length >= MAX_OUTGOING) return false;
    const outgoing: Outgoing = { key: newKey(), content, replyTo, state: 'pending', why: '', madeAt: this.now(), heldId: null, tries: 0, pictureAt };
    this.all = [...this.all, outgoing];
    this.try(outgoing.key);
    return true;
  }

  /** A person asks for it once more: the same key, so that it is not said twice. */
  retry(key: string): void {
    this.change(key, { state: 'pending', why: '', tries: 0 });
    this.try(key);
  }

  canRetry({ state, madeAt }: Outgoing): boolean {
    return state === 'failed' && this.now() - madeAt < KEY_GOOD_MS;
  }

  discard(key: string): void {
    this.stop(key);
    this.all = this.all.filter((outgoing) => outgoing.key !== key);
    this.options.onChange();
  }

  /** The channel is joined (again): everything without an answer is sent once more. */
  resend(): void {
    for (const { key, state } of this.all) if (state === 'pending') this.try(key);
  }

  /** The answer that it has its place, or was obeyed. Returns what it was. */
  acknowledged(key: string): Outgoing | null {
    const outgoing = this.find(key);
    if (outgoing) this.discard(key);
    return outgoing;
  }

  held(key: string, heldId: string): void {
    this.stop(key);
    this.change(key, { state: 'held', heldId });
  }

  decided(heldId: string, isApproved: boolean): void {
    const outgoing = this.all.find((one) => one.heldId === heldId);
    if (!outgoing) return;
    if (isApproved) this.discard(outgoing.key);
    else this.change(outgoing.key, { state: 'denied', why: 'A moderator did not let it through.' });
  }

  /** Returns the refusal, unless it is one that passes and is tried again by itself. */
  refused(key: string, code: ErrorCode, message: string, retryAfterMs: number | null): Refusal | null {
    const outgoing = this.find(key);
    if (!outgoing) return null;
    this.stop(key);
    if (PASSING.has(code) && this.now() - outgoing.madeAt < ANSWER_WITHIN_MS) {
      this.later(key, retryAfterMs ?? fullJitter(outgoing.tries, AGAIN), () => this.try(key));
      return null;
    }
    this.change(key, { state: 'failed', why: message });
    return { key, content: outgoing.content, code, message, retryAfterMs };
  }

  close(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
  }

  private try(key: string): void {
    const outgoing = this.find(key);
    if (!outgoing) return;
    this.change(key, { tries: outgoing.tries + 1 });
    const { content, replyTo, pictureAt } = outgoing;
    this.options.send({
      type: 'message', channelId: this.options.channelId, content, idempotencyKey: key, ...(replyTo && { replyTo: replyTo.messageId }), ...(pictureAt !== null && { pictureAt }),
    });
    this.later(key, ANSWER_WITHIN_MS, () => this.change(key, { state: 'failed', why: 'No answer came.' }));
  }

  private find(key: string): Outgoing | null {
    return this.all.find((outgoing) => outgoing.key === key) ?? null;
  }

  private change(key: string, change: Partial<Outgoing>): void {
    this.all = this.all.map((outgoing) => (outgoing.key === key ? { ...outgoing, ...change } : outgoing));
    this.options.onChange();
  }

  private later(key: string, ms: number, act: () => void): void {
    this.stop(key);
    this.timers.set(key, setTimeout(act, ms));
  }

  private stop(key: string): void {
    clearTimeout(this.timers.get(key));
    this.timers.delete(key);
  }

  private now(): number {
    return (this.options.now ?? Date.now)();
  }
}

/** 128 random bits; `crypto.randomUUID` is missing on pages without https. */
function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
