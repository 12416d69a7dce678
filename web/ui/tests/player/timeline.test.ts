import { describe, expect, it } from 'vitest';
import { mediaZero, positionOf, programAt, type FragmentLike } from '../../src/player/timeline';

/** Two runs of 2 s segments; between them nobody published for 30 s. */
const RUNS: FragmentLike[] = [
  { start: 100, duration: 2, programDateTime: 1_000_000 },
  { start: 102, duration: 2, programDateTime: 1_002_000 },
  { start: 104, duration: 2, programDateTime: 1_034_000 },
];

describe('timeline', () => {
  it('turns positions into program times, across an interruption', () => {
    expect([100, 103.5, 104, 105].map((position) => programAt(RUNS, position))).toEqual([1_000_000, 1_003_500, 1_034_000, 1_035_000]);
  });

  it('goes on before the first and behind the last segment', () => {
    expect([98, 108].map((position) => programAt(RUNS, position))).toEqual([998_000, 1_038_000]);
    expect([998_000, 1_040_000].map((time) => positionOf(RUNS, time))).toEqual([98, 110]);
  });

  it('is its own inverse where something was published', () => {
    for (const position of [100, 101.25, 103.999, 104, 105.5]) expect(positionOf(RUNS, programAt(RUNS, position)!)).toBeCloseTo(position, 6);
  });

  it('takes a moment at which nobody published for what came next', () => {
    expect(positionOf(RUNS, 1_020_000)).toBe(104);
  });

  it('knows nothing of lists without times, and of empty ones', () => {
    expect(programAt([], 5)).toBeNull();
    expect(positionOf([], 5)).toBeNull();
    const silent = [{ start: 0, duration: 2, programDateTime: null }];
    expect(programAt(silent, 1)).toBeNull();
    expect(positionOf(silent, 1)).toBeNull();
  });

  it('finds the start of the stream from one segment', () => {
    // At position 102 plays media time 52: decode times say 62, 40 less than the position.
    expect(mediaZero(RUNS[1]!, 62 - 102)).toBe(1_002_000 - 52_000);
    expect(mediaZero({ start: 0, duration: 2, programDateTime: null }, 0)).toBeNull();
  });
});
