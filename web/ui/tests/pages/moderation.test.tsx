import { fireEvent, screen, waitFor, within } from '@testing-library/react';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Act, Ban, BanShare, ChatSettings, HeldMessage, Report, RoleHolder, UserCard } from '../../src/api/types';
import { expectAccessible } from '../axe';
import { ok, refused, serve, type Call } from '../fetch';
import { said } from '../replay/line';
import { FakeSocket } from '../socket/fake-socket';
import { channel, me, open } from './app';

const end = { page: { cursor: null } };
const settings = (change: Partial<ChatSettings> = {}): ChatSettings => ({
  slowMode: 0, subscriberOnly: false, followerOnly: false, followerMinutes: 0, emoteOnly: false, uniqueChat: false, accountAgeMinutes: 0,
  linksAllowed: true, holdLinks: false, holdFirst: false, blockedTerms: [], heldTerms: [], ...change,
});
const held = (id: string, change: Partial<HeldMessage> = {}): HeldMessage => ({
  id, userId: `u-${id}`, username: id, displayName: `Name ${id}`, content: `Look at ${id}.example`, reason: 'has a link', createdAt: new Date().toISOString(), ...change,
});
const report = (change: Partial<Report> = {}): Report => ({
  id: 'r1', reporterName: 'Cy', userId: 'u2', username: 'bo', displayName: 'Bo', message: said('Go away', { id: 'm1' }), reason: 'Insults', createdAt: new Date().toISOString(),
  outcome: null, decidedBy: '', ...change,
});
const card = (change: Partial<UserCard> = {}): UserCard => ({
  userId: 'u2', username: 'bo', displayName: 'Bo', color: '#4F8CFF', role: 'viewer', badges: [], isBot: false, createdAt: '2026-01-01T00:00:00Z', followedAt: null, subscribedMonths: 0,
  history: { messageCount: 2, firstMessageAt: null, ban: null, banCount: 0, timeoutCount: 1, messages: [{ message: said('Taken away'), isDeleted: true }], acts: [] }, ...change,
});
const ban = (change: Partial<Ban> = {}): Ban => ({ userId: 'u2', username: 'bo', displayName: 'Bo', until: null, reason: 'Spam', moderator: 'ann', sourceChannelId: null, createdAt: new Date().toISOString(), ...change });
const share = (change: Partial<BanShare> = {}): BanShare => ({ fromChannelId: 'c1', fromName: 'demo', toChannelId: 'c2', toName: 'other', isAccepted: false, offeredAt: new Date().toISOString(), ...change });
const holder = (change: Partial<RoleHolder> = {}): RoleHolder => ({ userId: 'u3', username: 'mo', displayName: 'Mo', role: 'moderator', grantedAt: '2026-10-01T00:00:00Z', ...change });
const act = (change: Partial<Act> = {}): Act => ({ id: 'a1', action: 'timeout', moderator: 'ann', targetId: 'u2', targetName: 'bo', messageId: null, details: { durationS: '600', reason: 'spam' }, createdAt: new Date().toISOString(), ...change });

const routes = {
  'GET me': ok(me()), 'GET channels/c1/chat/held': ok([], end), 'GET channels/c1/chat/reports': ok([], end), 'GET channels/c1/chat/settings': ok(settings()),
  'GET channels/c1/chat/users/bo': ok(card()), 'GET channels/c1/chat/users/u2': ok(card()),
};
const changes = (calls: Call[]) => calls.filter(({ method }) => method !== 'GET').map(({ method, path, body }) => [method, path.replace('channels/c1/', ''), body]);

beforeEach(() => FakeSocket.install());

describe('what waits', () => {
  const waiting = (...names: string[]) => {
    let queue = names.map((name) => held(name));
    const drop = (name: string) => () => ((queue = queue.filter(({ id }) => id !== name)), ok({}));
    return serve({
      ...routes, 'GET channels/c1/chat/held': () => ok(queue, end),
      ...Object.fromEntries(names.flatMap((name) => [[`POST channels/c1/chat/held/${name}/approve`, drop(name)], [`POST channels/c1/chat/held/${name}/deny`, drop(name)]])),
      'POST channels/c1/chat/bans': ok(ban()), 'POST channels/c1/chat/timeouts': ok(ban()),
    });
  };

  it('is approved and denied, and leaves the list at once', async () => {
    const calls = waiting('a', 'b');
    open('/dashboard/chat');
    expect(await screen.findAllByTestId('held')).toHaveLength(2);
    expect(screen.getByLabelText('2 waiting')).toBeTruthy();
    expect(screen.getAllByTestId('held')[0]!.textContent).toContain('Has a link');
    await expectAccessible();
    fireEvent.click(screen.getByRole('button', { name: 'Approve: Name a' }));
    await waitFor(() => expect(screen.getAllByTestId('held')).toHaveLength(1));
    fireEvent.click(screen.getByRole('button', { name: 'Deny: Name b' }));
    expect(await screen.findByText(/Nothing waits/)).toBeTruthy();
    await waitFor(() => expect(changes(calls)).toEqual([['POST', 'chat/held/a/approve', null], ['POST', 'chat/held/b/deny', null]]));
  });

  it('is worked through with the keys, row by row', async () => {
    const calls = waiting('a', 'b', 'c');
    open('/dashboard/chat');
    await screen.findAllByTestId('held');
    const key = (name: string) => fireEvent.keyDown(document.activeElement ?? document.body, { key: name });
    key('a'); // nothing is chosen yet
    key('j');
    expect(document.activeElement?.textContent).toBe('Approve');
    key('j');
    key('d');
    await waitFor(() => expect(document.activeElement?.getAttribute('aria-label')).toBe('Approve: Name c'));
    key('k');
    key('b');
    await waitFor(() => expect(screen.getAllByTestId('held')).toHaveLength(1));
    await waitFor(() => expect(changes(calls)).toEqual([['POST', 'chat/held/b/deny', null], ['POST', 'chat/bans', { userId: 'u-a', reason: '' }], ['POST', 'chat/held/a/deny', null]]));
  });

  it('comes back when the server refuses', async () => {
    serve({ ...routes, 'GET channels/c1/chat/held': ok([held('a')], end), 'POST channels/c1/chat/held/a/approve': refused(503, 'UNAVAILABLE', 'The chat is away.') });
    open('/dashboard/chat');
    fireEvent.click(await screen.findByRole('button', { name: 'Approve: Name a' }));
    expect(await screen.findByText('The chat is away.')).toBeTruthy();
    expect(await screen.findByTestId('held')).toBeTruthy();
  });

  it('is heard of over the socket', async () => {
    let queue: HeldMessage[] = [];
    serve({ ...routes, 'GET channels/c1/chat/held': () => ok(queue, end) });
    open('/dashboard/chat');
    await screen.findByText(/Nothing waits/);
    await waitFor(() => expect(FakeSocket.made.length).toBeGreaterThan(0));
    queue = [held('a')];
    FakeSocket.last.open();
    FakeSocket.last.say({ type: 'message_held', channelId: 'c1', heldId: 'a', userId: 'u-a', username: 'a', displayName: 'Name a', content: 'x', reason: 'has a link', timestamp: 1 });
    expect(await screen.findByTestId('held')).toBeTruthy();
  });

  it('has reports with what was said, open ones first, and they are settled by what is done', async () => {
    let reports = [report({ id: 'r0', outcome: 'dismissed', decidedBy: 'ann' }), report()];
    const calls = serve({
      ...routes, 'GET channels/c1/chat/reports': () => ok(reports, end), 'DELETE channels/c1/chat/messages/m1': ok({}),
      'POST channels/c1/chat/reports/r1/decide': () => ((reports = reports.map((one) => ({ ...one, outcome: 'acted' as const }))), ok({})),
    });
    open('/dashboard/chat');
    const rows = await screen.findAllByTestId('report');
    expect(rows.map((row) => row.dataset.outcome)).toEqual(['open', 'dismissed']);
    expect(rows[0]!.textContent).toContain('reported by Cy');
    expect(within(rows[0]!).getByTestId('chat-line').textContent).toContain('Go away');
    await expectAccessible();
    fireEvent.click(within(rows[0]!).getByRole('button', { name: 'Delete message' }));
    await waitFor(() => expect(screen.getAllByTestId('report').map((row) => row.dataset.outcome)).toEqual(['acted', 'acted']));
    expect(changes(calls)).toEqual([['DELETE', 'chat/messages/m1', null], ['POST', 'chat/reports/r1/decide', { outcome: 'acted' }]]);
  });
});

describe('rules', () => {
  it('say in plain words what holds, also what only a command sets', async () => {
    serve({ ...routes, 'GET channels/c1/chat/settings': ok(settings({ slowMode: 7, followerOnly: true, followerMinutes: 1440, linksAllowed: false, holdLinks: true, holdFirst: true })) });
    open('/dashboard/chat?show=rules');
    const value = async (name: string) => (await screen.findByLabelText<HTMLSelectElement>(name)).selectedOptions[0]!.textContent;
    expect(await value('Slow mode')).toBe('7 seconds');
    expect(await value('Followers only')).toBe('For 1 day');
    expect(await value('Links')).toBe('Held for a look');
    expect(screen.getByRole<HTMLInputElement>('switch', { name: 'Hold first messages' }).checked).toBe(true);
    await expectAccessible();
  });

  it('change at once, only what was touched', async () => {
    let now = settings();
    const calls = serve({ ...routes, 'GET channels/c1/chat/settings': () => ok(now), 'PATCH channels/c1/chat/settings': () => ok(now) });
    open('/dashboard/chat?show=rules');
    const change = (name: string, value: number | string, next: Partial<ChatSettings>) => {
      now = { ...now, ...next };
      fireEvent.change(screen.getByLabelText(name), { target: { value: String(value) } });
    };
    await screen.findByLabelText('Slow mode');
    change('Slow mode', 30, { slowMode: 30 });
    change('Followers only', 10, { followerOnly: true, followerMinutes: 10 });
    change('Followers only', -1, { followerOnly: false });
    change('Links', 'none', { linksAllowed: false });
    now = { ...now, emoteOnly: true };
    fireEvent.click(screen.getByRole('switch', { name: 'Emotes only' }));
    await waitFor(() => expect(changes(calls).map(([, , body]) => body)).toEqual([
      { slowMode: 30 }, { followerOnly: true, followerMinutes: 10 }, { followerOnly: false }, { linksAllowed: false, holdLinks: false }, { emoteOnly: true },
    ]));
  });

  it('go back to what they were where the server refuses', async () => {
    serve({ ...routes, 'PATCH channels/c1/chat/settings': refused(403, 'FORBIDDEN', 'You do not moderate this channel.') });
    open('/dashboard/chat?show=rules');
    const slow = await screen.findByLabelText<HTMLSelectElement>('Slow mode');
    fireEvent.change(slow, { target: { value: '30' } });
    expect(await screen.findByText('You do not moderate this channel.')).toBeTruthy();
    expect(slow.value).toBe('0');
  });

  it('have lists of terms, out of sight until asked for', async () => {
    let now = settings({ blockedTerms: ['rude', 'spoil*'] });
    const calls = serve({ ...routes, 'GET channels/c1/chat/settings': () => ok(now), 'PATCH channels/c1/chat/settings': () => ok(now) });
    open('/dashboard/chat?show=rules');
    const panel = within(await screen.findByTestId('blockedTerms'));
    expect(panel.queryByText('rude')).toBeNull();
    fireEvent.click(panel.getByRole('button', { name: 'Show all 2' }));
    now = settings({ blockedTerms: ['spoil*'] });
    fireEvent.click(panel.getByRole('button', { name: 'Remove rude' }));
    await waitFor(() => expect(panel.queryByText('rude')).toBeNull());
    const input = panel.getByLabelText('Word or phrase');
    now = settings({ blockedTerms: ['spoil*', 'one', 'two words'] });
    fireEvent.paste(input, { clipboardData: { getData: () => 'one\ntwo  words\n' } });
    expect(await panel.findByText('two words')).toBeTruthy();
    fireEvent.change(input, { target: { value: '**' } });
    fireEvent.click(panel.getByRole('button', { name: 'Add' }));
    expect(panel.getByRole('alert').textContent).toContain('every message');
    await expectAccessible();
    expect(changes(calls).map(([, , body]) => body)).toEqual([{ blockedTerms: ['spoil*'] }, { blockedTerms: ['spoil*', 'one', 'two words'] }]);
  });
});

describe('people', () => {
  const people = { ...routes, 'GET channels/c1/chat/bans': ok([ban(), ban({ userId: 'u4', username: 'di', displayName: 'Di', until: new Date(Date.now() + 9_000_500).toISOString(), moderator: '', sourceChannelId: 'c2' })], end), 'GET channels/c1/chat/roles': ok([holder(), holder({ userId: 'u5', username: 'vi', displayName: 'Vi', role: 'vip' })], end) };

  it('who may not chat may again', async () => {
    const calls = serve({ ...people, 'DELETE channels/c1/chat/bans/u2': ok({}), 'DELETE channels/c1/chat/timeouts/u4': ok({}) });
    open('/dashboard/chat?show=people');
    const rows = await screen.findAllByTestId('ban');
    expect(rows[0]!.textContent).toBe('BBoBannedSpamby ann, just nowUnban');
    expect(rows[1]!.textContent).toMatch(/^DDi2 hours (30|29|28|27) minutes leftSpamfrom a shared list, just nowEnd$/);
    await expectAccessible();
    fireEvent.click(screen.getByRole('button', { name: 'Unban Bo' }));
    expect(await screen.findByText('Bo may chat again')).toBeTruthy();
    fireEvent.click(screen.getByRole('button', { name: 'End the timeout of Di' }));
    await waitFor(() => expect(changes(calls).map(([, path]) => path)).toEqual(['chat/bans/u2', 'chat/timeouts/u4']));
  });

  it('are banned and timed out by name', async () => {
    const calls = serve({ ...people, 'POST channels/c1/chat/timeouts': ok(ban()), 'POST channels/c1/chat/bans': refused(403, 'FORBIDDEN', 'bo moderates this channel too.') });
    open('/dashboard/chat?show=people');
    fireEvent.click(await screen.findByRole('button', { name: 'Ban or time out by name' }));
    const panel = within(screen.getByTestId('bans-panel'));
    const submit = (name: string, seconds: string, reason = '') => {
      fireEvent.change(panel.getByLabelText('Name'), { target: { value: name } });
      fireEvent.change(panel.getByLabelText('For'), { target: { value: seconds } });
      fireEvent.change(panel.getByLabelText(/^Reason/), { target: { value: reason } });
      fireEvent.click(panel.getByRole('button', { name: 'Do it' }));
    };
    submit('nobody', '600');
    expect((await panel.findByText('Nobody here is called nobody.')).getAttribute('role')).toBe('alert');
    submit('bo', '0');
    expect(await panel.findByText('bo moderates this channel too.')).toBeTruthy();
    await expectAccessible();
    submit(' @Bo', '3600', 'spam');
    expect(await screen.findByText('Bo is timed out')).toBeTruthy();
    expect(changes(calls).at(-1)).toEqual(['POST', 'chat/timeouts', { userId: 'u2', durationS: 3600, reason: 'spam' }]);
  });

  it('are made moderators and VIPs by the owner', async () => {
    const calls = serve({ ...people, 'PUT channels/c1/vips/u2': ok({}), 'DELETE channels/c1/moderators/u3': ok({}) });
    open('/dashboard/chat?show=people');
    const panel = within(await screen.findByTestId('roles-panel'));
    fireEvent.change(await panel.findByLabelText('Name'), { target: { value: 'bo' } });
    fireEvent.change(panel.getByLabelText('As'), { target: { value: 'vip' } });
    fireEvent.click(panel.getByRole('button', { name: 'Add' }));
    expect(await screen.findByText('Bo is a VIP now')).toBeTruthy();
    fireEvent.click(panel.getByRole('button', { name: 'Remove Mo' }));
    expect(await screen.findByText('Mo is no moderator any more')).toBeTruthy();
    expect(changes(calls)).toEqual([['PUT', 'vips/u2', null], ['DELETE', 'moderators/u3', null]]);
  });

  it('are shown with their history, also what was deleted', async () => {
    const calls = serve({ ...people, 'POST channels/c1/chat/bans': ok(ban()) });
    open('/dashboard/chat?show=people');
    fireEvent.click(await screen.findByRole('button', { name: 'Bo' }));
    const dialog = within(await screen.findByRole('dialog', { name: 'Bo' }));
    expect((await dialog.findByTestId('chat-line')).textContent).toContain('Taken away');
    expect(dialog.getByText('2 messages, timed out once, banned never')).toBeTruthy();
    await expectAccessible();
    fireEvent.click(dialog.getByRole('button', { name: 'Ban' }));
    expect(await screen.findByText('Bo is banned')).toBeTruthy();
    expect(changes(calls)).toEqual([['POST', 'chat/bans', { userId: 'u2', reason: '' }]]);
  });
});

it('the log says who did what, also about one person alone', async () => {
  const calls = serve({ ...routes, 'GET channels/c1/chat/acts': ok([act(), act({ id: 'a2', action: 'clear', targetId: null, targetName: '', details: {} })], { page: { cursor: 'n' } }), 'GET channels/c1/chat/acts?cursor=n': ok([act({ id: 'a3', action: 'ban' })], end), 'GET channels/c1/chat/acts?userId=u2': ok([act()], end) });
  open('/dashboard/chat?show=log');
  const acts = await screen.findAllByTestId('act');
  expect(acts.map(({ textContent }) => textContent)).toEqual(['ann timed out bo for 10 minutesjust nowspam', 'ann cleared the chat just now']);
  await expectAccessible();
  fireEvent.click(screen.getByRole('button', { name: 'Show more' }));
  await waitFor(() => expect(screen.getAllByTestId('act')).toHaveLength(3));
  fireEvent.change(screen.getByLabelText('About somebody'), { target: { value: 'bo' } });
  fireEvent.click(screen.getByRole('button', { name: 'Show' }));
  await waitFor(() => expect(screen.getAllByTestId('act')).toHaveLength(1));
  fireEvent.click(screen.getByRole('button', { name: 'Show everything' }));
  await waitFor(() => expect(screen.getAllByTestId('act')).toHaveLength(3));
  expect(calls.some(({ path }) => path === 'channels/c1/chat/acts?userId=u2')).toBe(true);
});

it('lists of bans are offered, accepted and withdrawn', async () => {
  const calls = serve({
    ...routes, 'GET channels/c1/chat/ban-shares': ok([share(), share({ fromChannelId: 'c3', fromName: 'third', toChannelId: 'c1', toName: 'demo' })], end),
    'GET channels/demo': ok(channel()), 'GET channels/fourth': ok(channel({ id: 'c4', name: 'fourth', displayName: 'Fourth' })),
    'PUT channels/c1/chat/ban-shares/c4': ok(share()), 'POST channels/c1/chat/ban-shares/c3/accept': ok(share()), 'DELETE channels/c1/chat/ban-shares/c2': ok({}),
  });
  open('/dashboard/chat?show=shared');
  const offer = (name: string) => {
    fireEvent.change(screen.getByLabelText('Offer my bans to a channel'), { target: { value: name } });
    fireEvent.click(screen.getByRole('button', { name: 'Offer' }));
  };
  await screen.findAllByTestId('share');
  await expectAccessible();
  offer('nowhere');
  expect(await screen.findByText('There is no channel nowhere.')).toBeTruthy();
  offer('demo');
  expect(await screen.findByText('This is the channel itself.')).toBeTruthy();
  offer('fourth');
  expect(await screen.findByText('Fourth can accept your list now')).toBeTruthy();
  fireEvent.click(screen.getByRole('button', { name: 'Accept from third' }));
  expect(await screen.findByText('The bans of third hold here now')).toBeTruthy();
  fireEvent.click(screen.getByRole('button', { name: 'Withdraw from other' }));
  await waitFor(() => expect(changes(calls).map(([method, path]) => `${method} ${path}`)).toEqual(['PUT chat/ban-shares/c4', 'POST chat/ban-shares/c3/accept', 'DELETE chat/ban-shares/c2']));
});

describe('the chat of another channel', () => {
  const other = { ...routes, 'GET channels/other': ok(channel({ id: 'c1', name: 'other', displayName: 'Other' })) };

  it('is open to its moderators, who name nobody', async () => {
    serve({ ...other, 'GET me': ok(me({ channels: [] })), 'GET channels/c1/chat/bans': ok([], end), 'GET channels/c1/chat/roles': ok([holder()], end) });
    open('/dashboard/chat?channel=other&show=people');
    expect(await screen.findByRole('heading', { name: 'Chat of Other' })).toBeTruthy();
    expect(await screen.findByTestId('moderator')).toBeTruthy();
    expect(screen.queryByRole('button', { name: 'Remove Mo' })).toBeNull();
    expect(screen.queryByRole('link', { name: 'Shared bans' })).toBeNull();
    await expectAccessible();
  });

  it('is closed to everybody else', async () => {
    const calls = serve({ ...other, 'GET channels/c1/chat/settings': ok(settings({ blockedTerms: null, heldTerms: null })) });
    open('/dashboard/chat?channel=other');
    expect(await screen.findByTestId('no-moderator')).toBeTruthy();
    expect(screen.queryByTestId('dashboard-chat')).toBeNull();
    expect(calls.map(({ path }) => path)).toEqual(['me', 'channels/other', 'channels/c1/chat/settings']); // what it would be refused is not asked for
  });
});
