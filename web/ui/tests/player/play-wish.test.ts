import { describe, expect, it, vi } from 'vitest';
import { FakeHls } from './fake-hls';
import { engine, notAllowed, setUpPlaying, start, types, video } from './playing';

setUpPlaying();

describe('the wish to play', () => {
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
});
