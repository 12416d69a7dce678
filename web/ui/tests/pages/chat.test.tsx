import { act, fireEvent, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { ServerMessage, You } from '../../src/api/types';
import { expectAccessible } from '../axe';
import { FakeHls } from '../player/fake-hls';
import { ok, refused, serve, type Call } from '../fetch';
import { joinedAs, line, placed, said, settings, you } from '../socket/events';
import { FakeSocket } from '../socket/fake-socket';
import { channel, me, open } from './app';

vi.mock('../../src/player/hls', async () => ({ Hls: (await import('../player/fake-hls')).FakeHls }));

const ann = you({ userId: 'u2', username: 'ann', mayChat: true, color: '#1E90FF' });
const moderator: You = { ...ann, role: 'moderator', badges: [{ type: 'moderator' }] };
const emote = (name: string) => ({ id: `id-${name}`, channelId: null, name, tier: 0, isAnimated: false, url: '', createdAt: '2026-01-01T00:00:00Z' });
const card = {
  userId: 'u9', username: 'bo', displayName: 'Bo', color: '#1E90FF', role: 'viewer', badges: [], isBot: false, createdAt: '2026-01-01T00:00:00Z', followedAt: null, subscribedMonths: 0,
  history: { messageCount: 12, firstMessageAt: null, ban: null, banCount: 0, timeoutCount: 2, messages: [{ message: line(1), isDeleted: true }], acts: [] },
};
const routes = {
  'GET channels/demo': ok(channel()),
  'GET me': ok(me({ user: { id: 'u2', username: 'ann', displayName: 'Ann', avatarUrl: '', createdAt: '2026-01-01T00:00:00Z' }, channels: [] })),
  'GET channels/c1/chat/messages?before=3&limit=100': ok([line(1), line(2)]),
  'GET me/emotes?channel=c1': ok({ groups: [{ channelId: null, title: 'Everywhere', emotes: [emote('tallyWave'), emote('tallyLove')], locked: [{ ...emote('demoGold'), tier: 2 }] }] }),
  'GET channels/c1/chat/users/u9': ok(card),
};

beforeEach(() => {
  FakeHls.install();
  FakeSocket.install();
});

const say = (...messages: ServerMessage[]) => act(async () => {
  FakeSocket.last.say(JSON.stringify(messages));
  await new Promise((resolve) => setTimeout(resolve, 40)); // a frame
});

/** A channel's page whose chat has two lines, seen by `viewer`. */
async function enter(viewer: You, more: Record<string, Response> = {}, state: Partial<Parameters<typeof joinedAs>[0]> = {}): Promise<Call[]> {
  const calls = serve({ ...routes, ...more });
  open('/demo');
  await waitFor(() => expect(FakeSocket.made).toHaveLength(1));
  act(() => FakeSocket.last.open());
  await say(joinedAs({ lastSeq: 2, you: viewer, chatters: 7, ...state }));
  await screen.findByText('line 2');
  return calls;
}
const chat = () => within(screen.getByRole('region', { name: 'Chat' }));
const box = () => chat().getByRole<HTMLTextAreaElement>('textbox', { name: 'Send a message' });
const messages = () => FakeSocket.last.sent.filter((one) => (one as { type: string }).type === 'message') as { content: string; idempotencyKey: string; replyTo?: string }[];
const hover = (text: string) => fireEvent.pointerOver(screen.getByText(text));

describe('the chat of a channel', () => {
  it('shares its socket with the page, shows what was said, and can be used by everybody', async () => {
    await enter(ann);
    expect(FakeSocket.made).toHaveLength(1);
    expect(chat().getByTestId('chat-count').textContent).toContain('7');
    await say(said(3, { badges: [{ type: 'moderator' }, { type: 'subscriber', version: 3 }], isFirst: true, content: 'hi @ann', mentions: [{ userId: 'u2', username: 'ann', start: 3, end: 7 }] }));
    expect(chat().getByRole('img', { name: 'Moderator' })).toBeTruthy();
    expect(chat().getByRole('img', { name: 'Subscriber for 3 months' })).toBeTruthy();
    expect(chat().getByRole('img', { name: 'First message here' })).toBeTruthy();
    expect(screen.getByText('@ann').closest('[data-testid=chat-line]')!.getAttribute('data-for-me')).toBe('true');
    expect(chat().getAllByRole('status').some((status) => status.textContent === 'Bo: hi @ann')).toBe(true);
    await expectAccessible();
  });

  it('can be read by who is not signed in, and says how to write', async () => {
    await enter(you(), { 'GET me': refused(401, 'UNAUTHORIZED', 'Sign in.') });
    expect(box().disabled).toBe(true);
    expect(box().placeholder).toBe('Sign in to chat');
    expect(chat().getByTestId('chat-sign-in').getAttribute('href')).toBe('/login?next=%2Fdemo');
    await expectAccessible();
  });

  it('is hidden and shown, and remembers which', async () => {
    await enter(ann);
    const button = screen.getByRole('button', { name: 'Chat' });
    expect(button.getAttribute('aria-pressed')).toBe('true');
    fireEvent.click(button);
    expect(screen.queryByRole('region', { name: 'Chat' })).toBeNull();
    expect(JSON.parse(localStorage.getItem('tally.chat')!)).toMatchObject({ isShown: false });
    fireEvent.click(button);
    expect(screen.getByText('line 2')).toBeTruthy();
  });

  it('keeps words that look like markup words, and makes safe links', async () => {
    await enter(ann);
    await say(said(3, { content: '<b>x</b> https://a.example' }));
    expect(screen.getByText('<b>x</b>', { exact: false })).toBeTruthy();
    const link = chat().getByRole('link', { name: 'https://a.example' });
    expect([link.getAttribute('target'), link.getAttribute('rel')]).toEqual(['_blank', 'noopener nofollow noreferrer']);
  });
});

describe('writing', () => {
  it('sends with Enter, shows the line at once and once only', async () => {
    await enter(ann);
    const user = userEvent.setup();
    await user.type(box(), 'hello there{Enter}');
    expect(messages()).toMatchObject([{ content: 'hello there' }]);
    expect(box().value).toBe('');
    expect((await screen.findByTestId('chat-own')).textContent).toContain('hello there');
    await say({ type: 'ack', channelId: 'c1', idempotencyKey: messages()[0]!.idempotencyKey, messageId: 'm3', seq: 3, epoch: 'e1' }, said(3, { userId: 'u2', content: 'hello there' }));
    expect(screen.queryByTestId('chat-own')).toBeNull();
    expect(screen.getAllByText('hello there')).toHaveLength(1);
    await user.type(box(), '{ArrowUp}');
    expect(box().value).toBe('hello there');
  });

  it('gives back what was refused, says why, and how long to wait', async () => {
    await enter(ann);
    const user = userEvent.setup();
    await user.type(box(), 'too fast{Enter}');
    await say({ type: 'error', code: 'SLOW_MODE', message: 'Slow mode: one message every 30 seconds.', retryAfterMs: 25_000, idempotencyKey: messages()[0]!.idempotencyKey });
    expect(box().value).toBe('too fast');
    expect(screen.getByText('Slow mode: one message every 30 seconds.', { exact: false })).toBeTruthy();
    expect(screen.getByTestId('chat-send').getAttribute('aria-label')).toBe('You can write again in 25 seconds');
    await user.type(box(), '{Enter}');
    expect(messages()).toHaveLength(1);
    expect(screen.queryByTestId('chat-own')).toBeNull();
  });

  it('completes emotes and names without leaving the keyboard', async () => {
    await enter(ann);
    const user = userEvent.setup();
    await user.type(box(), ':lov');
    expect(await chat().findByRole('option', { name: 'tallyLove' })).toBeTruthy();
    await expectAccessible();
    await user.keyboard('{Tab}');
    expect(box().value).toBe('tallyLove ');
    await user.type(box(), '@b');
    await user.keyboard('{Enter}');
    expect(box().value).toBe('tallyLove @bo ');
    expect(messages()).toHaveLength(0);
  });

  it('picks emotes from all there are, and shows which ones need more', async () => {
    await enter(ann);
    const user = userEvent.setup();
    await user.click(chat().getByRole('button', { name: 'Emotes' }));
    const picker = within(await screen.findByRole('dialog', { name: 'Emotes' }));
    await picker.findByRole('button', { name: 'tallyWave' });
    expect(picker.getByRole<HTMLButtonElement>('button', { name: 'demoGold, for subscribers of tier 2' }).disabled).toBe(true);
    await expectAccessible();
    await user.type(picker.getByRole('searchbox', { name: 'Search emotes' }), 'love');
    expect(picker.queryByRole('button', { name: 'tallyWave' })).toBeNull();
    await user.click(picker.getByRole('button', { name: 'tallyLove' }));
    expect(box().value).toBe('tallyLove ');
  });

  it('counts characters as the server does, and sends nothing that is too long', async () => {
    await enter(ann);
    fireEvent.change(box(), { target: { value: '😀'.repeat(501) } });
    expect(chat().getByText('-1')).toBeTruthy();
    fireEvent.keyDown(box(), { key: 'Enter' });
    expect(messages()).toHaveLength(0);
  });

  it('answers a line, and shows the thread', async () => {
    await enter(ann, { 'GET channels/c1/chat/messages?thread=m1&limit=100': ok([line(1)]) });
    const user = userEvent.setup();
    hover('line 1');
    await user.click(await chat().findByRole('button', { name: 'Answer Bo' }));
    await user.type(box(), 'yes{Enter}');
    expect(messages()[0]).toMatchObject({ content: 'yes', replyTo: 'm1' });
    await say(said(3, { content: 'yes', userId: 'u2', replyTo: { messageId: 'm1', threadId: 'm1', userId: 'u9', username: 'bo', displayName: 'Bo', content: 'line 1' } }));
    await user.click(await chat().findByRole('button', { name: /^Answering/ }));
    const thread = within(await screen.findByRole('dialog', { name: 'Thread' }));
    expect(thread.getByText('yes')).toBeTruthy();
    await thread.findByText('line 1');
    await user.keyboard('{Escape}');
    expect(screen.queryByRole('dialog', { name: 'Thread' })).toBeNull();
  });

  it('is not possible for who is banned, and says until when', async () => {
    await enter({ ...ann, mayChat: false, bannedUntil: Date.now() + 90_500 });
    expect(box().disabled).toBe(true);
    expect(box().placeholder).toMatch(/^You can write again in 1 minute 3\d seconds$/);
    await say({ type: 'user_banned', ...placed(3), userId: 'u2', username: 'ann', moderator: 'mo' });
    expect(box().placeholder).toBe('You are banned from this chat');
  });
});

describe('moderating in place', () => {
  it('deletes, times out and bans at a line', async () => {
    const calls = await enter(moderator, {
      'DELETE channels/c1/chat/messages/m1': ok({}), 'POST channels/c1/chat/timeouts': ok({}), 'POST channels/c1/chat/bans': refused(403, 'FORBIDDEN', 'Not this one.'),
    });
    hover('line 1');
    fireEvent.click(await chat().findByRole('button', { name: 'Delete this message' }));
    fireEvent.click(chat().getByRole('button', { name: 'Time Bo out for 10 minutes' }));
    fireEvent.click(chat().getByRole('button', { name: 'Ban Bo' }));
    expect(await screen.findByText('Not this one.')).toBeTruthy();
    expect(calls.filter(({ method }) => method !== 'GET').map(({ method, path, body }) => [method, path, body])).toEqual([
      ['DELETE', 'channels/c1/chat/messages/m1', null], ['POST', 'channels/c1/chat/timeouts', { userId: 'u9', durationS: 600, reason: '' }],
      ['POST', 'channels/c1/chat/bans', { userId: 'u9', reason: '' }],
    ]);
  });

  it('offers everything in a menu that keys can use', async () => {
    await enter(moderator);
    const user = userEvent.setup();
    hover('line 1');
    await user.click(await chat().findByRole('button', { name: 'More for this message' }));
    const items = () => screen.getAllByRole('menuitem').map((item) => item.textContent);
    expect(items()).toEqual(['Answer', 'Show the thread', 'Copy the text', 'Pin to the top', 'Delete', 'Time out for 1 minute', 'Time out for 10 minutes', 'Time out for 1 hour', 'Time out for 1 day', 'Time out for 1 week', 'Ban Bo', 'Report…']);
    await expectAccessible();
    await user.keyboard('{ArrowDown}{Escape}');
    expect(screen.queryByRole('menu')).toBeNull();
  });

  it('is not offered to viewers, who may report', async () => {
    const calls = await enter(ann, { 'POST channels/c1/chat/reports': ok({}) });
    const user = userEvent.setup();
    hover('line 1');
    expect(chat().queryByRole('button', { name: 'Ban Bo' })).toBeNull();
    await user.click(await chat().findByRole('button', { name: 'More for this message' }));
    await user.click(screen.getByRole('menuitem', { name: 'Report…' }));
    await user.click(await screen.findByRole('button', { name: 'Report' }));
    await waitFor(() => expect(calls.at(-1)).toEqual({ method: 'POST', path: 'channels/c1/chat/reports', body: { userId: 'u9', reason: 'Spam or advertising', messageId: 'm1' } }));
  });

  it('hides what was taken away, and shows it to moderators who ask', async () => {
    await enter(moderator);
    await say({ type: 'message_deleted', ...placed(3), messageId: 'm1', userId: 'u9', username: 'bo', moderator: 'mo' });
    expect(screen.queryByText('line 1')).toBeNull();
    fireEvent.click(chat().getByRole('button', { name: 'Message deleted' }));
    expect(screen.getByText('line 1')).toBeTruthy();
  });

  it('decides about what is held', async () => {
    const calls = await enter(moderator, { 'POST channels/c1/chat/held/h1/approve': ok({}) });
    await say({ type: 'message_held', channelId: 'c1', heldId: 'h1', userId: 'u9', username: 'bo', displayName: 'Bo', content: 'perhaps bad', reason: 'a link', timestamp: 1 });
    fireEvent.click(within(screen.getByTestId('chat-held')).getByRole('button', { name: 'Let through' }));
    await waitFor(() => expect(calls.at(-1)?.path).toBe('channels/c1/chat/held/h1/approve'));
    await say({ type: 'held_decided', channelId: 'c1', heldId: 'h1', userId: 'u9', isApproved: true, moderator: 'ann' });
    expect(screen.queryByTestId('chat-held')).toBeNull();
  });

  it('shows who somebody is, with what moderators know', async () => {
    await enter(moderator);
    fireEvent.click(chat().getAllByRole('button', { name: 'Bo' })[0]!);
    const sheet = within(await screen.findByRole('dialog', { name: 'Bo' }));
    expect(await sheet.findByText(/12 messages · 2 timeouts/)).toBeTruthy();
    await expectAccessible();
    fireEvent.click(sheet.getByRole('button', { name: 'Mention' }));
    expect(box().value).toBe('@bo ');
  });
});

describe('a line under the pointer', () => {
  it('stays where it is, and the chat goes on when the line is gone', async () => {
    await enter(moderator);
    hover('line 1');
    fireEvent.pointerEnter(await chat().findByTestId('line-actions'));
    await say(said(3));
    expect(screen.queryByText('line 3')).toBeNull();
    await say({ type: 'message_deleted', ...placed(4), messageId: 'm1', userId: 'u9', username: 'bo', moderator: 'mo' });
    expect(await screen.findByText('line 3')).toBeTruthy();
  });
});

describe('what is told', () => {
  it('shows what is pinned, modes, announcements, subscribers and raids', async () => {
    await enter(ann, {}, { settings: settings({ slowMode: 30, emoteOnly: true }), pinned: { message: line(1, { content: 'read me' }), pinnedBy: 'Mo', pinnedAt: 1, until: null } });
    expect(within(screen.getByTestId('pinned')).getByText('read me')).toBeTruthy();
    expect(screen.getByTestId('chat-modes').textContent).toBe('Emotes onlySlow: 30 seconds');
    await say(
      { type: 'announcement', ...placed(3), message: line(3, { content: 'look here' }), color: 'green' },
      { type: 'new_subscriber', ...placed(4), userId: 'u5', username: 'di', displayName: 'Di', tier: 1, months: 4, isGift: false },
      { type: 'raid', ...placed(5), direction: 'in', otherChannelId: 'c2', otherName: 'other', otherDisplayName: 'Other', viewerCount: 40 },
    );
    expect(screen.getByText('look here').closest('[data-announcement]')!.getAttribute('data-announcement')).toBe('green');
    expect(screen.getByTestId('chat-subscriber').textContent).toContain('Di has subscribed for 4 months, Tier 1.');
    expect(screen.getByTestId('chat-raid').textContent).toContain('Other comes by with 40 viewers.');
    await expectAccessible();
  });

  it('asks whether to go along with a raid', async () => {
    await enter(ann);
    await say({ type: 'raid', ...placed(3), timestamp: Date.now(), direction: 'out', otherChannelId: 'c2', otherName: 'other', otherDisplayName: 'Other', viewerCount: 40 });
    const banner = within(screen.getByTestId('raid'));
    expect(banner.getByText(/in \d+ s/)).toBeTruthy();
    fireEvent.click(banner.getByRole('button', { name: 'Stay' }));
    await waitFor(() => expect(screen.queryByTestId('raid')).toBeNull());
  });

  it('says that the connection is lost, when it stays so', async () => {
    await enter(ann);
    vi.spyOn(Math, 'random').mockReturnValue(0.99);
    act(() => FakeSocket.last.drop());
    await waitFor(() => expect(screen.queryByTestId('chat-status') ?? FakeSocket.made[1]).toBeTruthy(), { timeout: 4000 });
  });
});

describe('many lines', () => {
  it('are in the page only as far as they are seen', async () => {
    await enter(ann);
    await say(...Array.from({ length: 600 }, (_, index) => said(index + 3)));
    const here = chat().getAllByTestId('chat-line');
    expect(here.length).toBeLessThan(80);
    expect(here.at(-1)!.textContent).toContain('line 602');
  });

  it('stand still once somebody scrolls back, and say how many came', async () => {
    await enter(ann);
    await say(...Array.from({ length: 60 }, (_, index) => said(index + 3)));
    const log = screen.getByRole('log', { name: 'Messages' });
    Object.defineProperties(log, { scrollHeight: { value: 2000, configurable: true }, clientHeight: { value: 600, configurable: true } });
    log.scrollTop = 1400;
    fireEvent.scroll(log);
    log.scrollTop = 900;
    fireEvent.scroll(log);
    await say(said(100), said(101));
    expect(screen.queryByText('line 101')).toBeNull();
    const button = screen.getByTestId('chat-new');
    expect(button.textContent).toContain('2 new');
    fireEvent.click(button);
    expect(await screen.findByText('line 101')).toBeTruthy();
    expect(screen.queryByTestId('chat-new')).toBeNull();
  });
});
