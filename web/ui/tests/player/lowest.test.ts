import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { LowestState } from '../../src/player/lowest';
import * as whep from '../../src/player/whep';
import { FakeHls } from './fake-hls';
import { EDGE_MS, engine, events, hasRange, list, moves, playAt, setUpPlaying, start, types, video } from './playing';
import { FakePeer } from './whep/fake-peer';

setUpPlaying();

const URL_OF = '/whep/demo';
let states: LowestState[];
const phase = () => states.at(-1)!.phase;
const passes = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const posts = () => FakePeer.requests.filter((request) => request.startsWith('POST')).length;
const placesLeft = () => posts() - FakePeer.requests.filter((request) => request.startsWith('DELETE')).length;

beforeEach(() => {
  vi.setSystemTime(EDGE_MS);
  FakePeer.install();
  FakePeer.serve();
  states = [];
  Object.defineProperty(video, 'srcObject', { value: null, writable: true });
});

/** A live stream over HLS, with what WebRTC needs at hand. */
async function playHls(rewindUrl: string | null = '/hls/demo/rewind.m3u8'): Promise<void> {
  await start({ loadWhep: async () => whep, onLowest: (state) => states.push(state) });
  engine.setAddresses('/hls/demo/playlist.m3u8', rewindUrl);
  shows();
}

/** hls.js plays the live playlist. */
function shows(): void {
  FakeHls.last.emit('parsed');
  FakeHls.last.latestLevelDetails = { ...FakeHls.last.latestLevelDetails!, fragments: list(20, 15, EDGE_MS - 30_000), fragmentStart: 20, edge: 50 };
  playAt(48);
  engine.stats();
}

async function playLowest(rewindUrl?: string | null): Promise<void> {
  await playHls(rewindUrl);
  engine.setLowest(true, URL_OF);
  await passes(200);
  video.dispatchEvent(new Event('playing'));
  expect(phase()).toBe('on');
}

describe('the lowest latency', () => {
  it('is nothing until it is wanted and can be had', async () => {
    const loadWhep = vi.fn(async () => whep);
    await start({ loadWhep });
    shows();
    engine.setLowest(false, URL_OF);
    engine.setLowest(true, null);
    await passes(5000);
    expect(loadWhep).not.toHaveBeenCalled();
    expect(posts()).toBe(0);
  });

  it('takes the picture from HLS only once it has one itself', async () => {
    await playHls();
    FakePeer.pictures = false;
    engine.setLowest(true, URL_OF);
    await passes(2000);
    expect(phase()).toBe('joining');
    expect(FakeHls.last.isDestroyed).toBe(false);
    FakePeer.last.receive();
    await passes(100);
    expect(phase()).toBe('on');
    expect(FakeHls.last.isDestroyed).toBe(true);
    expect(video.srcObject).not.toBeNull();
    expect(video.play).toHaveBeenCalledTimes(2);
    expect(engine.stats()).toMatchObject({ totalFrames: 15, webrtc: { rttMs: 24 } });
  });

  it('leaves HLS playing when the server refuses, and says why in its words', async () => {
    FakePeer.status = 503;
    FakePeer.body = 'All places are taken.';
    await playHls();
    engine.setLowest(true, URL_OF);
    await passes(2400);
    expect([phase(), posts()]).toEqual(['joining', 1]);
    await passes(200);
    expect(states.at(-1)).toEqual({ phase: 'resting', why: { kind: 'refused', sentence: 'All places are taken.' } });
    expect(FakeHls.made).toHaveLength(1);
    expect(FakeHls.last.isDestroyed).toBe(false);
    await passes(600_000);
    expect(posts()).toBe(2);
    FakePeer.status = 201;
    FakePeer.body = 'answer';
    engine.tryLowestAgain();
    await passes(200);
    expect(phase()).toBe('on');
  });

  it('gets the place that becomes free just then', async () => {
    FakePeer.status = 503;
    await playHls();
    engine.setLowest(true, URL_OF);
    await passes(1000);
    FakePeer.status = 201;
    await passes(2000);
    expect([phase(), posts()]).toEqual(['on', 2]);
  });

  it('asks no more when it is switched off meanwhile', async () => {
    FakePeer.status = 503;
    await playHls();
    engine.setLowest(true, URL_OF);
    await passes(1000);
    engine.setLowest(false, URL_OF);
    await passes(10_000);
    expect([phase(), posts()]).toEqual(['idle', 1]);
  });

  it('rests when its code does not load', async () => {
    await start({ loadWhep: () => Promise.reject(new TypeError('failed')), onLowest: (state) => states.push(state) });
    engine.setLowest(true, URL_OF);
    await passes(0);
    expect(states.at(-1)).toMatchObject({ phase: 'resting', why: { kind: 'network' } });
  });

  it('goes back to HLS at once when it breaks, joins once more, and then no more', async () => {
    await playLowest();
    FakePeer.last.becomes('failed');
    expect(video.srcObject).toBeNull();
    await passes(0);
    expect(FakeHls.made).toHaveLength(2);
    await passes(200);
    expect(phase()).toBe('on');
    FakePeer.last.becomes('failed');
    await passes(10_000);
    expect(states.at(-1)).toMatchObject({ phase: 'resting', why: { kind: 'lost' } });
    expect(posts()).toBe(2);
    expect(placesLeft()).toBe(0);
    expect(FakeHls.made).toHaveLength(3);
    expect(FakeHls.last.isDestroyed).toBe(false);
  });

  it('joins again after each break of a connection that had held', async () => {
    await playLowest();
    for (let breaks = 1; breaks <= 3; breaks++) {
      await passes(40_000);
      FakePeer.last.becomes('failed');
      await passes(200);
      expect(phase()).toBe('on');
    }
  });

  it('waits a moment after the server’s goodbye, for the news that the stream is over', async () => {
    await playLowest();
    FakePeer.last.closesDtls();
    await passes(900);
    expect([types().at(-1), FakeHls.made.length]).toEqual(['waiting', 1]);
    await passes(100);
    expect(FakeHls.made).toHaveLength(2);
    await passes(200);
    expect(phase()).toBe('on');
  });

  it('goes back to HLS when the picture freezes while packets come', async () => {
    await playLowest();
    FakePeer.pictures = false;
    const peer = FakePeer.last;
    const timer = setInterval(() => (peer.counts.packetsReceived += 50), 500);
    await passes(1500);
    expect(types().at(-1)).toBe('waiting');
    await passes(4000);
    clearInterval(timer);
    expect(states.at(-1)).toMatchObject({ phase: 'resting', why: { kind: 'unsteady' } });
    expect(FakeHls.made).toHaveLength(2);
  });

  it('is over when it is switched off, and HLS plays the live picture', async () => {
    await playLowest();
    engine.setLowest(false, URL_OF);
    await passes(0);
    expect(phase()).toBe('idle');
    expect(FakeHls.last.source).toBe('/hls/demo/playlist.m3u8');
    expect(placesLeft()).toBe(0);
  });

  it('leaves nothing behind', async () => {
    await playLowest();
    engine.destroy();
    await passes(0);
    expect(placesLeft()).toBe(0);
    expect(FakePeer.last.connectionState).toBe('closed');
    expect(vi.getTimerCount()).toBe(0);
    const count = events.length;
    for (const name of ['playing', 'pause', 'waiting', 'ended']) video.dispatchEvent(new Event(name));
    expect(events).toHaveLength(count);
  });

  it('gives its place back when the page goes, and joins again when the page comes back', async () => {
    await playLowest();
    window.dispatchEvent(new Event('pagehide'));
    expect(placesLeft()).toBe(0);
    window.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true }));
    await passes(0);
    expect(FakeHls.made).toHaveLength(2);
    await passes(200);
    expect(phase()).toBe('on');
  });

  it('waits for a page in the background to be looked at', async () => {
    const hidden = vi.spyOn(document, 'hidden', 'get').mockReturnValue(true);
    await playHls();
    engine.setLowest(true, URL_OF);
    await passes(1000);
    expect(posts()).toBe(0);
    hidden.mockReturnValue(false);
    document.dispatchEvent(new Event('visibilitychange'));
    await passes(200);
    expect(phase()).toBe('on');
  });
});

describe('what a viewer does at the lowest latency', () => {
  it('seeks back over HLS, and returns with the live picture', async () => {
    await playLowest();
    engine.seekBy(-10);
    await passes(0);
    expect(placesLeft()).toBe(0);
    expect(FakeHls.last.source).toBe('/hls/demo/rewind.m3u8');
    expect(engine.stats().place).toMatchObject({ isPast: true, programMs: expect.closeTo(Date.now() - 10_012, -2) });
    video.dispatchEvent(new Event('playing'));
    await passes(5000);
    expect(posts()).toBe(1);
    engine.goLive();
    await passes(0);
    expect(FakeHls.last.source).toBe('/hls/demo/playlist.m3u8');
    await passes(200);
    expect(phase()).toBe('on');
  });

  it('seeks back in the live playlist where no past is kept', async () => {
    await playLowest(null);
    engine.seekToProgram(EDGE_MS - 20_000);
    await passes(0);
    expect(FakeHls.last.source).toBe('/hls/demo/playlist.m3u8');
    FakeHls.last.latestLevelDetails = { live: true, partTarget: 0.3, targetduration: 2, fragments: list(20, 15, EDGE_MS - 30_000), fragmentStart: 20, edge: 50 };
    FakeHls.last.emit('updated');
    expect(FakeHls.last.sets).toEqual([['startLoad', 30]]);
    playAt(30);
    await passes(5000);
    expect(posts()).toBe(1);
    engine.retry(); // begins where HLS does, not there again
    await passes(0);
    FakeHls.last.emit('updated');
    expect(FakeHls.last.sets).toEqual([]);
  });

  it('stays when the seek is to the live picture, or forward', async () => {
    await playLowest();
    engine.seekBy(10);
    engine.seekToProgram(Date.now() - 500);
    engine.goLive();
    await passes(1000);
    expect([phase(), posts(), FakeHls.made.length]).toEqual(['on', 1, 1]);
  });

  it('pauses with the place kept for a while, and comes back to the live picture', async () => {
    await playLowest();
    engine.pause();
    await passes(15_000);
    expect(placesLeft()).toBe(1);
    engine.play();
    await passes(30_000);
    expect([phase(), placesLeft(), FakeHls.made.length]).toEqual(['on', 1, 1]);

    engine.pause();
    await passes(25_000);
    expect(placesLeft()).toBe(0);
    engine.play();
    await passes(0);
    expect(FakeHls.made).toHaveLength(2);
    await passes(200);
    expect([phase(), placesLeft()]).toEqual(['on', 1]);
  });

  it('gives its place back when it is paused before there is a picture', async () => {
    await playHls();
    FakePeer.pictures = false;
    engine.setLowest(true, URL_OF);
    await passes(1000);
    expect([phase(), placesLeft()]).toEqual(['joining', 1]);
    engine.pause();
    expect([phase(), placesLeft()]).toEqual(['idle', 0]);
  });

  it('does not join while it is paused', async () => {
    await playHls();
    engine.pause();
    engine.setLowest(true, URL_OF);
    await passes(1000);
    expect(posts()).toBe(0);
    engine.play();
    await passes(200);
    expect(phase()).toBe('on');
  });

  it('goes to HLS for what only that can do, and returns', async () => {
    await playLowest();
    engine.useHls();
    await passes(0);
    expect(FakeHls.made).toHaveLength(2);
    shows();
    await passes(200);
    expect(phase()).toBe('on');
  });
});

describe('a stream at the lowest latency', () => {
  it('is waited for while the publisher is away', async () => {
    await playLowest();
    engine.setInterrupted(true);
    FakePeer.pictures = false;
    await passes(60_000);
    expect([phase(), FakeHls.made.length, types().at(-1)]).toEqual(['on', 1, 'playing']);
    engine.setInterrupted(false);
    FakePeer.pictures = true;
    await passes(5000);
    expect(phase()).toBe('on');
  });

  it('is waited for by who joins while the publisher is away', async () => {
    await playHls();
    engine.setInterrupted(true);
    engine.setLowest(true, URL_OF);
    await passes(200);
    FakePeer.pictures = false;
    await passes(20_000);
    expect(phase()).toBe('on');
  });

  it('is joined again when it was lost with its publisher', async () => {
    await playLowest();
    FakePeer.pictures = false;
    await passes(12_000);
    expect([states.at(-1), posts()]).toMatchObject([{ phase: 'resting', why: { kind: 'no-picture' } }, 2]);
    engine.setInterrupted(true);
    FakePeer.pictures = true;
    engine.setInterrupted(false);
    await passes(200);
    expect(phase()).toBe('on');
  });

  it.each([
    ['falls silent', () => (FakePeer.pictures = false)],
    ['says goodbye', () => FakePeer.last.closesDtls()],
    ['is gone', () => FakePeer.last.becomes('failed')],
  ])('has ended when it is over and the server %s', async (_how, finish) => {
    await playLowest();
    engine.setAddresses('/hls/demo/playlist.m3u8', null, 'lost');
    await passes(3000);
    expect(types().at(-1)).toBe('playing');
    finish();
    await passes(2500);
    expect(types().at(-1)).toBe('ended');
    expect(placesLeft()).toBe(0);
    expect(FakeHls.made).toHaveLength(1);
  });

  it('has ended when the server’s goodbye comes before that news', async () => {
    await playLowest();
    FakePeer.last.closesDtls();
    await passes(300);
    engine.setAddresses('/hls/demo/playlist.m3u8', null, 'asking');
    await passes(2000);
    expect(types().slice(-2)).toEqual(['waiting', 'ended']);
    expect(FakeHls.made).toHaveLength(1);
  });

  it('says its figures, and the time that HLS has told', async () => {
    await playHls();
    FakeHls.last.emit('initPts', { id: 'main', frag: list(20, 1, EDGE_MS - 30_000)[0], initPTS: -9_000_000 + 90_000 * 600, timescale: 90_000 });
    const zeroMs = engine.stats().place.zeroMs;
    expect(zeroMs).not.toBeNull();
    engine.setLowest(true, URL_OF);
    await passes(1200);
    expect(engine.stats()).toMatchObject({
      engine: 'WebRTC', isBehind: false, latencyS: 0.012, width: 1280, height: 720, quality: '720p', totalFrames: 45, codecs: 'H264',
      webrtc: { rttMs: 24, lossShare: 0, jitterBufferMs: null }, place: { isPast: false, zeroMs, programMs: Date.now() - 12 },
    });
    expect(engine.edgeMs()).toBe(Date.now() - 12);
  });

  it('plays on in a page that a phone had paused', async () => {
    await playLowest();
    hasRange(0, 0);
    video.pause();
    document.dispatchEvent(new Event('visibilitychange'));
    expect(video.play).toHaveBeenCalledTimes(3);
    moves();
  });
});
