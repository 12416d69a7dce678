import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { ClientMessage } from '../../src/api/types';
import { ANSWER_WITHIN_MS, isCommand, KEY_GOOD_MS, MAX_OUTGOING, Outbox } from '../../src/chat/outbox';

let sent: Extract<ClientMessage, { type: 'message' }>[];
let isJoined: boolean;
let outbox: Outbox;
const only = () => outbox.outgoing[0]!;

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  isJoined = true;
  outbox = new Outbox({ channelId: 'c1', onChange: () => undefined, send: (message) => (isJoined && message.type === 'message' ? (sent.push(message), true) : false) });
});

describe('what is being said', () => {
  it('is sent with a key of its own and gone when it has its place', () => {
    outbox.say('hello', null, null);
    outbox.say('hello', null, 1234);
    expect(sent.map(({ content, pictureAt }) => [content, pictureAt])).toEqual([['hello', undefined], ['hello', 1234]]);
    expect(sent[0]!.idempotencyKey).toMatch(/^[0-9a-f]{32}$/);
    expect(sent[0]!.idempotencyKey).not.toBe(sent[1]!.idempotencyKey);
    expect(outbox.acknowledged(sent[0]!.idempotencyKey)?.content).toBe('hello');
    expect(outbox.outgoing).toHaveLength(1);
  });

  it('waits for the connection and is sent again with the same key', () => {
    isJoined = false;
    outbox.say('hello', null, null);
    expect(sent).toEqual([]);
    isJoined = true;
    outbox.resend();
    outbox.resend();
    expect(sent).toHaveLength(2);
    expect(sent[0]!.idempotencyKey).toBe(sent[1]!.idempotencyKey);
  });

  it('has failed without an answer, and can be sent once more with its key', () => {
    outbox.say('hello', null, null);
    vi.advanceTimersByTime(ANSWER_WITHIN_MS);
    expect(only().state).toBe('failed');
    expect(outbox.canRetry(only())).toBe(true);
    outbox.resend();
    expect(sent).toHaveLength(1);
    outbox.retry(only().key);
    expect(sent[1]!.idempotencyKey).toBe(sent[0]!.idempotencyKey);
    expect(only().state).toBe('pending');
  });

  it('is not sent again once the server may have forgotten its key', () => {
    outbox.say('hello', null, null);
    vi.advanceTimersByTime(KEY_GOOD_MS);
    expect(outbox.canRetry(only())).toBe(false);
  });

  it('tries again by itself when the server could not, as long as it said', () => {
    outbox.say('hello', null, null);
    expect(outbox.refused(only().key, 'UNAVAILABLE', 'Busy.', 2000)).toBeNull();
    expect(only().state).toBe('pending');
    vi.advanceTimersByTime(1999);
    expect(sent).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(sent).toHaveLength(2);
    expect(sent[1]!.idempotencyKey).toBe(sent[0]!.idempotencyKey);
  });

  it('is given back when it was refused', () => {
    outbox.say('hello', null, null);
    expect(outbox.refused(only().key, 'SLOW_MODE', 'Slow down.', 5000)).toMatchObject({ content: 'hello', code: 'SLOW_MODE', retryAfterMs: 5000 });
    expect(only()).toMatchObject({ state: 'failed', why: 'Slow down.' });
    expect(outbox.refused('unknown', 'SLOW_MODE', '', null)).toBeNull();
  });

  it('waits for a moderator, whose answer it takes', () => {
    outbox.say('one', null, null);
    outbox.say('two', null, null);
    outbox.held(sent[0]!.idempotencyKey, 'h1');
    outbox.held(sent[1]!.idempotencyKey, 'h2');
    vi.advanceTimersByTime(ANSWER_WITHIN_MS);
    expect(outbox.outgoing.map(({ state }) => state)).toEqual(['held', 'held']);
    outbox.decided('h1', true);
    outbox.decided('h2', false);
    expect(outbox.outgoing.map(({ content, state }) => [content, state])).toEqual([['two', 'denied']]);
  });

  it('is bounded', () => {
    for (let count = 0; count < MAX_OUTGOING; count++) expect(outbox.say('x', null, null)).toBe(true);
    expect(outbox.say('x', null, null)).toBe(false);
  });
});

it.each([['/ban bo', true], ['/ME waves', false], ['/me', false], ['/mends', true], ['//ban', false], ['hello /ban', false]])('%j is a command: %s', (text, is) => {
  expect(isCommand(text)).toBe(is);
});
