import { describe, expect, it } from 'vitest';
import { engine, playAt, playRecording, setUpPlaying, video } from './playing';

setUpPlaying();

describe('a part of a recording', () => {
  it('repeat the part that is being chosen', async () => {
    await playRecording();
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
});
