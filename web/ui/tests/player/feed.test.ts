import { describe, expect, it, vi } from 'vitest';
import { FakeHls } from './fake-hls';
import { engine, playRecording, setUpPlaying, start, video } from './playing';

setUpPlaying();

describe('the feed', () => {
  it('is one, also when two starts come at once', async () => {
    await start();
    engine.retry();
    engine.retry();
    await vi.advanceTimersByTimeAsync(0);
    expect(FakeHls.made.filter(({ isDestroyed }) => !isDestroyed)).toEqual([FakeHls.last]);
  });

  it('begins a recording where it was left, in the browser’s own player too', async () => {
    FakeHls.isSupportedHere = false;
    video.canPlayType = () => 'maybe';
    await start({ url: '/vods/v1/playlist.m3u8', isRecorded: true, startAtS: 41 });
    video.dispatchEvent(new Event('loadedmetadata'));
    expect(video.currentTime).toBe(41);
    expect(engine.stats().engine).toBe('native HLS');
  });

  it('takes no rendition larger than a small player', async () => {
    await playRecording({ isSmall: true });
    expect(FakeHls.last.config).toMatchObject({ capLevelToPlayerSize: true });
  });
});
