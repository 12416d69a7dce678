import { describe, expect, it } from 'vitest';
import { FakeHls } from './fake-hls';
import { engine, setUpPlaying, start } from './playing';

setUpPlaying();

describe('statistics', () => {
  it('measures', async () => {
    await start();
    FakeHls.last.playingDate = new Date(Date.now() - 1300);
    FakeHls.last.emit('buffered', { frag: { type: 'main', duration: 2 }, part: { duration: 0.5 }, stats: { total: 125_000 } });
    FakeHls.last.emit('buffered', { frag: { type: 'audio', duration: 2 }, part: null, stats: { total: 9 } });
    expect(engine.stats()).toMatchObject({
      latencyS: 1.3, aimS: 1, isBehind: false, bitrateBps: 2_000_000, codecs: 'avc1.64001f, mp4a.40.2', partTargetS: 0.333, targetDurationS: 2,
      engine: 'hls.js 0.0.0-fake',
    });
  });
});
