import { describe, expect, it, vi } from 'vitest';
import { FakeHls } from './fake-hls';
import { engine, isBuffered, playAt, playRecording, setUpPlaying, start, types, video } from './playing';

setUpPlaying();

describe('a stall', () => {
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

  it('does not wait as long where there is media ahead and the picture stands all the same', async () => {
    await start();
    video.currentTime = 30;
    isBuffered(29, 31);
    video.dispatchEvent(new Event('waiting'));
    await vi.advanceTimersByTimeAsync(2000);
    expect(video.currentTime).toBe(30);
    await vi.advanceTimersByTimeAsync(800);
    expect(video.currentTime).toBe(50);
  });
});

describe('a recording', () => {
  it('take a stall at the end for the end, and one in the middle for a poor line', async () => {
    await playRecording();
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
});
