import { describe, expect, it, vi } from 'vitest';
import { FakeHls } from './fake-hls';
import { engine, moves, playAt, setUpPlaying, start, video } from './playing';

setUpPlaying();

describe('catching up', () => {
  it('catches up when a page comes back from the background, unless the viewer went back or paused', async () => {
    await start();
    moves();
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
    moves();
    FakeHls.last.playingDate = new Date(Date.now() - 9000);
    playAt(30);
    expect(video.currentTime).toBe(50);
    playAt(30);
    expect(video.currentTime).toBe(30);
    await vi.advanceTimersByTimeAsync(10_000);
    video.dispatchEvent(new Event('playing'));
    expect(video.currentTime).toBe(50);
  });

  it('makes up for being late again soon after a jump, once the time has come', async () => {
    await start();
    moves();
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
});
