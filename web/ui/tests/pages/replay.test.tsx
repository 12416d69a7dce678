import { act, fireEvent, screen, waitFor, within } from '@testing-library/react';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { expectAccessible } from '../axe';
import { ok, refused, serve } from '../fetch';
import { FakeHls } from '../player/fake-hls';
import { linesAt, linesFrom } from '../replay/line';
import { FakeSocket } from '../socket/fake-socket';
import { clip, open, vod } from './app';

vi.mock('../../src/player/hls', async () => ({ Hls: (await import('../player/fake-hls')).FakeHls }));

const anonymous = refused(401, 'UNAUTHORIZED', 'Sign in first.');
const end = { page: { cursor: null } };

/** An hour that hls.js has read the list of. */
async function plays(atS: number) {
  await waitFor(() => expect(FakeHls.made.length).toBeGreaterThan(0));
  const video = screen.getByTestId('video') as HTMLVideoElement;
  Object.defineProperty(video, 'seekable', { value: { length: 1, start: () => 0, end: () => 3600 }, configurable: true });
  act(() => {
    FakeHls.last.latestLevelDetails = { live: false, partTarget: 0, targetduration: 2, fragments: [{ start: 0, duration: 3600, programDateTime: 1_000_000 }], fragmentStart: 0, edge: 3600 };
    FakeHls.last.emit('parsed');
    video.currentTime = atS;
    fireEvent(video, new Event('playing'));
  });
  return video;
}

const shown = () => within(screen.getByTestId('replay')).queryAllByTestId('chat-line').map((line) => line.dataset.id);

beforeEach(() => {
  FakeHls.install();
  FakeSocket.install();
});

describe('the chat beside a recording', () => {
  it('appears in step with the picture, back and forth', async () => {
    const calls = serve({
      'GET me': anonymous, 'GET vods/v1': ok(vod()),
      'GET vods/v1/chat?fromMs=0&limit=200': ok(linesAt(1000, 20_000, 50_000), end),
    });
    open('/videos/v1');
    const video = await plays(5);
    await waitFor(() => expect(shown()).toEqual(['m1000']));
    act(() => void (video.currentTime = 51));
    await waitFor(() => expect(shown()).toEqual(['m1000', 'm20000', 'm50000']));
    act(() => void (video.currentTime = 21));
    await waitFor(() => expect(shown()).toEqual(['m1000', 'm20000']));
    expect(calls.filter(({ path }) => path.includes('/chat'))).toHaveLength(1);
    expect(within(screen.getByTestId('replay')).getAllByTestId('chat-line')[1]!.textContent).toMatch(/^0:20/);
    await expectAccessible();
  });

  it('shows another window after a jump', async () => {
    serve({
      'GET me': anonymous, 'GET vods/v1': ok(vod()),
      'GET vods/v1/chat?fromMs=0&limit=200': ok(linesFrom(0, 200, 500), { page: { cursor: 'c2' } }),
      'GET vods/v1/chat?fromMs=2970000&limit=200': ok(linesFrom(2_970_000, 100, 1000), end),
    });
    open('/videos/v1');
    const video = await plays(1);
    await waitFor(() => expect(shown()).toEqual(['m0', 'm500', 'm1000']));
    act(() => void (video.currentTime = 3000));
    await waitFor(() => expect(shown().at(-1)).toBe('m3000000'));
    expect(shown()[0]).toBe('m2970000');
  });

  it('stands still while somebody reads, and goes on', async () => {
    serve({ 'GET me': anonymous, 'GET vods/v1': ok(vod()), 'GET vods/v1/chat?fromMs=0&limit=200': ok(linesFrom(0, 100, 1000), end) });
    open('/videos/v1');
    const video = await plays(10);
    await waitFor(() => expect(shown()).toHaveLength(11));
    const list = screen.getByRole('log', { name: 'Messages' });
    Object.defineProperties(list, { scrollHeight: { value: 1000, configurable: true }, clientHeight: { value: 200, configurable: true } });
    list.scrollTop = 100;
    fireEvent.scroll(list);
    act(() => void (video.currentTime = 15));
    const button = await screen.findByRole('button', { name: '5 new · go on' });
    expect(shown()).toHaveLength(11);
    fireEvent.click(button);
    await waitFor(() => expect(shown()).toHaveLength(16));
    expect(list.scrollTop).toBe(1000);
    list.scrollTop = 100;
    fireEvent.scroll(list);
    await screen.findByRole('button', { name: 'Paused · go on' });
    act(() => void (video.currentTime = 4)); // what was read is not there any more
    await waitFor(() => expect(shown()).toHaveLength(5));
  });

  it('is hidden for this and the next recordings, and comes back', async () => {
    serve({ 'GET me': anonymous, 'GET vods/v1': ok(vod()), 'GET vods/v1/chat?fromMs=0&limit=200': ok([], end) });
    open('/videos/v1');
    await plays(1);
    expect(await screen.findByText('Nobody has said anything yet.')).toBeTruthy();
    fireEvent.click(screen.getByRole('button', { name: 'Hide the chat' }));
    expect(screen.queryByTestId('replay')).toBeNull();
    expect(localStorage.getItem('tally.chat')).toContain('"isShown":false');
    fireEvent.click(screen.getByTestId('show-replay'));
    expect(screen.getByTestId('replay')).toBeTruthy();
  });

  it('says what is wrong, and asks for nothing of a video that may not be seen', async () => {
    const calls = serve({
      'GET me': anonymous, 'GET vods/v1': ok(vod()), 'GET vods/v1/chat?fromMs=0&limit=200': refused(503, 'UNAVAILABLE', 'The database is away.'),
      'GET vods/v2': ok(vod({ id: 'v2', visibility: 'private', whyNot: 'private', playlistUrl: null })),
    });
    const first = open('/videos/v1');
    await plays(1);
    expect(await screen.findByText('The database is away.')).toBeTruthy();
    first.unmount();
    open('/videos/v2');
    await screen.findByTestId('may-not-watch');
    expect(screen.queryByTestId('replay')).toBeNull();
    expect(calls.some(({ path }) => path.startsWith('vods/v2/chat'))).toBe(false);
  });
});

it('stands beside a clip as well, by the key of a shared address', async () => {
  serve({ 'GET me': anonymous, 'GET clips/k1?key=good': ok(clip()), 'GET clips/k1/chat?fromMs=0&limit=200&key=good': ok(linesAt(500, 9000), end) });
  open('/clips/k1?key=good');
  await plays(2);
  await waitFor(() => expect(shown()).toEqual(['m500']));
  await expectAccessible();
});
