import { describe, expect, it, vi } from 'vitest';
import { HLS_CONFIG } from '../../src/player/config';
import { FakeHls } from './fake-hls';
import { engine, events, playAt, playRecording, setUpPlaying, start, video } from './playing';

setUpPlaying();

describe('a new source', () => {
  it('tries again when the player’s code did not load', async () => {
    let isDown = true;
    await start({ loadHls: async () => {
      if (isDown) throw new TypeError('Failed to fetch dynamically imported module');
      return FakeHls.asClass;
    } });
    expect(events.at(-1)).toMatchObject({ type: 'retry-planned', trouble: { kind: 'network' } });
    isDown = false;
    await vi.advanceTimersByTimeAsync(2000);
    expect(FakeHls.made).toHaveLength(1);
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
});

describe('a recording', () => {
  it('begin where they were left, also one that still grows', async () => {
    await playRecording({ startAtS: 41 });
    expect(FakeHls.last.config).toMatchObject({ startPosition: 41, lowLatencyMode: false });
    engine.destroy();
    await playRecording();
    expect(FakeHls.last.config).toMatchObject({ startPosition: 0 });
  });

  it('seek anywhere, keep their speed through a new start, and never go live', async () => {
    await playRecording();
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
});
