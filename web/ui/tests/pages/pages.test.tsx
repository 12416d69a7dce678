import { act, fireEvent, screen, waitFor, within } from '@testing-library/react';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { expectAccessible } from '../axe';
import { health as goodHealth, publisher, rung, transcoder } from '../dashboard/health';
import { FakeHls } from '../player/fake-hls';
import { ok, refused, serve } from '../fetch';
import { joinedAs } from '../socket/events';
import { FakeSocket } from '../socket/fake-socket';
import { channel, me, open } from './app';

vi.mock('../../src/player/hls', async () => ({ Hls: (await import('../player/fake-hls')).FakeHls }));

const anonymous = refused(401, 'UNAUTHORIZED', 'Sign in first.');
const page = { page: { cursor: null } };
const keyInfo = (change: object = {}) =>
  ok({ lastFour: 'hw5e', createdAt: '2026-11-20T10:00:00Z', publish: { rtmp: 'rtmp://tv.example/live', rtmps: null, srt: null, whip: null }, ...change });

beforeEach(() => {
  FakeHls.install();
  FakeSocket.install();
});

describe('home', () => {
  it('shows who is live, and who is not', async () => {
    serve({
      'GET me': anonymous,
      'GET channels?live=true': ok([channel({ isLive: true, viewerCount: 1284, startedAt: new Date().toISOString() })], page),
      'GET channels?live=false': ok([channel({ id: 'c2', name: 'marble', displayName: 'Marble' })], page),
    });
    open('/');
    const card = await screen.findByTestId('channel-card');
    expect(card.getAttribute('href')).toBe('/demo');
    expect(card.textContent).toContain('Test picture');
    expect(card.textContent).toContain('1.3K viewers');
    expect((await screen.findByRole('link', { name: 'Marble' })).getAttribute('href')).toBe('/marble');
  });

  it('says of a channel whose publisher is awaited that it reconnects', async () => {
    serve({ 'GET me': anonymous, 'GET channels?live=true': ok([channel({ isLive: true, isReconnecting: true })], page) });
    open('/');
    expect((await screen.findByTestId('channel-card')).textContent).toContain('Reconnecting');
    await expectAccessible();
  });

  it('tells a visitor what to do while nobody is live', async () => {
    serve({ 'GET me': anonymous, 'GET channels?live=true': ok([], page) });
    open('/');
    expect(await screen.findByText('Nobody is on air')).toBeTruthy();
    expect(await screen.findByRole('link', { name: 'Create an account' })).toBeTruthy();
  });

  it('says in words that the server fails, and tries again on request', async () => {
    let isDown = true;
    serve({ 'GET me': anonymous, 'GET channels?live=true': () => (isDown ? refused(400, 'INVALID_REQUEST', 'No.') : ok([], page)) });
    open('/');
    const button = await screen.findByRole('button', { name: 'Try again' });
    isDown = false;
    fireEvent.click(button);
    expect(await screen.findByText('Nobody is on air')).toBeTruthy();
  });
});

describe('accounts', () => {
  it('shows the server’s reasons beside the fields', async () => {
    serve({ 'GET me': anonymous, 'POST auth/register': refused(400, 'INVALID_REQUEST', 'Some fields need a change.', { fields: { username: 'This name is taken.' } }) });
    open('/signup');
    fireEvent.change(await screen.findByLabelText('Username'), { target: { value: 'Ann' } });
    fireEvent.change(screen.getByLabelText('Password'), { target: { value: 'short' } });
    fireEvent.click(screen.getByRole('button', { name: 'Create account' }));
    expect(screen.getByText('Use at least 10 characters.')).toBeTruthy();
    fireEvent.change(screen.getByLabelText('Password'), { target: { value: 'long enough now' } });
    fireEvent.click(screen.getByRole('button', { name: 'Create account' }));
    expect((await screen.findByText('This name is taken.')).getAttribute('role')).toBe('alert');
    expect(screen.getByLabelText('Username').getAttribute('aria-invalid')).toBe('true');
  });

  it('sends what was filled in and nothing else', async () => {
    const calls = serve({ 'GET me': anonymous, 'POST auth/register': refused(403, 'FORBIDDEN', 'This server takes no new accounts.') });
    open('/signup');
    fireEvent.change(await screen.findByLabelText('Username'), { target: { value: ' Ann ' } });
    fireEvent.change(screen.getByLabelText('Password'), { target: { value: ' spaces count ' } });
    fireEvent.click(screen.getByRole('button', { name: 'Create account' }));
    expect(await screen.findByText('This server takes no new accounts.')).toBeTruthy();
    expect(calls.find(({ method }) => method === 'POST')?.body).toEqual({ username: 'ann', password: ' spaces count ' });
  });

  it('signs in and goes where the visitor wanted', async () => {
    let isIn = false;
    serve({
      'GET me': () => (isIn ? ok(me({ channels: [] })) : anonymous.clone()),
      'POST auth/login': () => ((isIn = true), ok({ token: 't', userId: 'u1', expiresAt: '' })),
    });
    const { router } = open('/dashboard');
    fireEvent.change(await screen.findByLabelText('Username'), { target: { value: 'ann' } });
    fireEvent.change(screen.getByLabelText('Password'), { target: { value: 'a good password' } });
    fireEvent.click(screen.getAllByRole('button', { name: 'Sign in' })[0]!);
    expect(await screen.findByText('Create your channel')).toBeTruthy();
    expect(router.state.location.pathname).toBe('/dashboard');
    expect(localStorage.length).toBe(0);
  });

  it('never leads to another site', async () => {
    const { localPath } = await import('../../src/router');
    expect(['/dashboard', '/a?b=c'].map(localPath)).toEqual(['/dashboard', '/a?b=c']);
    expect(['//evil.example', '/\\evil.example', 'https://evil.example', 'javascript:alert(1)', '', undefined, 7].map(localPath)).toEqual(Array(7).fill(undefined));
  });

  it('signs out', async () => {
    const calls = serve({ 'GET me': ok(me()), 'POST auth/logout': ok({}), 'GET channels?live=true': ok([], page) });
    open('/');
    fireEvent.click(await screen.findByTestId('account'));
    fireEvent.click(screen.getByRole('menuitem', { name: 'Sign out' }));
    expect(await screen.findByRole('link', { name: 'Sign up' })).toBeTruthy();
    expect(calls.some(({ path }) => path === 'auth/logout')).toBe(true);
  });
});

describe('dashboard', () => {
  const routes = { 'GET me': ok(me()), 'GET channels/demo': ok(channel()), 'GET channels/c1/stream-key': keyInfo(), 'GET channels/c1/ingest': ok({ session: null, test: null, lastEnd: null }) };

  it('creates the first channel', async () => {
    let channels: { id: string; name: string }[] = [];
    const calls = serve({
      ...routes,
      'GET me': () => ok(me({ channels })),
      'POST channels': () => ((channels = [{ id: 'c1', name: 'demo' }]), ok(channel(), {}, 201)),
    });
    open('/dashboard');
    fireEvent.change(await screen.findByLabelText('Name'), { target: { value: 'Demo' } });
    fireEvent.click(screen.getByRole('button', { name: 'Create channel' }));
    expect(await screen.findByTestId('keybox')).toBeTruthy();
    expect(calls.find(({ method }) => method === 'POST')?.body).toEqual({ name: 'demo', title: '' });
  });

  it('shows the key once, after a question, hidden until asked', async () => {
    const calls = serve({ ...routes, 'POST channels/c1/stream-key': ok({ streamKey: 'live_secret_key' }) });
    open('/dashboard');
    const box = within(await screen.findByTestId('keybox'));
    expect(box.getByText('hw5e')).toBeTruthy();
    fireEvent.click(box.getByRole('button', { name: 'Rotate and show' }));
    expect(calls.every(({ method }) => method === 'GET')).toBe(true);
    fireEvent.click(within(screen.getByRole('dialog', { name: 'Make a new key?' })).getByRole('button', { name: 'Rotate and show' }));
    const field = (await screen.findByLabelText('Stream key')) as HTMLInputElement;
    expect(field.value).toMatch(/^•+$/);
    fireEvent.click(screen.getByRole('button', { name: 'Show stream key' }));
    expect(field.value).toBe('live_secret_key');
    fireEvent.click(screen.getByRole('button', { name: 'Hide stream key' }));
    expect(field.value).toMatch(/^•+$/);
  });

  it('copies the key itself, not the dots', async () => {
    const written: string[] = [];
    vi.stubGlobal('navigator', Object.assign(Object.create(navigator), { clipboard: { writeText: async (text: string) => void written.push(text) } }));
    serve({ ...routes, 'GET channels/c1/stream-key': keyInfo({ lastFour: null, createdAt: null }), 'POST channels/c1/stream-key': ok({ streamKey: 'live_secret_key' }) });
    open('/dashboard');
    fireEvent.click(await screen.findByRole('button', { name: 'Make a key' }));
    fireEvent.click(await screen.findByRole('button', { name: 'Copy stream key' }));
    await waitFor(() => expect(written).toEqual(['live_secret_key']));
    expect(await screen.findByText('Stream key copied')).toBeTruthy();
  });

  it('saves what was changed', async () => {
    const calls = serve({ ...routes, 'PATCH channels/c1': () => ok(channel({ title: 'New title', categoryId: 'retro-games' })) });
    open('/dashboard');
    fireEvent.change(await screen.findByLabelText('Title'), { target: { value: 'New title ' } });
    fireEvent.change(screen.getByLabelText('Category'), { target: { value: 'Retro Games' } });
    fireEvent.click(screen.getByRole('button', { name: 'Save' }));
    expect(await screen.findByText('Saved')).toBeTruthy();
    expect(calls.find(({ method }) => method === 'PATCH')?.body).toEqual({ title: 'New title', categoryId: 'retro-games', language: 'en', tags: ['cosy'], mature: false });
    expect((screen.getByRole('button', { name: 'Save' }) as HTMLButtonElement).disabled).toBe(true);
  });

  it('shows the health of the running stream and ends it after a question', async () => {
    const health = { ...goodHealth, video: { ...goodHealth.video!, bitrateBps: 2_500_000, width: 1280, height: 720, frameRate: 30, keyframeIntervalS: 8.3 } };
    let isEnded = false;
    const calls = serve({
      ...routes,
      'GET channels/c1/ingest': () => ok({ session: isEnded ? null : health, test: null, lastEnd: null }),
      'POST channels/c1/go-offline': () => ((isEnded = true), ok({ channelId: 'c1', isLive: false })),
    });
    open('/dashboard');
    await waitFor(() => expect(screen.getByTestId('bitrate').textContent).toBe('2.7 Mb/s'));
    expect(screen.getByText(/Keyframe interval is 8.3 s/)).toBeTruthy();
    expect(screen.getByText('1280 × 720')).toBeTruthy();
    fireEvent.click(screen.getByTestId('end-stream'));
    fireEvent.click(within(screen.getByRole('dialog', { name: 'End the stream?' })).getByRole('button', { name: 'End stream' }));
    expect(await screen.findByText('The stream has ended')).toBeTruthy();
    expect(calls.some(({ path }) => path === 'channels/c1/go-offline')).toBe(true);
    await waitFor(() => expect(screen.queryByTestId('health')).toBeNull());
  });

  it('shows who publishes, the ladder with its reasons, and the process that makes it', async () => {
    const session = {
      ...goodHealth, interruptions: 1, transcoder: transcoder({ restarts: 1 }),
      publishers: [publisher({ isOnAir: false, priority: -10, encoder: 'Lavf60', silentMs: 5200 }), publisher({ priority: 10 })],
      rungs: [rung({ droppedFrames: 3 }), rung({ name: '480p', width: 854, height: 480, state: 'refused', bitrateBps: 0, reason: 'this node has no room for another rung' })],
    };
    serve({ ...routes, 'GET channels/c1/ingest': ok({ session, test: null, lastEnd: null }) });
    open('/dashboard');
    const [first, second] = await screen.findAllByTestId('publisher');
    expect(first!.textContent).toContain('On airOBS 30.2.3 · RTMP · priority\u00a010');
    expect(second!.textContent).toMatch(/Standing by.*priority\u00a0-10.*silent for 5 s/);
    const table = screen.getByRole('table', { name: 'Ladder' });
    expect(within(table).getAllByRole('row').slice(1).map((row) => [...row.children].map((cell) => cell.textContent))).toEqual([
      ['Source 1080p 1920 × 1080', 'Passed through', '6.0 Mb/s', '0', '0 ms'],
      ['720p 1280 × 720', 'Running', '2.8 Mb/s of 3.0 Mb/s', '3', '64 ms'],
      ['480p 854 × 480', 'Not madethis node has no room for another rung', '–', '0', '–'],
    ]);
    expect(screen.getByTestId('transcoder').textContent).toBe('Made by libx264 with 1.4 cores and 210.0 MB of memory, started again once.');
    await expectAccessible();
  });

  it('says that the encoder is awaited, and for how long', async () => {
    const session = { ...goodHealth, isWaiting: true, returnsUntilMs: Date.now() + 23_500, interruptions: 1 };
    serve({ ...routes, 'GET channels/c1/ingest': ok({ session, test: null, lastEnd: null }) });
    open('/dashboard');
    expect((await screen.findByTestId('waiting')).textContent).toMatch(/^Waiting for your encoder0:2[23] left$/);
    expect(screen.getByText(/Automatically Reconnect/)).toBeTruthy();
    expect(screen.getByTestId('end-stream')).toBeTruthy();
    await expectAccessible();
  });

  it('says why the last stream ended, and what the last test found', async () => {
    const lastEnd = { endedAt: new Date(Date.now() - 200_000).toISOString(), reason: 'It was over the limit of 6000 kb/s.' };
    const test = { ...goodHealth, isTest: true, durationMs: 60_000, receivedBytes: 45_000_000 };
    serve({ ...routes, 'GET channels/c1/ingest': ok({ session: null, test, lastEnd }) });
    open('/dashboard');
    expect((await screen.findByTestId('last-end')).textContent).toBe('Your last stream ended: It was over the limit of 6000 kb/s. 3 minutes ago');
    const card = await screen.findByTestId('bandwidth-test');
    expect(card.textContent).toContain('rtmp://tv.example/live/KEY?bandwidthtest=true');
    expect(card.textContent).toContain('Last test: 6.0 Mb/s on average, 45.0 MB in 1:00');
    expect(card.textContent).toContain('All of it arrived');
    await expectAccessible();
  });

  it('says that a test runs while it does', async () => {
    const test = { ...goodHealth, isTest: true, publishers: [publisher()] };
    serve({ ...routes, 'GET channels/c1/ingest': ok({ session: null, test, lastEnd: null }) });
    open('/dashboard');
    expect(await screen.findByText('Measuring …')).toBeTruthy();
    expect(screen.queryByTestId('last-end')).toBeNull();
  });

  it('saves the ladder only when it was changed', async () => {
    const saved: string[] = [];
    const calls = serve({ ...routes, 'PATCH channels/c1': () => (saved.push('x'), ok(channel({ ladder: '720p,480p' }))) });
    open('/dashboard');
    const select = (await screen.findByLabelText('Ladder')) as HTMLSelectElement;
    expect(select.value).toBe('instance');
    fireEvent.change(select, { target: { value: 'names' } });
    fireEvent.change(screen.getByLabelText('Rungs'), { target: { value: '720p, 480P' } });
    fireEvent.click(screen.getByRole('button', { name: 'Save' }));
    await waitFor(() => expect(saved).toHaveLength(1));
    expect(calls.find(({ method }) => method === 'PATCH')?.body).toMatchObject({ ladder: '720p,480p' });
    await waitFor(() => expect((screen.getByLabelText('Rungs') as HTMLInputElement).value).toBe('720p,480p'));
  });

  it('names the reason when the server has no such rung', async () => {
    serve({ ...routes, 'PATCH channels/c1': refused(400, 'INVALID_REQUEST', 'No.', { fields: { ladder: 'There is no rung 721p.' } }) });
    open('/dashboard');
    fireEvent.change(await screen.findByLabelText('Ladder'), { target: { value: 'names' } });
    fireEvent.change(screen.getByLabelText('Rungs'), { target: { value: '721p' } });
    fireEvent.click(screen.getByRole('button', { name: 'Save' }));
    expect(await screen.findByText('There is no rung 721p.')).toBeTruthy();
    expect(screen.getByLabelText('Rungs').getAttribute('aria-invalid')).toBe('true');
  });

  it('explains the backup encoder with what to copy', async () => {
    const written: string[] = [];
    vi.stubGlobal('navigator', Object.assign(Object.create(navigator), { clipboard: { writeText: async (text: string) => void written.push(text) } }));
    serve(routes);
    open('/dashboard');
    for (const name of ['Copy behind the key of the main encoder', 'Copy behind the key of the backup', 'Copy behind the key of the one that takes over']) {
      fireEvent.click(await screen.findByRole('button', { name }));
    }
    await waitFor(() => expect(written).toEqual(['?priority=10', '?priority=-10', '?takeover=1']));
  });

  it('shows the live picture without sound', async () => {
    serve(routes);
    open('/dashboard');
    await waitFor(() => expect(FakeSocket.made).toHaveLength(1));
    act(() => {
      FakeSocket.last.open();
      FakeSocket.last.say(joinedAs({ isLive: true, sessionId: 's1' }));
    });
    expect((screen.getByTestId('video') as HTMLVideoElement).muted).toBe(true);
    await waitFor(() => expect(FakeHls.last.config).toMatchObject({ capLevelToPlayerSize: true })); // no more of the streamer's own line than the small picture needs
  });
});

describe('every page', () => {
  it('has an answer for an address that is none', async () => {
    serve({ 'GET me': anonymous });
    open('/no/such/page');
    expect(await screen.findByText('This page does not exist')).toBeTruthy();
  });

  it('shows text of users as text', async () => {
    serve({ 'GET me': anonymous, 'GET channels?live=true': ok([channel({ isLive: true, title: '<img src=x onerror=alert(1)>' })], page) });
    open('/');
    expect((await screen.findByTestId('channel-card')).textContent).toContain('<img src=x onerror=alert(1)>');
    expect(document.querySelector('img')).toBeNull();
  });
});
