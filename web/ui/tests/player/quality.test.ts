import { beforeEach, describe, expect, it, vi } from 'vitest';
import { keepBandwidth, startBandwidth, UNMEASURED_BPS } from '../../src/player/bandwidth';
import { pickQuality, qualitiesOf } from '../../src/player/quality';
import { LADDER, level } from './fake-hls';

const qualities = qualitiesOf(LADDER);
const picked = (choice: Parameters<typeof pickQuality>[0], of = qualities) => pickQuality(choice, of)?.label ?? null;

describe('qualitiesOf', () => {
  it('names renditions by size and rate, the best first, and says which is the source', () => {
    expect(qualities).toEqual([
      { index: 2, choice: 'source', label: '1080p60 (source)', lines: 1080, bitrateBps: 6_000_000 },
      { index: 1, choice: '720p', label: '720p', lines: 720, bitrateBps: 2_400_000 },
      { index: 0, choice: '480p', label: '480p', lines: 480, bitrateBps: 1_100_000 },
    ]);
  });

  it('names a phone held upright by its shorter side', () => {
    expect(qualitiesOf([level({ width: 1080, height: 1920 })])[0]!.label).toBe('1080p');
  });

  it('takes the peak for the bit rate where no average is said', () => {
    expect(qualitiesOf([level({ averageBitrate: 0 })])[0]!.bitrateBps).toBe(2_500_000);
  });
});

describe('pickQuality', () => {
  it('finds what was chosen, else the next smaller, else the smallest', () => {
    expect(picked('720p')).toBe('720p');
    expect(picked('1440p60')).toBe('1080p60 (source)');
    expect(picked('900p')).toBe('720p');
    expect(picked('240p')).toBe('480p');
    expect(picked('auto')).toBeNull();
  });

  it('takes the best for the source where none is marked', () => {
    expect(picked('source')).toBe('1080p60 (source)');
    expect(picked('source', qualities.slice(1))).toBe('720p');
    expect(picked('source', [])).toBeNull();
  });
});

describe('the remembered choice', () => {
  const fresh = async () => {
    vi.resetModules();
    return (await import('../../src/player/quality')).useQuality;
  };

  it('holds from one visit to the next', async () => {
    (await fresh()).getState().choose('1080p60');
    expect((await fresh()).getState().choice).toBe('1080p60');
  });

  it.each(['"best"', '720', 'null', '"p"', '{}'])('is not believed when it is %s', async (text) => {
    localStorage.setItem('tally.quality', text);
    expect((await fresh()).getState().choice).toBe('auto');
  });
});

describe('the remembered line', () => {
  const NOW = 1_700_000_000_000;
  beforeEach(() => localStorage.clear());

  it('is what was measured, within reason', () => {
    expect(startBandwidth(NOW)).toBe(UNMEASURED_BPS);
    keepBandwidth(7_500_000, NOW);
    expect(startBandwidth(NOW + 1000)).toBe(7_500_000);
    keepBandwidth(900_000_000, NOW);
    expect(startBandwidth(NOW)).toBe(25_000_000);
    keepBandwidth(10, NOW);
    expect(startBandwidth(NOW)).toBe(300_000);
  });

  it('is forgotten after a week, and not spoilt by nonsense', () => {
    keepBandwidth(7_500_000, NOW);
    keepBandwidth(Number.NaN, NOW);
    expect(startBandwidth(NOW)).toBe(7_500_000);
    expect(startBandwidth(NOW + 8 * 24 * 3600 * 1000)).toBe(UNMEASURED_BPS);
    localStorage.setItem('tally.bandwidth', '{"bps":"fast","atMs":1}');
    expect(startBandwidth(NOW)).toBe(UNMEASURED_BPS);
  });
});
