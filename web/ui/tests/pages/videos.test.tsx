import { act, fireEvent, screen, waitFor, within } from '@testing-library/react';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { expectAccessible } from '../axe';
import { FakeHls } from '../player/fake-hls';
import { ok, refused, serve } from '../fetch';
import { joinedAs } from '../socket/events';
import { FakeSocket } from '../socket/fake-socket';
import { channel, clip, me, open, playback, vod } from './app';

vi.mock('../../src/player/hls', async () => ({ Hls: (await import('../player/fake-hls')).FakeHls }));

const anonymous = refused(401, 'UNAUTHORIZED', 'Sign in first.');
const page = { page: { cursor: null } };
const stranger = ok(me({ channels: [], user: { ...me().user, id: 'u9' } }));

/** Ten minutes that hls.js has read the list of, begun at 1,000,000 ms. */
async function plays(atS = 0) {
  await waitFor(() => expect(FakeHls.made.length).toBeGreaterThan(0));
  const fragments = Array.from({ length: 300 }, (_, index) => ({ start: 2 * index, duration: 2, programDateTime: 1_000_000 + 2000 * index }));
  const video = screen.getAllByTestId('video')[0] as HTMLVideoElement;
  Object.defineProperty(video, 'seekable', { value: { length: 1, start: () => 0, end: () => 600 }, configurable: true });
  act(() => {
    FakeHls.last.latestLevelDetails = { live: false, partTarget: 0, targetduration: 2, fragments, fragmentStart: 0, edge: 600 };
    FakeHls.last.emit('parsed');
    video.currentTime = atS;
    fireEvent(video, new Event('playing'));
  });
  await screen.findByRole('slider', { name: 'Seek' });
  return video;
}

beforeEach(() => {
  FakeHls.install();
  FakeSocket.install();
});

describe('videos of a channel', () => {
  it('lists recordings and clips, page by page', async () => {
    serve({
      'GET me': anonymous, 'GET channels/demo': ok(channel()),
      'GET vods?channel=demo': ok([vod(), vod({ id: 'v2', title: '', state: 'recording', visibility: 'private' })], { page: { cursor: 'next' } }),
      'GET vods?channel=demo&cursor=next': ok([vod({ id: 'v3' })], page),
      'GET clips?channel=demo': ok([clip()], page),
    });
    open('/demo/videos');
    const cards = await screen.findAllByTestId('vod-card');
    expect(cards[0]!.textContent).toBe('1:02:05Marble run3 hours ago');
    expect(cards[0]!.getAttribute('href')).toBe('/videos/v1');
    expect(cards[1]!.textContent).toContain('Being recorded');
    expect(cards[1]!.textContent).toContain('Private');
    await expectAccessible();
    fireEvent.click(screen.getByRole('button', { name: 'Show more' }));
    await waitFor(() => expect(screen.getAllByTestId('vod-card')).toHaveLength(3));
    fireEvent.click(screen.getByRole('link', { name: 'Clips' }));
    expect((await screen.findByTestId('clip-card')).textContent).toBe('0:30The jumpby Bo · 1 minute ago');
    await expectAccessible();
  });

  it('says that there is nothing yet, that there is no such channel, and that the server fails', async () => {
    serve({ 'GET me': anonymous, 'GET channels/demo': ok(channel()), 'GET vods?channel=demo': ok([], page), 'GET clips?channel=demo': refused(400, 'INVALID_REQUEST', 'No.') });
    const first = open('/demo/videos');
    expect(await screen.findByText('No recordings yet')).toBeTruthy();
    first.unmount();
    const second = open('/demo/videos?show=clips');
    expect(await screen.findByRole('button', { name: 'Try again' })).toBeTruthy();
    second.unmount();
    open('/nobody/videos');
    expect(await screen.findByText('No such channel')).toBeTruthy();
  });
});

describe('a video', () => {
  it('plays, with all there is to know and to do', async () => {
    serve({ 'GET me': anonymous, 'GET vods/v1': ok(vod({ chapters: [{ startMs: 0, title: 'Beginning' }, { startMs: 120_000, title: 'Back on air at 2:00' }] })) });
    open('/videos/v1');
    const video = await plays();
    expect(FakeHls.last).toMatchObject({ source: '/vods/v1/playlist.m3u8', config: { startPosition: 0 } });
    expect(screen.getByRole('heading', { level: 1 }).textContent).toBe('Marble run');
    expect(screen.getByTestId('download').getAttribute('href')).toBe('/vods/v1.mp4');
    expect(screen.getByTestId('clock').textContent).toBe('0:00 / 10:00');
    expect(screen.queryByRole('button', { name: 'Delete video' })).toBeNull();
    fireEvent.click(screen.getByRole('button', { name: '2:00 Back on air at 2:00' }));
    expect(video.currentTime).toBe(120);
    fireEvent.keyDown(document.body, { key: 'ArrowRight' });
    expect(video.currentTime).toBe(130);
    fireEvent.click(screen.getByTestId('rate'));
    fireEvent.click(within(screen.getByRole('menu', { name: 'Speed' })).getByText('1.5×'));
    expect(video.playbackRate).toBe(1.5);
    await expectAccessible();
    fireEvent(video, new Event('ended'));
    fireEvent.click(screen.getByTestId('play-again'));
    expect(document.title).toBe('Marble run · Demo · Tallylight');
  });

  it('goes on where it was left, unless the address says where', async () => {
    serve({ 'GET me': anonymous, 'GET vods/v1': ok(vod()) });
    const first = open('/videos/v1');
    await plays(200);
    await waitFor(() => expect(localStorage.getItem('tally.positions')).toBe('[["v1",200]]'));
    first.unmount();
    const second = open('/videos/v1');
    await waitFor(() => expect(FakeHls.last.config).toMatchObject({ startPosition: 200 }));
    second.unmount();
    open('/videos/v1?t=42');
    await waitFor(() => expect(FakeHls.last.config).toMatchObject({ startPosition: 42 }));
  });

  it('hands the key of a shared address on, and takes newer tokens without a new start', async () => {
    let token = 'aaaa.1.x';
    const calls = serve({
      'GET me': anonymous,
      'GET vods/v1?key=shared': () => ok(vod({ visibility: 'private', playlistUrl: `/vods/~${token}/v1/playlist.m3u8`, expiresAt: new Date(Date.now() + 3600_000).toISOString() })),
    });
    const { client } = open('/videos/v1?key=shared');
    await plays();
    token = 'bbbb.2.y';
    await act(() => client.invalidateQueries({ queryKey: ['vod'] }));
    await waitFor(() => {
      const opened = vi.fn();
      (FakeHls.last.config.xhrSetup as (request: object, url: string) => void)({ open: opened }, 'http://x/vods/~aaaa.1.x/v1/video-3.m4s');
      expect(opened).toHaveBeenCalledWith('GET', 'http://x/vods/~bbbb.2.y/v1/video-3.m4s', true);
    });
    expect(FakeHls.made).toHaveLength(1);
    expect(calls.filter(({ path }) => path.startsWith('vods/v1?')).map(({ path }) => path)).toEqual(Array(2).fill('vods/v1?key=shared'));
  });

  it('says for whom it is, and starts once the viewer is one of them', async () => {
    let isFollower = false;
    serve({
      'GET me': stranger.clone(), 'GET follows': ok([], page), 'GET follows?limit=100': ok([], page),
      'POST follows/c1': () => ((isFollower = true), ok({ channelId: 'c1' })),
      'GET vods/v1': () => ok(vod(isFollower ? { visibility: 'followers' } : { visibility: 'followers', whyNot: 'followers', playlistUrl: null, downloadUrl: null })),
    });
    open('/videos/v1');
    expect((await screen.findByTestId('may-not-watch')).textContent).toContain('For followers of Demo');
    await expectAccessible();
    const follow = await screen.findByRole('button', { name: 'Follow' });
    await waitFor(() => expect((follow as HTMLButtonElement).disabled).toBe(false));
    fireEvent.click(follow);
    await waitFor(() => expect(FakeHls.last.source).toBe('/vods/v1/playlist.m3u8'));
  });

  it('is not here, or not yet', async () => {
    serve({ 'GET me': anonymous, 'GET vods/v2': ok(vod({ id: 'v2', state: 'recording', playlistUrl: null, downloadUrl: null })) });
    const first = open('/videos/v1');
    expect(await screen.findByText('This video is not here')).toBeTruthy();
    first.unmount();
    open('/videos/v2');
    expect(await screen.findByText('The video is on its way')).toBeTruthy();
  });

  it('is edited and deleted by its owner, after a question that says what stays', async () => {
    const calls = serve({
      'GET me': ok(me()), 'GET vods/v1': ok(vod()), 'PATCH vods/v1': ok(vod()), 'DELETE vods/v1': ok({}), 'GET channels/demo': ok(channel()), 'GET vods?channel=demo': ok([], page),
    });
    const { router } = open('/videos/v1');
    fireEvent.click(await screen.findByRole('button', { name: 'Edit video' }));
    const dialog = within(screen.getByRole('dialog', { name: 'Edit video' }));
    fireEvent.change(dialog.getByLabelText('Title'), { target: { value: ' Better ' } });
    fireEvent.change(dialog.getByLabelText('Who may watch'), { target: { value: 'private' } });
    await expectAccessible();
    fireEvent.click(dialog.getByRole('button', { name: 'Save' }));
    await waitFor(() => expect(calls.find(({ method }) => method === 'PATCH')?.body).toEqual({ title: 'Better', visibility: 'private' }));
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
    fireEvent.click(screen.getByRole('button', { name: 'Delete video' }));
    expect(screen.getByText(/Clips that were made of it stay/)).toBeTruthy();
    fireEvent.click(within(screen.getByRole('dialog', { name: 'Delete this video?' })).getByRole('button', { name: 'Delete' }));
    await waitFor(() => expect(router.state.location.pathname).toBe('/demo/videos'));
  });
});

describe('a clip', () => {
  it('plays while its edges are still being cut, and leads to its moment', async () => {
    serve({ 'GET me': anonymous, 'GET clips/k1': ok(clip()) });
    open('/clips/k1');
    await plays();
    expect(FakeHls.last.source).toBe('/clips/k1/playlist.m3u8');
    expect(document.body.textContent).not.toMatch(/cutting|edges/);
    expect(screen.getByTestId('to-moment').getAttribute('href')).toBe('/videos/v1?t=754');
    expect(screen.getByTestId('download').getAttribute('href')).toBe('/clips/k1.mp4');
    await expectAccessible();
  });

  it('needs no video any more, and may be gone itself', async () => {
    serve({ 'GET me': anonymous, 'GET clips/k1': ok(clip({ vodId: null })) });
    const first = open('/clips/k1');
    await screen.findByTestId('clip-page');
    expect(screen.queryByTestId('to-moment')).toBeNull();
    first.unmount();
    open('/clips/k2');
    expect(await screen.findByText('This clip is not here')).toBeTruthy();
  });
});

describe('making a clip', () => {
  const routes = { 'GET me': stranger.clone(), 'GET vods/v1': ok(vod()) };
  const openDialog = async () => {
    await plays(300);
    await waitFor(() => expect(screen.getByTestId('clock').textContent).toContain('5:00'));
    fireEvent.keyDown(document.body, { key: 'x' });
    await screen.findByTestId('clip-form');
  };

  it('takes what the handles say, shows it again and again, and gives the link', async () => {
    const calls = serve({ ...routes, 'POST clips': ok(clip(), {}, 201) });
    open('/videos/v1');
    await openDialog();
    expect(FakeHls.made).toHaveLength(2);
    await expectAccessible();
    const [start, end] = [screen.getByRole('slider', { name: 'Start' }), screen.getByRole('slider', { name: 'End' })];
    expect(start.getAttribute('aria-valuetext')).toBe('4:45, 30 seconds long');
    fireEvent.keyDown(start, { key: 'ArrowRight' });
    fireEvent.keyDown(end, { key: 'PageUp' });
    fireEvent.change(screen.getByLabelText('Title'), { target: { value: 'Look' } });
    fireEvent.click(screen.getByRole('button', { name: 'Create clip' }));
    expect(await screen.findByDisplayValue('http://localhost:3000/clips/k1')).toBeTruthy();
    expect(calls.find(({ method }) => method === 'POST')?.body).toEqual({ vodId: 'v1', startMs: 285_500, endMs: 320_000, title: 'Look' });
    expect(screen.getByTestId('open-clip').getAttribute('href')).toBe('/clips/k1');
    await expectAccessible();
  });

  it('puts the server’s reasons where they belong', async () => {
    serve({ ...routes, 'POST clips': refused(400, 'INVALID_REQUEST', 'Some fields need a change.', { fields: { startMs: 'nothing was recorded there', title: 'no line breaks' } }) });
    open('/videos/v1');
    await openDialog();
    fireEvent.click(screen.getByRole('button', { name: 'Create clip' }));
    expect((await screen.findByText('nothing was recorded there')).getAttribute('role')).toBe('alert');
    expect(screen.getByLabelText('Title').getAttribute('aria-invalid')).toBe('true');
  });

  it('asks to sign in first', async () => {
    serve({ ...routes, 'GET me': anonymous });
    open('/videos/v1');
    await plays(300);
    fireEvent.click(screen.getByTestId('clip'));
    const dialog = within(await screen.findByRole('dialog', { name: 'Make a clip' }));
    expect(dialog.getByRole('link', { name: 'Sign in' }).getAttribute('href')).toBe('/login?next=%2Fvideos%2Fv1');
    expect(screen.queryByTestId('clip-form')).toBeNull();
    await expectAccessible();
  });
});

describe('watching live', () => {
  const joined = async (isLive: boolean) => {
    await waitFor(() => expect(FakeSocket.made).toHaveLength(1));
    act(() => {
      FakeSocket.last.open();
      FakeSocket.last.say(joinedAs({ isLive, sessionId: isLive ? 's1' : null, viewerCount: 4 }));
    });
  };

  it('shows for whom it is instead of an error', async () => {
    serve({
      'GET me': anonymous, 'GET channels/demo': ok(channel({ isLive: true, visibility: 'private' })),
      'GET channels/demo/playback': ok(playback({ visibility: 'private', whyNot: 'private', playlistUrl: null, rewindUrl: null, storyboardUrl: null })),
    });
    open('/demo');
    await joined(true);
    expect((await screen.findByTestId('may-not-watch')).textContent).toContain('Ask Demo for a link');
    expect(screen.queryByTestId('player')).toBeNull();
    expect(screen.queryByTestId('clip')).toBeNull();
    await expectAccessible();
  });

  it('plays by the key of a shared address', async () => {
    serve({
      'GET me': anonymous, 'GET channels/demo': ok(channel({ isLive: true, visibility: 'private' })),
      'GET channels/demo/playback?key=good': ok(playback({ visibility: 'private', playlistUrl: '/hls/~good/c1/playlist.m3u8' })),
    });
    open('/demo?key=good');
    await waitFor(() => expect(FakeHls.last.source).toBe('/hls/~good/c1/playlist.m3u8'));
  });

  it('follows and stops to follow', async () => {
    const calls = serve({
      'GET me': stranger.clone(), 'GET channels/demo': ok(channel()), 'GET follows?limit=100': ok([], page), 'POST follows/c1': ok({}), 'DELETE follows/c1': ok({}),
    });
    open('/demo');
    const button = await screen.findByRole('button', { name: 'Follow' });
    await waitFor(() => expect((button as HTMLButtonElement).disabled).toBe(false));
    fireEvent.click(button);
    fireEvent.click(await screen.findByRole('button', { name: 'Following' }));
    expect(await screen.findByRole('button', { name: 'Follow' })).toBeTruthy();
    expect(calls.filter(({ method }) => method !== 'GET').map(({ method, path }) => `${method} ${path}`)).toEqual(['POST follows/c1', 'DELETE follows/c1']);
  });

  it('shows the last videos while it is off air', async () => {
    serve({ 'GET me': anonymous, 'GET channels/demo': ok(channel()), 'GET vods?channel=demo&limit=4': ok([vod()], page) });
    open('/demo');
    await waitFor(() => expect(FakeHls.made).toHaveLength(1));
    act(() => FakeHls.last.fail('manifestLoadError', { response: { code: 404 } }));
    expect(within(await screen.findByTestId('last-videos')).getByText('Marble run')).toBeTruthy();
    await expectAccessible();
  });
});

describe('my videos', () => {
  const routes = {
    'GET me': ok(me()), 'GET channels/demo': ok(channel()),
    'GET vods?channel=c1': ok([vod({ visibility: 'private', deletesAt: new Date(Date.now() + 3 * 86_400_000 + 60_000).toISOString() }), vod({ id: 'v2', sizeBytes: 66_000_000, durationMs: 60_000 })], page),
  };

  it('lists what is kept, what it takes and when it goes', async () => {
    serve(routes);
    open('/dashboard/videos');
    const [first] = await screen.findAllByTestId('vod-row');
    expect(first!.textContent).toContain('1.23 GB');
    expect(first!.textContent).toContain('deleted in 3 days');
    expect(screen.getByTestId('vods-total').textContent).toBe('2 videos · 1:03:05 · 1.30 GB');
    await expectAccessible();
  });

  it('changes who may watch, and makes a link that runs out', async () => {
    const calls = serve({
      ...routes, 'PATCH vods/v1': ok(vod()),
      'POST vods/v1/share': ok({ pageUrl: 'http://tv.example/videos/v1?key=k', playlistUrl: 'http://tv.example/vods/~k/v1/playlist.m3u8', expiresAt: '2026-12-01T00:00:00Z' }),
    });
    open('/dashboard/videos');
    const row = within((await screen.findAllByTestId('vod-row'))[0]!);
    fireEvent.click(row.getByRole('button', { name: 'Share by link' }));
    const dialog = within(screen.getByRole('dialog', { name: 'Share by link' }));
    fireEvent.change(dialog.getByLabelText('It works for'), { target: { value: '86400' } });
    fireEvent.click(dialog.getByRole('button', { name: 'Make the link' }));
    expect(await screen.findByDisplayValue('http://tv.example/videos/v1?key=k')).toBeTruthy();
    await expectAccessible();
    fireEvent.click(dialog.getByRole('button', { name: 'Done' }));
    fireEvent.change(row.getByRole('combobox'), { target: { value: 'followers' } });
    expect(await screen.findByText('Saved')).toBeTruthy();
    expect(calls.filter(({ method }) => method !== 'GET').map(({ path, body }) => [path, body])).toEqual([['vods/v1/share', { expiresInS: 86_400 }], ['vods/v1', { visibility: 'followers' }]]);
  });

  it('saves the rules, only what was changed', async () => {
    const calls = serve({ ...routes, 'PATCH channels/c1': ok(channel({ recording: false, keepDays: 14 })) });
    open('/dashboard/videos');
    fireEvent.click(await screen.findByLabelText('Record my streams'));
    fireEvent.change(screen.getByLabelText('Keep for days'), { target: { value: '14' } });
    fireEvent.click(screen.getByRole('button', { name: 'Save' }));
    expect(await screen.findByText('Saved')).toBeTruthy();
    expect(calls.find(({ method }) => method === 'PATCH')?.body).toEqual({ recording: false, keepDays: 14 });
  });
});
