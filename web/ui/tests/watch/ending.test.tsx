import { act, fireEvent, screen, waitFor } from '@testing-library/react';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { expectAccessible } from '../axe';
import { ok, refused, serve } from '../fetch';
import { channel, open, playback, vod } from '../pages/app';
import { FakeHls } from '../player/fake-hls';
import { list } from '../player/playing';
import { joinedAs } from '../socket/events';
import { FakeSocket } from '../socket/fake-socket';

vi.mock('../../src/player/hls', async () => ({ Hls: (await import('../player/fake-hls')).FakeHls }));

const anonymous = refused(401, 'UNAUTHORIZED', 'Sign in first.');
const page = { page: { cursor: null } };
const routes = { 'GET me': anonymous, 'GET channels/demo': () => ok(channel({ isLive: true })), 'GET channels/demo/playback': () => ok(playback()) };

beforeEach(() => {
  FakeHls.install();
  FakeSocket.install();
});

const fragments = (count: number, start: number) => list(start, count, Date.now() - 2000 * count);

/** A viewer who has gone back two minutes in a stream of session s1. */
async function goBack() {
  await waitFor(() => expect(FakeSocket.made).toHaveLength(1));
  act(() => {
    FakeSocket.last.open();
    FakeSocket.last.say(joinedAs({ isLive: true, sessionId: 's1', startedAt: new Date().toISOString(), viewerCount: 1 }));
  });
  const video = screen.getByTestId('video') as HTMLVideoElement;
  act(() => {
    FakeHls.last.latestLevelDetails = { live: true, partTarget: 0.3, targetduration: 2, fragments: fragments(15, 20), fragmentStart: 20, edge: 50 };
    FakeHls.last.emit('parsed');
    video.currentTime = 48;
    fireEvent(video, new Event('playing'));
  });
  const seek = await screen.findByRole('slider', { name: 'Seek' });
  fireEvent.keyDown(seek, { key: 'PageDown' });
  await waitFor(() => expect(FakeHls.last.source).toBe('/hls/c1/rewind.m3u8'));
  act(() => {
    FakeHls.last.latestLevelDetails = { live: true, partTarget: 0, targetduration: 2, fragments: fragments(300, 0), fragmentStart: 0, edge: 600 };
    FakeHls.last.emit('updated');
    FakeHls.last.emit('parsed');
    video.currentTime = 480;
    fireEvent(video, new Event('playing'));
  });
  await waitFor(() => expect(screen.getByTestId('player').dataset.past).toBe('true'));
  return video;
}
const ends = () => act(() => FakeSocket.last.say({ type: 'stream_offline', channelId: 'c1', sessionId: 's1', timestamp: Date.now() }));
const pastIsGone = () => act(() => FakeHls.last.fail('levelLoadError', { response: { code: 404 } }));

describe('the end of a stream that a viewer has gone back in', () => {
  it('leads on in the recording that the stream was known by', async () => {
    const calls = serve({ ...routes, 'GET vods/v1': ok(vod()) });
    open('/demo');
    await goBack();
    ends();
    await waitFor(() => expect(FakeHls.last.source).toBe('/vods/v1/playlist.m3u8'));
    expect(screen.getByTestId('stage').dataset.phase).toBe('ending');
    expect(screen.getByTestId('over').textContent).toBe('Stream is over');
    expect(screen.queryByTestId('go-live')).toBeNull();
    expect(calls.some(({ path }) => path.startsWith('vods?'))).toBe(false);
  });

  it('finds the recording that was not known yet, by its session', async () => {
    serve({
      ...routes, 'GET channels/demo/playback': () => ok(playback({ vodId: null })),
      'GET vods?channel=demo&limit=1': ok([vod({ id: 'v7', sessionId: 's1' })], page), 'GET vods/v7': ok(vod({ id: 'v7', playlistUrl: '/vods/v7/playlist.m3u8' })),
    });
    open('/demo');
    await goBack();
    pastIsGone();
    ends();
    await waitFor(() => expect(FakeHls.last.source).toBe('/vods/v7/playlist.m3u8'));
    expect(screen.queryByTestId('player-error')).toBeNull();
  });

  it('says in words that there is no recording', async () => {
    serve({ ...routes, 'GET channels/demo/playback': () => ok(playback({ vodId: null })), 'GET vods?channel=demo&limit=1': ok([vod({ id: 'v0', sessionId: 's0' })], page) });
    open('/demo');
    await goBack();
    ends();
    pastIsGone();
    expect((await screen.findByTestId('cut-short')).textContent).toBe('There is no recording of it that you can watch, so it stops here.');
    expect(screen.getByRole('heading', { level: 2, name: 'The stream is over' })).toBeTruthy();
    await expectAccessible();
  });

  it('asks whether the stream is over when it has not been told', async () => {
    let isLive = true;
    serve({ ...routes, 'GET channels/demo': () => ok(channel({ isLive })), 'GET vods/v1': ok(vod()) });
    open('/demo');
    await goBack();
    isLive = false;
    pastIsGone();
    await waitFor(() => expect(FakeHls.last.source).toBe('/vods/v1/playlist.m3u8'));
  });
});
