import { beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeHls } from './fake-hls';
import { engine, events, moves, setUpPlaying, start, types, video } from './playing';

setUpPlaying();

describe('trying again', () => {
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

  it('waits through a gap in every rendition', async () => {
    await start();
    FakeHls.last.fail('fragGap', { type: 'media' });
    FakeHls.last.fail('fragGap');
    await vi.advanceTimersByTimeAsync(2000);
    expect(FakeHls.made).toHaveLength(1);
    expect(FakeHls.last.starts).toBe(1);
  });
});

describe('while the publisher is awaited', () => {
  beforeEach(async () => {
    await start();
    moves();
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
