import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { ChatMessage, ClientMessage, ServerMessage } from '../../src/api/types';
import { PictureClock } from '../../src/chat/in-step';
import { ChatRoom } from '../../src/chat/room';
import { joinedAs, line, placed, said, settings, you } from '../socket/events';

let sent: ClientMessage[];
let asked: number[];
let history: () => Promise<ChatMessage[]>;
let clock: PictureClock;
let frames: number;
let room: ChatRoom;

const me = you({ userId: 'me', username: 'ann', mayChat: true });
const moderator = you({ userId: 'me', username: 'ann', role: 'moderator', mayChat: true });
const state = () => room.snapshot();
const texts = () => state().lines.map((one) => (one.kind === 'message' ? (one.isDeleted ? `(${one.message.content})` : one.message.content) : one.kind === 'notice' ? `* ${one.text}` : one.kind));
const lastKey = () => (sent.at(-1) as Extract<ClientMessage, { type: 'message' }>).idempotencyKey;
const frame = () => vi.advanceTimersByTimeAsync(20);

/** Events up to the next frame. */
async function hear(...events: ServerMessage[]) {
  events.forEach(room.hear);
  await frame();
}

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  asked = [];
  frames = 0;
  history = async () => [];
  clock = new PictureClock();
  room = new ChatRoom({
    channelId: 'c1', clock, send: (message) => (sent.push(message), true),
    loadHistory: (before) => {
      asked.push(before);
      return history();
    },
  });
  room.subscribe(() => frames++);
});

describe('what was said', () => {
  it('is loaded up to where the events begin, and goes on with them', async () => {
    history = async () => [line(3), line(4)];
    await hear(joinedAs({ lastSeq: 4 }), said(5));
    expect(asked).toEqual([5]);
    expect(texts()).toEqual(['line 3', 'line 4', 'line 5']);
    expect(state().history).toBe('loaded');
  });

  it('is not loaded again when the connection comes back where it was', async () => {
    await hear(joinedAs({ lastSeq: 4 }), said(5));
    await hear(joinedAs({ lastSeq: 5, isResumed: true }), said(6));
    expect(asked).toEqual([5]);
    expect(texts()).toEqual(['line 5', 'line 6']);
  });

  it('is loaded anew after a reset, whatever was on its way before', async () => {
    let answer: (messages: ChatMessage[]) => void = () => undefined;
    history = () => new Promise((resolve) => (answer = resolve));
    await hear(joinedAs({ lastSeq: 4 }));
    const old = answer;
    await hear({ type: 'reset', channelId: 'c1', epoch: 'e2', lastSeq: 90 });
    old([line(4)]);
    answer([line(90, { epoch: 'e2' })]);
    await frame();
    expect(asked).toEqual([5, 91]);
    expect(texts()).toEqual(['line 90']);
  });

  it('is asked for again when it cannot be loaded, and then by hand', async () => {
    history = async () => Promise.reject(new Error('away'));
    await hear(joinedAs({ lastSeq: 4 }), said(5));
    await vi.advanceTimersByTimeAsync(20_000);
    expect(asked).toHaveLength(4);
    expect(state().history).toBe('failed');
    expect(texts()).toEqual(['line 5']);
    history = async () => [line(4)];
    room.loadAgain();
    await frame();
    expect(texts()).toEqual(['line 4', 'line 5']);
  });

  it('is shown once a frame, however much comes', async () => {
    await hear(joinedAs());
    frames = 0;
    await hear(...Array.from({ length: 300 }, (_, index) => said(index + 1)));
    expect(frames).toBe(1);
    expect(state().lines).toHaveLength(300);
  });
});

describe('what moderators do', () => {
  beforeEach(() => hear(joinedAs({ you: me }), said(1), said(2), said(3, { userId: 'u7', username: 'cy' })));

  it('takes one message away', async () => {
    await hear({ type: 'message_deleted', ...placed(4), messageId: 'm1', userId: 'u9', username: 'bo', moderator: 'mo' });
    expect(texts()).toEqual(['(line 1)', 'line 2', 'line 3']);
  });

  it('takes all of somebody away who is banned or timed out, and tells it to moderators only', async () => {
    await hear({ type: 'user_timed_out', ...placed(4), userId: 'u9', username: 'bo', durationS: 600, until: Date.now() + 600_000, moderator: 'mo' });
    expect(texts()).toEqual(['(line 1)', '(line 2)', 'line 3']);
    await hear(joinedAs({ you: moderator, isResumed: true }), { type: 'user_banned', ...placed(5), userId: 'u7', username: 'cy', moderator: 'mo' });
    expect(texts()).toEqual(['(line 1)', '(line 2)', '(line 3)', '* cy was banned by mo.']);
  });

  it('silences me, and lets me speak again', async () => {
    await hear({ type: 'user_banned', ...placed(4), userId: 'me', username: 'ann', moderator: 'mo' });
    expect(state().you).toMatchObject({ mayChat: false, bannedUntil: 0 });
    await hear({ type: 'user_unbanned', ...placed(5), userId: 'me', username: 'ann', moderator: 'mo' });
    expect(state().you).toMatchObject({ mayChat: true, bannedUntil: null });
  });

  it('clears everything', async () => {
    await hear({ type: 'clear_chat', ...placed(4), moderator: 'mo' }, said(5));
    expect(texts()).toEqual(['* The chat was cleared by a moderator.', 'line 5']);
  });

  it('says which modes change', async () => {
    await hear({ type: 'slow_mode', ...placed(4), duration: 30 }, { type: 'settings_changed', ...placed(5), settings: settings({ slowMode: 30 }), moderator: 'mo' });
    await hear({ type: 'settings_changed', ...placed(6), settings: settings({ followerOnly: true, followerMinutes: 10 }), moderator: 'mo' });
    expect(texts().slice(3)).toEqual(['* One message every 30 seconds.', '* Only who has followed for 10 minutes can chat.', '* Slow mode is off.']);
    expect(state().settings?.followerMinutes).toBe(10);
  });

  it('pins a message, which goes when it is taken away', async () => {
    await hear({ type: 'message_pinned', ...placed(4), pinned: { message: line(2), pinnedBy: 'Mo', pinnedAt: 1, until: null } });
    expect(state().pinned?.message.id).toBe('m2');
    await hear({ type: 'message_deleted', ...placed(5), messageId: 'm2', userId: 'u9', username: 'bo', moderator: 'mo' });
    expect(state().pinned).toBeNull();
  });

  it('makes me one of them', async () => {
    expect(room.mayModerate).toBe(false);
    await hear({ type: 'role_changed', ...placed(4), userId: 'me', username: 'ann', role: 'moderator' });
    expect(room.mayModerate).toBe(true);
  });

  it('waits for them, and is gone when one has decided', async () => {
    await hear({ type: 'message_held', channelId: 'c1', heldId: 'h1', userId: 'u9', username: 'bo', displayName: 'Bo', content: 'hm', reason: 'link', timestamp: 1 });
    expect(texts().at(-1)).toBe('held');
    await hear({ type: 'held_decided', channelId: 'c1', heldId: 'h1', userId: 'u9', isApproved: false, moderator: 'mo' });
    expect(texts()).toHaveLength(3);
  });
});

describe('what I say', () => {
  beforeEach(() => hear(joinedAs({ you: me })));

  it('stands there once: as it is sent, and then in its place, whichever comes first', async () => {
    room.say('hello', null);
    await frame();
    expect(state().outgoing.map(({ content }) => content)).toEqual(['hello']);
    await hear(said(1, { userId: 'me', content: 'hello' }));
    expect(state().outgoing).toEqual([]);
    expect(texts()).toEqual(['hello']);
    await hear({ type: 'ack', channelId: 'c1', idempotencyKey: lastKey(), messageId: 'm1', seq: 1, epoch: 'e1' });
    expect(texts()).toEqual(['hello']);
  });

  it('is known again as an act, and behind two slashes', async () => {
    room.say('/me waves', null);
    room.say('//ban', null);
    await hear(said(1, { userId: 'me', content: 'waves', isAction: true }), said(2, { userId: 'me', content: '/ban' }));
    expect(state().outgoing).toEqual([]);
  });

  it('is sent again after a loss, with the moment that was on the screen', async () => {
    clock.set(5000, false);
    room.say('hello', null);
    await hear(joinedAs({ you: me, isResumed: true }));
    expect(sent).toHaveLength(2);
    expect(sent[0]).toEqual({ type: 'message', channelId: 'c1', content: 'hello', idempotencyKey: lastKey(), pictureAt: 5000 });
    expect(sent[1]).toEqual(sent[0]);
  });

  it('answers a message', () => {
    room.say('yes', { messageId: 'm1', displayName: 'Bo', content: 'line 1' });
    expect(sent[0]).toMatchObject({ replyTo: 'm1' });
  });

  it('shows what a command did', async () => {
    room.say('/mods', null);
    await hear({ type: 'ack', channelId: 'c1', idempotencyKey: lastKey(), notice: 'Moderators: mo' });
    expect(texts()).toEqual(['* Moderators: mo']);
    expect(state().outgoing).toEqual([]);
  });

  it('is a command, whose answer tells what it did: the event does not tell it again', async () => {
    await hear(joinedAs({ you: moderator, isResumed: true }));
    room.say('/slow 10', null);
    const changed = { type: 'settings_changed', ...placed(1), settings: settings({ slowMode: 10 }) } as const;
    await hear({ ...changed, moderator: 'ann' }, { type: 'ack', channelId: 'c1', idempotencyKey: lastKey(), notice: 'Slow mode: 10 s.' });
    expect(texts()).toEqual(['* Slow mode: 10 s.']);
    await hear({ ...changed, ...placed(2), settings: settings(), moderator: 'mo' });
    expect(texts().at(-1)).toBe('* Slow mode is off.');
  });

  it('is refused with a wait, from the number and not from words', async () => {
    room.say('hello', null);
    await hear({ type: 'error', code: 'SLOW_MODE', message: 'Slow mode: wait.', retryAfterMs: 4200, idempotencyKey: lastKey() });
    expect(state().refusal).toMatchObject({ content: 'hello', message: 'Slow mode: wait.' });
    expect(state().cooldown).toEqual({ untilMs: expect.closeTo(Date.now() + 4200, -2), totalMs: 4200 });
  });

  it('begins the wait of slow mode when it has its place', async () => {
    await hear({ type: 'settings_changed', ...placed(1), settings: settings({ slowMode: 30 }), moderator: '' });
    room.say('hello', null);
    await hear({ type: 'ack', channelId: 'c1', idempotencyKey: lastKey(), messageId: 'm2', seq: 2, epoch: 'e1' });
    expect(state().cooldown?.totalMs).toBe(30_000);
  });

  it('is held for a moderator, and knows the answer', async () => {
    room.say('hm', null);
    await hear({ type: 'held', channelId: 'c1', idempotencyKey: lastKey(), heldId: 'h1' });
    expect(state().outgoing[0]?.state).toBe('held');
    await hear({ type: 'held_decided', channelId: 'c1', heldId: 'h1', userId: 'me', isApproved: false, moderator: 'mo' });
    expect(state().outgoing[0]?.state).toBe('denied');
  });

  it('learns that I am timed out', async () => {
    room.say('hello', null);
    await hear({ type: 'error', code: 'TIMED_OUT', message: 'You are timed out.', retryAfterMs: 60_000, idempotencyKey: lastKey() });
    expect(state().you).toMatchObject({ mayChat: false });
    expect(state().you!.bannedUntil! - Date.now()).toBeGreaterThan(59_000);
  });
});

describe('the rest', () => {
  it('sends viewers off with a raid that is fresh', async () => {
    const raid = { type: 'raid', ...placed(4), direction: 'out', otherChannelId: 'c2', otherName: 'other', otherDisplayName: 'Other', viewerCount: 40 } as const;
    await hear(joinedAs(), { ...raid, timestamp: Date.now() - 120_000 });
    expect(state().raid).toBeNull();
    await hear({ ...raid, timestamp: Date.now() });
    expect(state().raid?.otherName).toBe('other');
    room.dismissRaid();
    await frame();
    expect(state().raid).toBeNull();
  });

  it('waits for the picture when asked to, and for nothing when not', async () => {
    await hear(joinedAs());
    clock.set(Date.now() - 10_000, true);
    room.setInStep(true);
    await hear({ ...said(1), timestamp: Date.now() });
    expect(texts()).toEqual([]);
    expect(state().step).toMatchObject({ isOn: true, waiting: 1 });
    room.setInStep(false);
    await frame();
    expect(texts()).toEqual(['line 1']);
  });

  it('is silent once it is closed', async () => {
    await hear(joinedAs());
    frames = 0;
    room.close();
    await hear(said(1));
    expect(frames).toBe(0);
  });
});
