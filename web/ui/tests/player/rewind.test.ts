import { describe, expect, it, vi } from 'vitest';
import { FakeHls, LADDER } from './fake-hls';
import { EDGE_MS, engine, fails404, list, listPast, onMissing, playAt, playLive, setUpPlaying, start, video } from './playing';

setUpPlaying();

describe('within the live playlist', () => {
  it('goes back within what there is and forward to live at most', async () => {
    await start();
    video.currentTime = 23;
    engine.seekBy(-5);
    expect(video.currentTime).toBe(20);
    engine.seekBy(100);
    expect(video.currentTime).toBe(50);
  });
});

describe('rewinding', () => {
  it('seeks within the live playlist without another source', async () => {
    await playLive();
    engine.seekToProgram(EDGE_MS - 20_000);
    expect(video.currentTime).toBe(30);
    expect(FakeHls.made).toHaveLength(1);
    expect(engine.stats().place).toMatchObject({ programMs: EDGE_MS - 20_000, isPast: false });
  });

  it('plays the past from its own playlist, at the moment that was asked for, and leads back', async () => {
    await playLive();
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
    playAt(1200);
    expect(engine.stats()).toMatchObject({ isBehind: true, place: { programMs: EDGE_MS - 600_000, firstMs: EDGE_MS - 1_800_000 } });
    expect(engine.edgeMs()).toBe(EDGE_MS);
    engine.goLive();
    await vi.advanceTimersByTimeAsync(0);
    expect(FakeHls.last.source).toBe('/hls/demo/playlist.m3u8');
    expect(engine.stats().place.isPast).toBe(false);
  });

  it('adds up steps that are taken before the past plays', async () => {
    await playLive();
    video.currentTime = 25;
    engine.seekBy(-10);
    engine.seekBy(-10);
    await vi.advanceTimersByTimeAsync(0);
    expect(FakeHls.made).toHaveLength(2);
    listPast();
    expect(FakeHls.last.sets).toEqual([['startLoad', 1800 - 25 - 20]]);
  });

  it('goes live when the rewound reaches the end of what is listed, or seeks to it', async () => {
    await playLive();
    engine.seekToProgram(EDGE_MS - 600_000);
    await vi.advanceTimersByTimeAsync(0);
    listPast();
    playAt(1799.5);
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
    await playLive();
    engine.seekToProgram(EDGE_MS - 600_000);
    await vi.advanceTimersByTimeAsync(0);
    fails404();
    await vi.advanceTimersByTimeAsync(0);
    expect(FakeHls.last.source).toBe('/hls/demo/playlist.m3u8');
    expect(onMissing).not.toHaveBeenCalled();
  });

  it('plays on after a pause that outlasted the live playlist', async () => {
    await playLive();
    engine.seekBy(-10);
    engine.pause();
    FakeHls.last.latestLevelDetails = { ...FakeHls.last.latestLevelDetails!, fragments: list(60, 15, EDGE_MS + 10_000), fragmentStart: 60, edge: 90 };
    engine.play();
    await vi.advanceTimersByTimeAsync(0);
    expect(FakeHls.last.source).toBe('/hls/demo/rewind.m3u8');
    expect(engine.stats().place.programMs).toBe(EDGE_MS - 12_000);
  });

  it('asks with the newest token, also for what an older playlist named', async () => {
    await start({ url: '/hls/~old.1.a/demo/playlist.m3u8' });
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

  it('asks for each source with its own token', async () => {
    await start({ url: '/hls/~live.1.a/demo/playlist.m3u8' });
    engine.setAddresses('/hls/~live.1.a/demo/playlist.m3u8', '/vods/~kept.1.b/v1/playlist.m3u8', 'kept');
    FakeHls.last.latestLevelDetails = { ...FakeHls.last.latestLevelDetails!, fragments: list(20, 15, EDGE_MS - 30_000) };
    engine.seekToProgram(EDGE_MS - 600_000);
    await vi.advanceTimersByTimeAsync(0);
    expect(FakeHls.last.source).toBe('/vods/~kept.1.b/v1/playlist.m3u8');
    const opened = vi.fn();
    const setup = FakeHls.last.config.xhrSetup as (request: XMLHttpRequest, url: string) => void;
    setup({ open: opened } as unknown as XMLHttpRequest, 'http://x/vods/~kept.1.b/v1/video-1.m4s');
    expect(opened).not.toHaveBeenCalled();
  });
});
