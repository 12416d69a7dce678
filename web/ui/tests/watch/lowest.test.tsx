import { act, fireEvent, screen, waitFor, within } from '@testing-library/react';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { useLowestChoice } from '../../src/player/lowest-choice';
import { useQuality } from '../../src/player/quality';
import { useCaptionChoice } from '../../src/player/useTextTracks';
import { expectAccessible } from '../axe';
import { ok, refused, serve } from '../fetch';
import { channel, open, playback } from '../pages/app';
import { FakeHls, LADDER } from '../player/fake-hls';
import { list } from '../player/playing';
import { FakePeer } from '../player/whep/fake-peer';
import { FakeSocket } from '../socket/fake-socket';

vi.mock('../../src/player/hls', async () => ({ Hls: (await import('../player/fake-hls')).FakeHls }));

const WHEP = '/whep/~TOKEN/demo';

beforeEach(() => {
  FakeHls.install();
  FakeSocket.install();
  FakePeer.install();
  useLowestChoice.getState().choose(false);
});

/** The page of a channel that is live and can be had over WebRTC, playing. */
async function watch(whepUrl: string | null = WHEP): Promise<void> {
  serve({
    'GET me': refused(401, 'UNAUTHORIZED', 'Sign in first.'), 'GET channels/demo': ok(channel({ isLive: true })), 'GET channels/demo/playback': ok(playback({ whepUrl })),
  });
  FakePeer.serve(fetch);
  open('/demo');
  await waitFor(() => expect(FakeHls.made).toHaveLength(1));
  FakeHls.last.levels = LADDER;
  act(() => FakeHls.last.emit('parsed'));
  fireEvent(screen.getByTestId('video'), new Event('playing'));
  await screen.findByTestId('player');
}

const theSwitch = () => screen.findByRole('button', { name: 'Lowest latency (d)' });
const delivery = () => screen.getByTestId('player').dataset.delivery;
const isPressed = async () => (await theSwitch()).getAttribute('aria-pressed');

describe('the switch of the lowest latency', () => {
  it('is not there where the server has no WebRTC', async () => {
    await watch(null);
    await waitFor(() => expect(screen.getByTestId('player').dataset.state).toBe('playing'));
    expect(screen.queryByTestId('lowest')).toBeNull();
  });

  it('is not there where the browser has none', async () => {
    vi.stubGlobal('RTCPeerConnection', undefined);
    await watch();
    await waitFor(() => expect(screen.getByTestId('player').dataset.state).toBe('playing'));
    expect(screen.queryByTestId('lowest')).toBeNull();
  });

  it('is off at first, turns WebRTC on by key, and is remembered', async () => {
    await watch();
    expect(await isPressed()).toBe('false');
    await expectAccessible();
    fireEvent.keyDown(document.body, { key: 'd' });
    await waitFor(() => expect(delivery()).toBe('webrtc'));
    expect(await isPressed()).toBe('true');
    expect(localStorage.getItem('tally.lowest-latency')).toBe('true');
    expect(FakePeer.requests).toEqual(['POST /whep/~TOKEN/demo']);

    fireEvent.click(await theSwitch());
    await waitFor(() => expect(delivery()).toBe('hls'));
    expect(localStorage.getItem('tally.lowest-latency')).toBe('false');
    expect(FakePeer.requests.at(-1)).toBe('DELETE /whep/session/n.1');
  });

  it('takes a choice of the last visit up by itself', async () => {
    useLowestChoice.getState().choose(true);
    await watch();
    await waitFor(() => expect(delivery()).toBe('webrtc'));
  });

  it('goes off with a word why, keeps the choice, and tries again when it is pressed', async () => {
    FakePeer.status = 503;
    FakePeer.body = 'All places are taken.';
    useLowestChoice.getState().choose(true);
    await watch();
    const note = await screen.findByTestId('lowest-note', {}, { timeout: 6000 });
    expect(note.textContent).toBe('All places are taken. Playing with the usual delay.');
    expect(note.closest('[role="status"]')).not.toBeNull();
    await expectAccessible();
    expect(await isPressed()).toBe('false');
    expect(localStorage.getItem('tally.lowest-latency')).toBe('true');
    FakePeer.status = 201;
    fireEvent.click(await theSwitch());
    await waitFor(() => expect(delivery()).toBe('webrtc'));
    expect(screen.queryByTestId('lowest-note')).toBeNull();
  });
});

describe('at the lowest latency', () => {
  async function lowest(): Promise<void> {
    useLowestChoice.getState().choose(true);
    await watch();
    await waitFor(() => expect(delivery()).toBe('webrtc'));
  }

  it('the menu says that there is one quality, and any other leaves it', async () => {
    await lowest();
    fireEvent.click(await screen.findByRole('button', { name: 'Quality (q): Lowest latency' }));
    const items = within(screen.getByRole('menu', { name: 'Quality' })).getAllByRole('menuitemradio');
    expect(items.map((item) => [item.textContent, item.getAttribute('aria-checked')])).toEqual([
      [expect.stringMatching(/^Lowest latency/), 'true'], ['Auto', 'false'], ['1080p60 (source)6.0 Mb/s', 'false'], ['720p2.4 Mb/s', 'false'], ['480p1.1 Mb/s', 'false'],
    ]);
    fireEvent.click(items[3]!);
    await waitFor(() => expect(delivery()).toBe('hls'));
    expect(useLowestChoice.getState().isWanted).toBe(false);
    expect(useQuality.getState().choice).toBe('720p');
    act(() => useQuality.getState().choose('auto'));
  });

  it('there are no captions, and who asks for them is told', async () => {
    await lowest();
    const tracks = Object.assign(new EventTarget(), { length: 1, 0: { kind: 'subtitles', mode: 'disabled' }, [Symbol.iterator]: Array.prototype[Symbol.iterator] });
    expect(useCaptionChoice.getState().isWanted).toBe(false);
    Object.defineProperty(HTMLMediaElement.prototype, 'textTracks', { value: tracks, configurable: true });
    act(() => useCaptionChoice.getState().toggle()); // the list of tracks is looked at anew
    const button = await screen.findByRole('button', { name: 'Captions (c)' });
    expect(button.getAttribute('aria-pressed')).toBe('false');
    fireEvent.click(button);
    expect((await screen.findByTestId('lowest-note')).textContent).toBe('There are no captions at the lowest latency.');
    expect(useCaptionChoice.getState().isWanted).toBe(true);
    act(() => useCaptionChoice.getState().toggle());
    Reflect.deleteProperty(HTMLMediaElement.prototype, 'textTracks');
  });

  it('the figures are those of WebRTC', async () => {
    await lowest();
    fireEvent.keyDown(document.body, { key: 's' });
    await waitFor(() => expect(screen.getByTestId('stats').textContent).toContain('Round trip24 ms'));
    const words = screen.getByTestId('stats').textContent;
    for (const row of ['Latency0.01 s (lowest)', 'Lost packets0.0 %', 'Jitter buffer', 'Picture1280 × 720', 'Quality720p', 'Engine']) expect(words).toContain(row);
    expect(words).not.toContain('Part / segment');
  });

  it('a clip is made of what HLS has to tell first', async () => {
    await lowest();
    fireEvent.keyDown(document.body, { key: 'x' });
    expect(screen.queryByRole('dialog')).toBeNull();
    await waitFor(() => expect(FakeHls.made).toHaveLength(2));
    const [fragment] = list(20, 1, Date.now() - 30_000);
    FakeHls.last.latestLevelDetails = { live: true, partTarget: 0.3, targetduration: 2, fragments: list(20, 15, Date.now() - 30_000), fragmentStart: 20, edge: 50 };
    act(() => FakeHls.last.emit('initPts', { id: 'main', frag: fragment, initPTS: 90_000 * 10, timescale: 90_000 }));
    expect(await screen.findByRole('dialog', { name: 'Make a clip' })).toBeTruthy();
  });
});
