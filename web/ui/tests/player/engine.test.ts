import { describe, expect, it, vi } from 'vitest';
import { HLS_CONFIG } from '../../src/player/config';
import { FakeHls } from './fake-hls';
import { engine, events, onPlayable, setUpPlaying, start, video } from './playing';

setUpPlaying();

describe('the engine', () => {
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

  it('makes nothing when it is destroyed before the code has loaded', async () => {
    let arrive: (value: typeof FakeHls.asClass) => void = () => undefined;
    await start({ loadHls: () => new Promise((resolve) => (arrive = resolve)) });
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

  it('starts the source again when play is pressed at the end', async () => {
    await start();
    Object.defineProperty(video, 'ended', { value: true });
    engine.play();
    await vi.advanceTimersByTimeAsync(0);
    expect(FakeHls.made).toHaveLength(2);
  });

  it('plays the live picture after a pause that made it late', async () => {
    await start();
    FakeHls.last.playingDate = new Date(Date.now() - 9000);
    video.currentTime = 30;
    engine.play();
    expect(video.currentTime).toBe(50);
  });
});
