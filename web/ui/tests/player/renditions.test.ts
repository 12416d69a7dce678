import { beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeHls, LADDER, level } from './fake-hls';
import { engine, isBuffered, onQualities, setUpPlaying, start } from './playing';

setUpPlaying();

describe('with a ladder', () => {
  beforeEach(async () => {
    await start();
    FakeHls.last.levels = LADDER;
    FakeHls.last.emit('parsed');
  });

  it('lists what there is and plays by itself', () => {
    expect(onQualities.mock.lastCall?.[0]).toMatchObject([{ label: '1080p60 (source)' }, { label: '720p' }, { label: '480p' }]);
    expect(FakeHls.last.sets).toEqual([]);
    expect(engine.stats()).toMatchObject({ quality: '480p', isAuto: true });
  });

  it('changes the rendition without throwing away the little that is buffered at the live edge', () => {
    engine.setQuality('720p');
    expect(FakeHls.last.sets).toEqual([['loadLevel', 1]]);
    engine.setQuality('auto');
    expect(FakeHls.last.sets.at(-1)).toEqual(['loadLevel', -1]);
  });

  it('changes it at once where much is buffered', () => {
    isBuffered(0, 20);
    engine.setQuality('source');
    expect(FakeHls.last.sets).toEqual([['nextLevel', 2]]);
  });

  it('keeps the choice through a retry and a list that changed', async () => {
    engine.setQuality('720p');
    engine.retry();
    await vi.advanceTimersByTimeAsync(0);
    FakeHls.last.levels = [LADDER[1]!, LADDER[2]!];
    FakeHls.last.emit('parsed');
    expect(FakeHls.last.sets).toEqual([['loadLevel', 0]]);
    FakeHls.last.levels = [level({ width: 1920, height: 1080 })];
    FakeHls.last.emit('levels');
    expect(onQualities.mock.lastCall?.[0]).toHaveLength(1);
  });

  it('takes the viewer back to the chosen rendition some time after hls.js had to leave it', async () => {
    engine.setQuality('720p');
    FakeHls.last.autoLevelEnabled = true;
    FakeHls.last.emit('switching');
    await vi.advanceTimersByTimeAsync(19_000);
    expect(FakeHls.last.sets).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1000);
    expect(FakeHls.last.sets.at(-1)).toEqual(['loadLevel', 1]);
    expect(FakeHls.last.sets).toHaveLength(2);
  });
});
