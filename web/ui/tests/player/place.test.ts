import { describe, expect, it } from 'vitest';
import { FakeHls } from './fake-hls';
import { EDGE_MS, engine, list, playLive, setUpPlaying } from './playing';

setUpPlaying();

describe('where it plays', () => {
  it('knows the media time from the decode times', async () => {
    await playLive();
    expect(engine.mediaAt(30)).toBeNull();
    // Decode times are 15 s less than positions, and media time is 10 s less than decode times.
    FakeHls.last.emit('initPts', { id: 'main', frag: list(30, 1, EDGE_MS - 20_000)[0], initPTS: -15 * 90_000, timescale: 90_000 });
    expect(engine.mediaAt(30)).toBe(5);
    expect(engine.positionOfMedia(5)).toBe(30);
    expect(engine.stats().place.zeroMs).toBe(EDGE_MS - 25_000);
  });
});
