import { beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeHls } from './fake-hls';
import { EDGE_MS, engine, events, fails404, hasRange, isBuffered, listPast, onCutShort, onMissing, onPastMissing, playAt, playLive, setUpPlaying, types, video } from './playing';

const LIVE = '/hls/demo/playlist.m3u8';
const REWIND = '/hls/demo/rewind.m3u8';
const KEPT = '/vods/v1/playlist.m3u8';

setUpPlaying();

describe('the end of a stream for a viewer who is behind it', () => {
  beforeEach(async () => {
    await playLive();
    engine.seekToProgram(EDGE_MS - 600_000);
    await vi.advanceTimersByTimeAsync(0);
    listPast();
    playAt(1210);
    events.length = 0;
  });

  it('goes on in the recording, at the same moment', async () => {
    engine.setAddresses(LIVE, REWIND, 'asking');
    expect(FakeHls.made).toHaveLength(2);
    engine.setAddresses(LIVE, KEPT, 'kept');
    expect(engine.stats().place).toMatchObject({ programMs: EDGE_MS - 590_000, isPast: true });
    await vi.advanceTimersByTimeAsync(0);
    expect(FakeHls.last.source).toBe(KEPT);
    listPast(false);
    expect(FakeHls.last.sets.at(-1)).toEqual(['startLoad', 1210]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeHls.made).toHaveLength(3);
    expect(types()).toEqual(['load']);
  });

  it('plays what is buffered while the recording is looked for, and calls nothing a failure', async () => {
    isBuffered(1200, 1240);
    engine.setAddresses(LIVE, REWIND, 'asking');
    fails404('levelLoadError');
    await vi.advanceTimersByTimeAsync(20_000);
    expect(types()).toEqual([]);
    expect(FakeHls.made).toHaveLength(2);
    video.currentTime = 1230;
    engine.setAddresses(LIVE, KEPT, 'kept');
    expect(engine.stats().place.programMs).toBe(EDGE_MS - 570_000);
  });

  it('waits where the past is gone before anybody has said that the stream is over', async () => {
    fails404('levelLoadError');
    expect(onPastMissing).toHaveBeenCalledOnce();
    await vi.advanceTimersByTimeAsync(3000);
    engine.setAddresses(LIVE, KEPT, 'kept');
    await vi.advanceTimersByTimeAsync(0);
    expect(FakeHls.last.source).toBe(KEPT);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(FakeHls.made).toHaveLength(3);
  });

  it('goes live where the past is gone and the stream is not over', async () => {
    fails404('levelLoadError');
    await vi.advanceTimersByTimeAsync(5000);
    expect(FakeHls.last.source).toBe(LIVE);
    expect(onMissing).not.toHaveBeenCalled();
  });

  it('plays what is buffered where nothing was kept, and then says so', async () => {
    isBuffered(1200, 1240);
    fails404('levelLoadError');
    engine.setAddresses(LIVE, null, 'lost');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(onCutShort).not.toHaveBeenCalled();
    video.currentTime = 1239.9;
    video.dispatchEvent(new Event('waiting'));
    await vi.advanceTimersByTimeAsync(700);
    expect(onCutShort).toHaveBeenCalledOnce();
    expect(types().at(-1)).toBe('ended');
    await vi.advanceTimersByTimeAsync(20_000);
    expect(onCutShort).toHaveBeenCalledOnce();
    expect(FakeHls.made).toHaveLength(2);
  });

  it('says at once that nothing was kept where nothing is buffered', async () => {
    engine.setAddresses(LIVE, null, 'lost');
    expect(onCutShort).not.toHaveBeenCalled(); // the playlist may still answer
    fails404('levelLoadError');
    expect(onCutShort).toHaveBeenCalledOnce();
  });

  it('calls a recording that is deleted meanwhile lost', async () => {
    engine.setAddresses(LIVE, KEPT, 'kept');
    await vi.advanceTimersByTimeAsync(0);
    fails404();
    expect(onCutShort).toHaveBeenCalledOnce();
  });

  it('has no live picture to go to: not by the viewer, nor by itself where the recording still grows', async () => {
    engine.setAddresses(LIVE, KEPT, 'kept');
    await vi.advanceTimersByTimeAsync(0);
    listPast();
    hasRange(0, 1800);
    playAt(1799.5);
    engine.goLive();
    engine.seekToProgram(EDGE_MS);
    video.dispatchEvent(new Event('waiting'));
    await vi.advanceTimersByTimeAsync(3000);
    expect(FakeHls.last.source).toBe(KEPT);
    listPast(false);
    await vi.advanceTimersByTimeAsync(1000);
    expect(types().at(-1)).toBe('ended');
    expect(onCutShort).not.toHaveBeenCalled();
  });
});

describe('the end of a stream for a viewer of its newest picture', () => {
  it('plays on, and goes back in the recording', async () => {
    await playLive();
    engine.setAddresses(LIVE, KEPT, 'kept');
    await vi.advanceTimersByTimeAsync(0);
    expect(FakeHls.made).toHaveLength(1);
    engine.seekToProgram(EDGE_MS - 600_000);
    await vi.advanceTimersByTimeAsync(0);
    expect(FakeHls.last.source).toBe(KEPT);
  });
});
