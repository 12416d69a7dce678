import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HLS_CONFIG } from '../../src/player/config';
import { PlayerEngine } from '../../src/player/engine';
import type { PlayerEvent } from '../../src/player/state';
import { FakeHls, LADDER, level } from './fake-hls';

let video: HTMLVideoElement;
let events: PlayerEvent[];
let engine: PlayerEngine;
const onPlayable = vi.fn();
const onMissing = vi.fn();
const onQualities = vi.fn();
let isPaused = true;

async function start(loadHls = async () => FakeHls.asClass): Promise<void> {
  engine = new PlayerEngine({ video, url: '/hls/demo/playlist.m3u8', loadHls, onEvent: (event) => events.push(event), onPlayable, onMissing, onQualities });
  await vi.advanceTimersByTimeAsync(0);
}
const types = () => events.map(({ type }) => type);
const notAllowed = () => Promise.reject(new DOMException('click first', 'NotAllowedError'));

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(1);
  FakeHls.install();
  events = [];
  onPlayable.mockClear();
  onMissing.mockClear();
  onQualities.mockClear();
  isPaused = true;
  video = document.createElement('video');
  Object.defineProperty(video, 'paused', { get: () => isPaused });
  Object.defineProperty(video, 'seekable', { value: { length: 1, start: () => 20, end: () => 51 }, configurable: true });
  video.play = vi.fn(async () => void (isPaused = false));
  video.pause = vi.fn(() => void (isPaused = true));
  video.load = vi.fn();
});
afterEach(() => engine.destroy());

describe('PlayerEngine', () => {
  it('loads the source at once with the low-latency settings', async () => {
    await start();
    expect(FakeHls.last).toMatchObject({ source: '/hls/demo/playlist.m3u8', media: video, config: HLS_CONFIG });
    expect(HLS_CONFIG).toMatchObject({ lowLatencyMode: true, maxLiveSyncPlaybackRate: 1.1, backBufferLength: 30 });
    expect(HLS_CONFIG).not.toHaveProperty('liveSyncDuration');
    expect(FakeHls.last.config).toMatchObject({ capLevelToPlayerSize: false });
    FakeHls.last.emit('parsed');
    expect(onPlayable).toHaveBeenCalledOnce();
    expect(video.play).toHaveBeenCalledOnce();
  });

  it('plays without sound when the browser allows no more, and says so', async () => {
    vi.mocked(video.play).mockImplementationOnce(notAllowed);
    await start();
    FakeHls.last.emit('parsed');
    await vi.advanceTimersByTimeAsync(0);
    expect(video.muted).toBe(true);
    expect(video.play).toHaveBeenCalledTimes(2);
    expect(types()).toEqual(['load', 'muted-by-browser']);
  });

  it('asks for a click when not even silence is allowed', async () => {
    vi.mocked(video.play).mockImplementation(notAllowed);
    await start();
    FakeHls.last.emit('parsed');
    await vi.advanceTimersByTimeAsync(0);
    expect(types().at(-1)).toBe('blocked');
    expect(video.play).toHaveBeenCalledTimes(2);
  });

  it('says that there is no playlist, and goes on trying until it is told to stop', async () => {
    await start();
    FakeHls.last.fail('manifestLoadError', { response: { code: 404 } });
    expect(onMissing).toHaveBeenCalledOnce();
    await vi.advanceTimersByTimeAsync(2000);
    expect(FakeHls.made).toHaveLength(2);
    expect(FakeHls.made[0]!.isDestroyed).toBe(true);
    engine.destroy();
    FakeHls.made[1]!.fail('manifestLoadError', { response: { code: 404 } });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeHls.made).toHaveLength(2);
  });

  it('does not call a server in trouble a missing stream', async () => {
    await start();
    FakeHls.last.fail('manifestLoadError', { response: { code: 503 } });
    expect(onMissing).not.toHaveBeenCalled();
    expect(events.at(-1)).toMatchObject({ type: 'retry-planned', trouble: { kind: 'network' } });
  });

  it('waits longer from try to try, and starts over once it has played', async () => {
    await start();
    const waits: number[] = [];
    for (let turn = 0; turn < 5; turn++) {
      FakeHls.last.fail('levelLoadError');
      const planned = events.at(-1);
      if (planned?.type !== 'retry-planned') throw new Error('no retry was planned');
      waits.push(planned.at - Date.now());
      await vi.advanceTimersByTimeAsync(waits.at(-1)!);
    }
    expect(waits).toEqual([2000, 3500, 6500, 12_500, 15_500]);
    video.dispatchEvent(new Event('playing'));
    FakeHls.last.fail('levelLoadError');
    expect(events.at(-1)).toMatchObject({ at: Date.now() + 2000 });
  });

  it('plans one retry for many errors', async () => {
    await start();
    FakeHls.last.fail('levelLoadError');
    FakeHls.last.fail('fragLoadError');
    expect(types()).toEqual(['load', 'retry-planned']);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeHls.made).toHaveLength(2);
  });

  it('retries at once when the viewer says so', async () => {
    await start();
    FakeHls.last.fail('levelLoadError');
    engine.retry();
    await vi.advanceTimersByTimeAsync(0);
    expect(FakeHls.made).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeHls.made).toHaveLength(2);
  });

  it('leaves errors that hls.js mends to hls.js', async () => {
    await start();
    FakeHls.last.emit('error', { fatal: false, type: 'network', details: 'fragLoadError' });
    expect(types()).toEqual(['load']);
  });

  it('recovers the decoder once, then starts the source again', async () => {
    await start();
    FakeHls.last.fail('bufferAppendError', { type: 'media' });
    expect(FakeHls.last.recoveries).toBe(1);
    FakeHls.last.fail('bufferAppendError', { type: 'media' });
    expect(FakeHls.last.recoveries).toBe(1);
    expect(events.at(-1)).toMatchObject({ type: 'retry-planned', trouble: { kind: 'media' } });
  });

  it('does not retry a codec that the browser lacks', async () => {
    await start();
    FakeHls.last.fail('manifestIncompatibleCodecsError', { type: 'media' });
    expect(events.at(-1)).toMatchObject({ type: 'failed', trouble: { kind: 'codec' } });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeHls.made).toHaveLength(1);
  });

  it('uses the browser’s own HLS where there are no media source extensions', async () => {
    FakeHls.isSupportedHere = false;
    video.canPlayType = () => 'maybe';
    await start();
    expect(video.getAttribute('src')).toBe('/hls/demo/playlist.m3u8');
    expect(FakeHls.made).toHaveLength(0);
    video.dispatchEvent(new Event('loadedmetadata'));
    expect(onPlayable).toHaveBeenCalledOnce();
  });

  it('says when the browser can do neither', async () => {
    FakeHls.isSupportedHere = false;
    video.canPlayType = () => '';
    await start();
    expect(events.at(-1)).toMatchObject({ type: 'failed', trouble: { kind: 'browser' } });
  });

  it('tries again when the player’s code did not load', async () => {
    let isDown = true;
    await start(async () => {
      if (isDown) throw new TypeError('Failed to fetch dynamically imported module');
      return FakeHls.asClass;
    });
    expect(events.at(-1)).toMatchObject({ type: 'retry-planned', trouble: { kind: 'network' } });
    isDown = false;
    await vi.advanceTimersByTimeAsync(2000);
    expect(FakeHls.made).toHaveLength(1);
  });

  it('makes nothing when it is destroyed before the code has loaded', async () => {
    let arrive: (value: typeof FakeHls.asClass) => void = () => undefined;
    await start(() => new Promise((resolve) => (arrive = resolve)));
    engine.destroy();
    arrive(FakeHls.asClass);
    await vi.advanceTimersByTimeAsync(0);
    expect(FakeHls.made).toHaveLength(0);
  });

  it('leaves nothing behind', async () => {
    await start();
    engine.destroy();
    expect(FakeHls.last.isDestroyed).toBe(true);
    expect(video.load).toHaveBeenCalledOnce();
    const count = events.length;
    for (const name of ['playing', 'pause', 'waiting', 'ended']) video.dispatchEvent(new Event(name));
    expect(events).toHaveLength(count);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('jumps to the live position after a long stall, not after a short one', async () => {
    await start();
    video.currentTime = 30;
    video.dispatchEvent(new Event('waiting'));
    await vi.advanceTimersByTimeAsync(5000);
    video.dispatchEvent(new Event('playing'));
    await vi.advanceTimersByTimeAsync(5000);
    expect(video.currentTime).toBe(30);
    video.dispatchEvent(new Event('waiting'));
    await vi.advanceTimersByTimeAsync(7000);
    expect(video.currentTime).toBe(50);
    expect(engine.stats().stalls).toBe(2);
  });

  it('takes a stall after the end of the playlist for the end', async () => {
    await start();
    video.currentTime = 30;
    video.dispatchEvent(new Event('waiting'));
    await vi.advanceTimersByTimeAsync(1000);
    expect(types()).not.toContain('ended');
    FakeHls.last.latestLevelDetails!.live = false;
    await vi.advanceTimersByTimeAsync(700);
    expect(types().at(-1)).toBe('ended');
    await vi.advanceTimersByTimeAsync(20_000);
    expect(video.currentTime).toBe(30);
  });

  it('starts the source again when play is pressed at the end', async () => {
    await start();
    Object.defineProperty(video, 'ended', { value: true });
    engine.play();
    await vi.advanceTimersByTimeAsync(0);
    expect(FakeHls.made).toHaveLength(2);
  });

  it('keeps a pause through a retry', async () => {
    await start();
    FakeHls.last.emit('parsed');
    engine.pause();
    engine.retry();
    await vi.advanceTimersByTimeAsync(0);
    vi.mocked(video.play).mockClear();
    FakeHls.last.emit('parsed');
    expect(video.play).not.toHaveBeenCalled();
    expect(types().at(-1)).toBe('pause');
  });

  it('plays the live picture after a pause that made it late', async () => {
    await start();
    FakeHls.last.playingDate = new Date(Date.now() - 9000);
    video.currentTime = 30;
    engine.play();
    expect(video.currentTime).toBe(50);
  });

  it('goes back within what there is and forward to live at most', async () => {
    await start();
    video.currentTime = 23;
    engine.seekBy(-5);
    expect(video.currentTime).toBe(20);
    engine.seekBy(100);
    expect(video.currentTime).toBe(50);
  });

  it('catches up when a page comes back from the background, unless the viewer went back or paused', async () => {
    await start();
    isPaused = false;
    FakeHls.last.playingDate = new Date(Date.now() - 9000);
    const show = () => document.dispatchEvent(new Event('visibilitychange'));
    video.currentTime = 30;
    engine.seekBy(-5);
    show();
    expect(video.currentTime).toBe(25);
    engine.goLive();
    video.currentTime = 30;
    show();
    expect(video.currentTime).toBe(50);
    engine.pause();
    video.currentTime = 30;
    show();
    expect(video.currentTime).toBe(30);
  });

  it('jumps to live when a slow start made it late, but not again and again', async () => {
    await start();
    isPaused = false;
    FakeHls.last.playingDate = new Date(Date.now() - 9000);
    video.currentTime = 30;
    video.dispatchEvent(new Event('playing'));
    expect(video.currentTime).toBe(50);
    video.currentTime = 30;
    video.dispatchEvent(new Event('playing'));
    expect(video.currentTime).toBe(30);
    await vi.advanceTimersByTimeAsync(10_000);
    video.dispatchEvent(new Event('playing'));
    expect(video.currentTime).toBe(50);
  });

  it('makes up for being late again soon after a jump, once the time has come', async () => {
    await start();
    isPaused = false;
    FakeHls.last.playingDate = new Date(Date.now() - 9000);
    video.dispatchEvent(new Event('playing'));
    await vi.advanceTimersByTimeAsync(3000);
    video.currentTime = 30;
    FakeHls.last.playingDate = new Date(Date.now() - 5000);
    video.dispatchEvent(new Event('playing'));
    await vi.advanceTimersByTimeAsync(6900);
    expect(video.currentTime).toBe(30);
    await vi.advanceTimersByTimeAsync(100);
    expect(video.currentTime).toBe(50);
  });

  it('does not wait as long where there is media ahead and the picture stands all the same', async () => {
    await start();
    video.currentTime = 30;
    Object.defineProperty(video, 'buffered', { value: { length: 1, start: () => 29, end: () => 31 } });
    video.dispatchEvent(new Event('waiting'));
    await vi.advanceTimersByTimeAsync(2000);
    expect(video.currentTime).toBe(30);
    await vi.advanceTimersByTimeAsync(800);
    expect(video.currentTime).toBe(50);
  });

  it('measures', async () => {
    await start();
    FakeHls.last.playingDate = new Date(Date.now() - 1300);
    FakeHls.last.emit('buffered', { frag: { type: 'main', duration: 2 }, part: { duration: 0.5 }, stats: { total: 125_000 } });
    FakeHls.last.emit('buffered', { frag: { type: 'audio', duration: 2 }, part: null, stats: { total: 9 } });
    expect(engine.stats()).toMatchObject({
      latencyS: 1.3, aimS: 1, isBehind: false, bitrateBps: 2_000_000, codecs: 'avc1.64001f, mp4a.40.2', partTargetS: 0.333, targetDurationS: 2,
      engine: 'hls.js 0.0.0-fake',
    });
  });

  it('starts with the rendition that the line took the last time, not with the lowest', async () => {
    await start();
    expect(FakeHls.last.config).toMatchObject({ abrEwmaDefaultEstimate: 4_000_000 });
    expect(HLS_CONFIG).not.toHaveProperty('startLevel');
    FakeHls.last.bandwidthEstimate = 9_000_000;
    await vi.advanceTimersByTimeAsync(5000);
    FakeHls.last.emit('buffered', { frag: { type: 'main', duration: 2 }, part: null, stats: { total: 9 } });
    engine.retry();
    await vi.advanceTimersByTimeAsync(0);
    expect(FakeHls.last.config).toMatchObject({ abrEwmaDefaultEstimate: 9_000_000 });
  });

  describe('with a ladder', () => {
    beforeEach(async () => {
      await start();
      FakeHls.last.levels = LADDER;
      FakeHls.last.emit('parsed');
    });

    it('lists what there is and plays by itself', () => {
      expect(onQualities.mock.lastCall?.[0]).toMatchObject([{ label: '1080p60 (source)' }, { label: '720p' }, { label: '480p' }]);
      expect(FakeHls.last.sets).toEqual([]);
      expect(engine.stats()).toMatchObject({ quality: '480p', isAuto: true });
    });

    it('changes the rendition without throwing away the little that is buffered at the live edge', () => {
      engine.setQuality('720p');
      expect(FakeHls.last.sets).toEqual([['loadLevel', 1]]);
      engine.setQuality('auto');
      expect(FakeHls.last.sets.at(-1)).toEqual(['loadLevel', -1]);
    });

    it('changes it at once where much is buffered', () => {
      Object.defineProperty(video, 'buffered', { value: { length: 1, start: () => 0, end: () => 20 } });
      engine.setQuality('source');
      expect(FakeHls.last.sets).toEqual([['nextLevel', 2]]);
    });

    it('keeps the choice through a retry and a list that changed', async () => {
      engine.setQuality('720p');
      engine.retry();
      await vi.advanceTimersByTimeAsync(0);
      FakeHls.last.levels = [LADDER[1]!, LADDER[2]!];
      FakeHls.last.emit('parsed');
      expect(FakeHls.last.sets).toEqual([['loadLevel', 0]]);
      FakeHls.last.levels = [level({ width: 1920, height: 1080 })];
      FakeHls.last.emit('levels');
      expect(onQualities.mock.lastCall?.[0]).toHaveLength(1);
    });

    it('takes the viewer back to the chosen rendition some time after hls.js had to leave it', async () => {
      engine.setQuality('720p');
      FakeHls.last.autoLevelEnabled = true;
      FakeHls.last.emit('switching');
      await vi.advanceTimersByTimeAsync(19_000);
      expect(FakeHls.last.sets).toHaveLength(1);
      await vi.advanceTimersByTimeAsync(1000);
      expect(FakeHls.last.sets.at(-1)).toEqual(['loadLevel', 1]);
      expect(FakeHls.last.sets).toHaveLength(2);
    });
  });

  describe('while the publisher is awaited', () => {
    beforeEach(async () => {
      await start();
      isPaused = false;
      engine.setInterrupted(true);
      video.currentTime = 30;
    });

    it('asks for the playlist again and again, without starting anew', async () => {
      for (let turn = 1; turn <= 15; turn++) {
        FakeHls.last.fail(turn % 2 ? 'levelLoadError' : 'levelLoadTimeOut');
        await vi.advanceTimersByTimeAsync(2000);
        expect(FakeHls.last.starts).toBe(turn);
      }
      expect(FakeHls.made).toHaveLength(1);
      expect(types()).not.toContain('retry-planned');
    });

    it('does not jump out of a stall, and does so soon after the return', async () => {
      video.dispatchEvent(new Event('waiting'));
      await vi.advanceTimersByTimeAsync(60_000);
      expect(video.currentTime).toBe(30);
      engine.setInterrupted(false);
      await vi.advanceTimersByTimeAsync(1500);
      expect(video.currentTime).toBe(50);
      expect(FakeHls.made).toHaveLength(1);
    });

    it('goes on at once when the publisher is back, and calls what fails from then on a failure', async () => {
      FakeHls.last.fail('levelLoadError');
      engine.setInterrupted(false);
      expect(FakeHls.last.starts).toBe(1);
      await vi.advanceTimersByTimeAsync(10_000);
      expect(FakeHls.last.starts).toBe(1);
      FakeHls.last.fail('levelLoadError');
      expect(types().at(-1)).toBe('retry-planned');
    });
  });

  it('waits through a gap in every rendition', async () => {
    await start();
    FakeHls.last.fail('fragGap', { type: 'media' });
    FakeHls.last.fail('fragGap');
    await vi.advanceTimersByTimeAsync(2000);
    expect(FakeHls.made).toHaveLength(1);
    expect(FakeHls.last.starts).toBe(1);
  });
});

describe('rewinding', () => {
  const EDGE_MS = 1_800_000_000_000;
  const list = (start: number, count: number, firstMs: number) =>
    Array.from({ length: count }, (_, index) => ({ start: start + 2 * index, duration: 2, programDateTime: firstMs + 2000 * index }));
  /** The live playlist: 20 s to 50 s, its end is now. */
  const listLive = () => {
    FakeHls.last.latestLevelDetails = { ...FakeHls.last.latestLevelDetails!, fragments: list(20, 15, EDGE_MS - 30_000), fragmentStart: 20, edge: 50 };
  };
  /** Half an hour before now, in the playlist's own clock from 0. */
  const listPast = (live = true) => {
    const fragments = list(0, 900, EDGE_MS - 1_800_000);
    FakeHls.last.latestLevelDetails = { live, partTarget: 0, targetduration: 2, fragments, fragmentStart: 0, edge: 1800 };
    FakeHls.last.emit('updated', { details: FakeHls.last.latestLevelDetails });
  };
  const rewind = async () => {
    vi.setSystemTime(EDGE_MS);
    await start();
    engine.setAddresses('/hls/demo/playlist.m3u8', '/hls/demo/rewind.m3u8');
    FakeHls.last.emit('parsed');
    listLive();
    video.currentTime = 48;
    video.dispatchEvent(new Event('playing'));
    engine.stats();
  };

  it('seeks within the live playlist without another source', async () => {
    await rewind();
    engine.seekToProgram(EDGE_MS - 20_000);
    expect(video.currentTime).toBe(30);
    expect(FakeHls.made).toHaveLength(1);
    expect(engine.stats().place).toMatchObject({ programMs: EDGE_MS - 20_000, isPast: false });
  });

  it('plays the past from its own playlist, at the moment that was asked for, and leads back', async () => {
    await rewind();
    engine.setQuality('720p');
    engine.seekToProgram(EDGE_MS - 600_000);
    expect(engine.stats().place).toMatchObject({ programMs: EDGE_MS - 600_000, isPast: true });
    await vi.advanceTimersByTimeAsync(0);
    expect(FakeHls.made[0]!.isDestroyed).toBe(true);
    expect(FakeHls.last).toMatchObject({ source: '/hls/demo/rewind.m3u8', config: { lowLatencyMode: false, maxLiveSyncPlaybackRate: 1 } });
    FakeHls.last.levels = LADDER;
    FakeHls.last.emit('parsed');
    expect(FakeHls.last.sets).toContainEqual(['loadLevel', 1]);
    listPast();
    expect(FakeHls.last.sets.at(-1)).toEqual(['startLoad', 1200]);
    video.currentTime = 1200;
    video.dispatchEvent(new Event('playing'));
    expect(engine.stats()).toMatchObject({ isBehind: true, place: { programMs: EDGE_MS - 600_000, firstMs: EDGE_MS - 1_800_000 } });
    expect(engine.edgeMs()).toBe(EDGE_MS);
    engine.goLive();
    await vi.advanceTimersByTimeAsync(0);
    expect(FakeHls.last.source).toBe('/hls/demo/playlist.m3u8');
    expect(engine.stats().place.isPast).toBe(false);
  });

  it('adds up steps that are taken before the past plays', async () => {
    await rewind();
    video.currentTime = 25;
    engine.seekBy(-10);
    engine.seekBy(-10);
    await vi.advanceTimersByTimeAsync(0);
    expect(FakeHls.made).toHaveLength(2);
    listPast();
    expect(FakeHls.last.sets).toEqual([['startLoad', 1800 - 25 - 20]]);
  });

  it('goes live when the rewound reaches the end of what is listed, or seeks to it', async () => {
    await rewind();
    engine.seekToProgram(EDGE_MS - 600_000);
    await vi.advanceTimersByTimeAsync(0);
    listPast();
    video.currentTime = 1799.5;
    video.dispatchEvent(new Event('playing'));
    video.dispatchEvent(new Event('waiting'));
    await vi.advanceTimersByTimeAsync(1000);
    expect(FakeHls.last.source).toBe('/hls/demo/playlist.m3u8');
    engine.seekToProgram(EDGE_MS - 600_000);
    await vi.advanceTimersByTimeAsync(0);
    engine.seekToProgram(Date.now() - 500);
    await vi.advanceTimersByTimeAsync(0);
    expect(FakeHls.last.source).toBe('/hls/demo/playlist.m3u8');
  });

  it('goes live when there is no past', async () => {
    await rewind();
    engine.seekToProgram(EDGE_MS - 600_000);
    await vi.advanceTimersByTimeAsync(0);
    FakeHls.last.fail('manifestLoadError', { response: { code: 404 } });
    await vi.advanceTimersByTimeAsync(0);
    expect(FakeHls.last.source).toBe('/hls/demo/playlist.m3u8');
    expect(onMissing).not.toHaveBeenCalled();
  });

  it('plays on after a pause that outlasted the live playlist', async () => {
    await rewind();
    engine.seekBy(-10);
    engine.pause();
    FakeHls.last.latestLevelDetails = { ...FakeHls.last.latestLevelDetails!, fragments: list(60, 15, EDGE_MS + 10_000), fragmentStart: 60, edge: 90 };
    engine.play();
    await vi.advanceTimersByTimeAsync(0);
    expect(FakeHls.last.source).toBe('/hls/demo/rewind.m3u8');
    expect(engine.stats().place.programMs).toBe(EDGE_MS - 12_000);
  });

  it('knows the media time from the decode times', async () => {
    await rewind();
    expect(engine.mediaAt(30)).toBeNull();
    // Decode times are 15 s less than positions, and media time is 10 s less than decode times.
    FakeHls.last.emit('initPts', { id: 'main', frag: list(30, 1, EDGE_MS - 20_000)[0], initPTS: -15 * 90_000, timescale: 90_000 });
    expect(engine.mediaAt(30)).toBe(5);
    expect(engine.positionOfMedia(5)).toBe(30);
    expect(engine.stats().place.zeroMs).toBe(EDGE_MS - 25_000);
  });

  it('asks with the newest token, also for what an older playlist named', async () => {
    engine = new PlayerEngine({ video, url: '/hls/~old.1.a/demo/playlist.m3u8', loadHls: async () => FakeHls.asClass, onEvent: () => undefined });
    await vi.advanceTimersByTimeAsync(0);
    const setup = FakeHls.last.config.xhrSetup as (request: XMLHttpRequest, url: string) => void;
    const opened = vi.fn();
    const request = { open: opened } as unknown as XMLHttpRequest;
    setup(request, 'http://x/hls/~old.1.a/demo/s1/video-1.m4s');
    expect(opened).not.toHaveBeenCalled();
    engine.setAddresses('/hls/~new.2.b/demo/playlist.m3u8', null);
    setup(request, 'http://x/hls/~old.1.a/demo/s1/video-2.m4s');
    expect(opened).toHaveBeenCalledWith('GET', 'http://x/hls/~new.2.b/demo/s1/video-2.m4s', true);
    expect(FakeHls.made).toHaveLength(1);
  });
});

describe('recordings', () => {
  const onRefused = vi.fn();
  const open = async (more: object = {}) => {
    engine = new PlayerEngine({
      video, url: '/vods/v1/playlist.m3u8', isRecorded: true, loadHls: async () => FakeHls.asClass, onEvent: (event) => events.push(event), onRefused, ...more,
    });
    await vi.advanceTimersByTimeAsync(0);
    const fragments = Array.from({ length: 30 }, (_, index) => ({ start: 2 * index, duration: 2, programDateTime: 1_000_000 + 2000 * index }));
    FakeHls.last.latestLevelDetails = { live: false, partTarget: 0, targetduration: 2, fragments, fragmentStart: 0, edge: 60 };
    Object.defineProperty(video, 'seekable', { value: { length: 1, start: () => 0, end: () => 60 }, configurable: true });
    FakeHls.last.emit('parsed');
  };
  const playAt = (seconds: number) => {
    video.currentTime = seconds;
    video.dispatchEvent(new Event('playing'));
  };

  it('begin where they were left, also one that still grows', async () => {
    await open({ startAtS: 41 });
    expect(FakeHls.last.config).toMatchObject({ startPosition: 41, lowLatencyMode: false });
    engine.destroy();
    await open();
    expect(FakeHls.last.config).toMatchObject({ startPosition: 0 });
  });

  it('seek anywhere, keep their speed through a new start, and never go live', async () => {
    await open();
    playAt(10);
    engine.setRate(1.5);
    expect(video.playbackRate).toBe(1.5);
    engine.seekTo(33);
    expect(video.currentTime).toBe(33);
    engine.seekBy(100);
    expect(video.currentTime).toBe(60);
    engine.goLive();
    expect(video.currentTime).toBe(60);
    playAt(20);
    video.playbackRate = 1;
    engine.retry();
    await vi.advanceTimersByTimeAsync(0);
    FakeHls.last.emit('parsed');
    expect(FakeHls.last.config).toMatchObject({ startPosition: 20 });
    expect(video.playbackRate).toBe(1.5);
  });

  it('take a stall at the end for the end, and one in the middle for a poor line', async () => {
    await open();
    playAt(30);
    video.dispatchEvent(new Event('waiting'));
    await vi.advanceTimersByTimeAsync(20_000);
    expect(types()).not.toContain('ended');
    expect(video.currentTime).toBe(30);
    playAt(59.6);
    video.dispatchEvent(new Event('waiting'));
    await vi.advanceTimersByTimeAsync(1000);
    expect(types().at(-1)).toBe('ended');
  });

  it('repeat the part that is being chosen', async () => {
    await open();
    playAt(1);
    engine.setLoop({ startS: 20, endS: 25 });
    expect(video.currentTime).toBe(20);
    video.currentTime = 25.1;
    video.dispatchEvent(new Event('timeupdate'));
    expect(video.currentTime).toBe(20);
    engine.setLoop(null);
    video.currentTime = 40;
    video.dispatchEvent(new Event('timeupdate'));
    expect(video.currentTime).toBe(40);
  });

  it('say that they are refused', async () => {
    await open();
    FakeHls.last.fail('manifestLoadError', { response: { code: 403 } });
    expect(onRefused).toHaveBeenCalledOnce();
    expect(events.at(-1)).toMatchObject({ type: 'retry-planned' });
  });
});
