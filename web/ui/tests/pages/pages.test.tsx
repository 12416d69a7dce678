import { act, fireEvent, screen, waitFor, within } from '@testing-library/react';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { expectAccessible } from '../axe';
import { FakeHls } from '../player/fake-hls';
import { ok, refused, serve } from '../fetch';
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
    const health = {
      sessionId: 's1', channelId: 'c1', protocol: 'rtmp', encoder: 'x', startedAtMs: 0, isPlayable: true, durationMs: 61_000, receivedBytes: 5e6, droppedPackets: 0, discontinuities: 0,
      isWaiting: false, returnsUntilMs: null, interruptions: 0, publishers: [], rungs: [], transcoder: null, isTest: false,
      video: { codec: 'avc1.64001f', bitrateBps: 2_500_000, width: 1280, height: 720, frameRate: 30, keyframeIntervalS: 8.3, sampleRate: null, channels: null },
      audio: { codec: 'mp4a.40.2', bitrateBps: 160_000, width: null, height: null, frameRate: null, keyframeIntervalS: null, sampleRate: 48_000, channels: 2 },
    };
    let isEnded = false;
    const calls = serve({
      ...routes,
      'GET channels/c1/ingest': () => ok({ session: isEnded ? null : health, test: null, lastEnd: null }),
      'POST channels/c1/go-offline': () => ((isEnded = true), ok({ channelId: 'c1', isLive: false })),
    });
    open('/dashboard');
    expect((await screen.findByTestId('bitrate')).textContent).toBe('2.7 Mb/s');
    expect(screen.getByText(/keyframe interval to 2 s in OBS/)).toBeTruthy();
    expect(screen.getByText('1280 × 720')).toBeTruthy();
    fireEvent.click(screen.getByTestId('end-stream'));
    fireEvent.click(within(screen.getByRole('dialog', { name: 'End the stream?' })).getByRole('button', { name: 'End stream' }));
    expect(await screen.findByText('The stream has ended')).toBeTruthy();
    expect(calls.some(({ path }) => path === 'channels/c1/go-offline')).toBe(true);
    await waitFor(() => expect(screen.queryByTestId('health')).toBeNull());
  });

  it('shows the live picture without sound', async () => {
    serve(routes);
    open('/dashboard');
    await waitFor(() => expect(FakeSocket.made).toHaveLength(1));
    act(() => {
      FakeSocket.last.open();
      FakeSocket.last.say({ type: 'joined', channelId: 'c1', isLive: true, sessionId: 's1', startedAt: null, viewerCount: 0, isReconnecting: false });
    });
    expect((screen.getByTestId('video') as HTMLVideoElement).muted).toBe(true);
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
