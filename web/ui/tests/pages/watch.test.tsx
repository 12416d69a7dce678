import { act, fireEvent, screen, waitFor, within } from '@testing-library/react';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { expectAccessible } from '../axe';
import { FakeHls, LADDER } from '../player/fake-hls';
import { useQuality } from '../../src/player/quality';
import { ok, serve } from '../fetch';
import { joinedAs } from '../socket/events';
import { FakeSocket } from '../socket/fake-socket';
import { channel, open } from './app';

vi.mock('../../src/player/hls', async () => ({ Hls: (await import('../player/fake-hls')).FakeHls }));

beforeEach(() => {
  FakeHls.install();
  FakeSocket.install();
});

async function joined(isLive: boolean, sessionId: string | null = null, isReconnecting = false) {
  await waitFor(() => expect(FakeSocket.made).toHaveLength(1));
  act(() => {
    FakeSocket.last.open();
    FakeSocket.last.say(joinedAs({ isLive, sessionId, startedAt: isLive ? new Date().toISOString() : null, viewerCount: 4, isReconnecting }));
  });
}
const missing = () => act(() => FakeHls.last.fail('manifestLoadError', { response: { code: 404 } }));

describe('watch page', () => {
  it('asks for the playlist at once, by the channel’s name, before any other answer', async () => {
    vi.stubGlobal('fetch', () => new Promise(() => undefined));
    open('/demo');
    await waitFor(() => expect(FakeHls.last.source).toBe('/hls/demo/playlist.m3u8'));
    expect(FakeSocket.made).toHaveLength(0);
  });

  it('is off air, turns into the player by itself, and goes off air once the end has played', async () => {
    serve({ 'GET channels/demo': ok(channel()) });
    open('/demo');
    await waitFor(() => expect(FakeHls.made).toHaveLength(1));
    missing();
    expect(await screen.findByText('Demo is not live right now')).toBeTruthy();
    await joined(false);
    expect(screen.queryByRole('region', { name: 'Player' })).toBeNull();

    act(() => FakeSocket.last.say({ type: 'stream_online', channelId: 'c1', sessionId: 's1', timestamp: Date.now() }));
    expect(screen.getByRole('region', { name: 'Player' })).toBeTruthy();
    await waitFor(() => expect(FakeHls.made).toHaveLength(2));
    act(() => FakeSocket.last.say({ type: 'viewer_count', channelId: 'c1', count: 1234, chatters: 5 }));
    await waitFor(() => expect(screen.getByTestId('viewers').textContent).toContain('1.2K viewers'));
    expect((await screen.findByTestId('chatters')).textContent).toBe(' 5 chatting');
    expect(document.title).toBe('Demo: Test picture · Tallylight');

    act(() => FakeSocket.last.say({ type: 'stream_offline', channelId: 'c1', sessionId: 's1', timestamp: Date.now() }));
    expect(screen.getByTestId('stage').dataset.phase).toBe('ending');
    fireEvent(screen.getByTestId('video'), new Event('ended'));
    expect(await screen.findByTestId('offline')).toBeTruthy();
    expect(FakeHls.last.isDestroyed).toBe(true);
  });

  it('goes off air when what is left of the stream stalls, and not while it plays', async () => {
    serve({ 'GET channels/demo': ok(channel({ isLive: true })) });
    open('/demo');
    await joined(true, 's1');
    const video = screen.getByTestId('video') as HTMLVideoElement;
    fireEvent(video, new Event('playing'));
    act(() => FakeSocket.last.say({ type: 'stream_offline', channelId: 'c1', sessionId: 's1', timestamp: Date.now() }));
    await new Promise((resolve) => setTimeout(resolve, 1400));
    expect(screen.queryByTestId('offline')).toBeNull();
    video.currentTime = 30;
    fireEvent(video, new Event('waiting'));
    expect(await screen.findByTestId('offline', {}, { timeout: 3000 })).toBeTruthy();
  });

  it('loads a new session afresh and the same one not', async () => {
    serve({ 'GET channels/demo': ok(channel({ isLive: true })) });
    open('/demo');
    await waitFor(() => expect(FakeHls.made).toHaveLength(1));
    act(() => FakeHls.last.emit('parsed'));
    await joined(true, 's1');
    expect(FakeHls.made).toHaveLength(1);
    act(() => FakeSocket.last.say({ type: 'stream_online', channelId: 'c1', sessionId: 's2', timestamp: Date.now() }));
    await waitFor(() => expect(FakeHls.made).toHaveLength(2));
    expect(FakeHls.made[0]!.isDestroyed).toBe(true);
  });

  it('asks again when the owner changed the title', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0);
    let title = 'Before';
    serve({ 'GET channels/demo': () => ok(channel({ title })) });
    open('/demo');
    await joined(true, 's1');
    expect(screen.getByRole('heading', { level: 1 }).textContent).toBe('Before');
    title = 'After';
    act(() => FakeSocket.last.say({ type: 'channel_updated', channelId: 'c1' }));
    expect(await screen.findByText('After')).toBeTruthy();
  });

  it('says when there is no such channel, and asks nothing about a name that cannot be one', async () => {
    const calls = serve({});
    const first = open('/nobody');
    expect(await screen.findByText('No such channel')).toBeTruthy();
    first.unmount();
    calls.length = 0;
    FakeHls.install();
    open('/no%20such%20name');
    expect(await screen.findByText('No such channel')).toBeTruthy();
    expect(calls.map(({ path }) => path)).toEqual(['me']);
    expect(FakeHls.made).toHaveLength(0);
  });

  it('takes everything down when the page is left', async () => {
    serve({ 'GET channels/demo': ok(channel({ isLive: true })), 'GET channels?live=true': ok([], { page: { cursor: null } }) });
    const { router } = open('/demo');
    await joined(true, 's1');
    await act(() => router.navigate({ to: '/' }));
    await screen.findByText('Nobody is on air');
    expect(FakeHls.last.isDestroyed).toBe(true);
    expect(FakeSocket.last.closedWith).toBe(1000);
    expect(FakeSocket.made).toHaveLength(1);
  });

  it('shows what failed in words, with a button', async () => {
    serve({ 'GET channels/demo': ok(channel({ isLive: true })) });
    open('/demo');
    await joined(true, 's1');
    act(() => FakeHls.last.fail('levelLoadError'));
    expect(screen.getByTestId('player-error').textContent).toContain('The picture does not get through');
    expect(screen.getByTestId('player').dataset.state).toBe('retrying');
    fireEvent.click(screen.getByRole('button', { name: 'Retry now' }));
    await waitFor(() => expect(FakeHls.made).toHaveLength(2));
  });

  it('plays with figures that a test can read, and offers to go to live when late', async () => {
    serve({ 'GET channels/demo': ok(channel({ isLive: true })) });
    open('/demo');
    await joined(true, 's1');
    FakeHls.last.playingDate = new Date(Date.now() - 9000);
    fireEvent(screen.getByTestId('video'), new Event('playing'));
    const button = await screen.findByRole('button', { name: 'Go to live' });
    const player = screen.getByTestId('player');
    expect(player.dataset.state).toBe('playing');
    expect(Number(player.dataset.latency)).toBeGreaterThan(8.9);
    expect(Number(player.dataset.firstFrame)).toBeGreaterThanOrEqual(0);
    fireEvent.click(button);
    expect((screen.getByTestId('video') as HTMLVideoElement).currentTime).toBe(50);
  });

  it('changes the volume by key and keeps it while muted', async () => {
    serve({ 'GET channels/demo': ok(channel({ isLive: true })) });
    open('/demo');
    await joined(true, 's1');
    const video = screen.getByTestId('video') as HTMLVideoElement;
    const press = (key: string) => fireEvent.keyDown(document.body, { key });
    press('ArrowDown');
    press('ArrowDown');
    expect(video.volume).toBe(0.8);
    press('m');
    press('ArrowDown');
    expect(video.muted).toBe(true);
    press('m');
    expect([video.muted, video.volume]).toEqual([false, 0.8]);
    expect(JSON.parse(localStorage.getItem('tally.sound')!)).toEqual({ volume: 0.8, muted: false });
  });

  it('opens the list of keys and the figures by key', async () => {
    serve({ 'GET channels/demo': ok(channel({ isLive: true })) });
    open('/demo');
    await joined(true, 's1');
    fireEvent.keyDown(document.body, { key: '?' });
    expect(screen.getByRole('region', { name: 'Keyboard shortcuts' }).textContent).toContain('Play or pause');
    fireEvent.keyDown(document.body, { key: 's' });
    await waitFor(() => expect(screen.getByRole('region', { name: 'Statistics' }).textContent).toContain('Latency'));
    expect(screen.queryByRole('region', { name: 'Keyboard shortcuts' })).toBeNull();
  });

  it('stays with the same player while the publisher is away and comes back', async () => {
    serve({ 'GET channels/demo': ok(channel({ isLive: true })) });
    open('/demo');
    await joined(true, 's1');
    fireEvent(screen.getByTestId('video'), new Event('playing'));
    expect(screen.queryByTestId('reconnecting')).toBeNull();
    act(() => FakeSocket.last.say({ type: 'stream_interrupted', channelId: 'c1', sessionId: 's1', returnsUntil: Date.now() + 30_000, timestamp: Date.now() }));
    const chip = await screen.findByTestId('reconnecting');
    expect(chip.textContent).toBe('Reconnecting… the streamer will be right back');
    expect(chip.getAttribute('role')).toBe('status');
    await expectAccessible();

    act(() => FakeHls.last.fail('levelLoadError'));
    expect(screen.queryByTestId('player-error')).toBeNull();
    expect(screen.queryByRole('progressbar')).toBeNull();

    act(() => FakeSocket.last.say({ type: 'stream_resumed', channelId: 'c1', sessionId: 's1', timestamp: Date.now() }));
    await waitFor(() => expect(screen.queryByTestId('reconnecting')).toBeNull());
    expect(FakeHls.made).toHaveLength(1);
    expect(FakeHls.last.isDestroyed).toBe(false);
  });

  it('says on arrival that the publisher is away, and no longer once the stream is over', async () => {
    serve({ 'GET channels/demo': ok(channel({ isLive: true, isReconnecting: true })) });
    open('/demo');
    act(() => undefined);
    await waitFor(() => expect(FakeHls.made).toHaveLength(1));
    act(() => FakeHls.last.emit('parsed'));
    expect(await screen.findByTestId('reconnecting')).toBeTruthy();
    await joined(true, 's1', true);
    expect(screen.getByTestId('reconnecting')).toBeTruthy();
    act(() => FakeSocket.last.say({ type: 'stream_offline', channelId: 'c1', sessionId: 's1', timestamp: Date.now() }));
    await waitFor(() => expect(screen.queryByTestId('reconnecting')).toBeNull());
    expect(FakeHls.made).toHaveLength(1);
  });

  it('chooses the quality by keyboard and remembers it', async () => {
    serve({ 'GET channels/demo': ok(channel({ isLive: true })) });
    open('/demo');
    await joined(true, 's1');
    expect(screen.queryByTestId('quality')).toBeNull();
    FakeHls.last.levels = LADDER;
    act(() => FakeHls.last.emit('parsed'));
    fireEvent.keyDown(document.body, { key: 'q' });
    const menu = screen.getByRole('menu', { name: 'Quality' });
    expect(within(menu).getAllByRole('menuitemradio').map((item) => item.textContent)).toEqual(['Auto', '1080p60 (source)6.0 Mb/s', '720p2.4 Mb/s', '480p1.1 Mb/s']);
    expect(document.activeElement?.textContent).toBe('Auto');
    await expectAccessible();

    fireEvent.keyDown(document.activeElement!, { key: 'ArrowDown' });
    fireEvent.keyDown(document.activeElement!, { key: 'ArrowDown' });
    fireEvent.click(document.activeElement!);
    expect(FakeHls.last.sets).toEqual([['loadLevel', 1]]);
    expect(localStorage.getItem('tally.quality')).toBe('"720p"');
    expect(screen.queryByRole('menu')).toBeNull();
    expect(document.activeElement).toBe(screen.getByRole('button', { name: 'Quality (q): 720p' }));

    fireEvent.click(document.activeElement!);
    fireEvent.keyDown(document.activeElement!, { key: 'Escape' });
    expect(screen.queryByRole('menu')).toBeNull();
    expect(FakeHls.made).toHaveLength(1);
    act(() => useQuality.getState().choose('auto'));
  });
});
