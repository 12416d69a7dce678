import { describe, expect, it } from 'vitest';
import { isBehind, latencyOf } from '../../src/player/trouble';

const NOW = Date.parse('2026-11-24T12:00:10Z');
const at = (secondsAgo: number) => new Date(NOW - secondsAgo * 1000);

describe('latencyOf', () => {
  it('is now minus the time of the picture', () => {
    expect(latencyOf(NOW, at(1.25), 1.3)).toBe(1.25);
    expect(latencyOf(NOW, at(7.5), 6.1)).toBe(7.5);
    expect(latencyOf(NOW, at(1.25), null)).toBe(1.25);
  });

  it('falls back to the distance from the live edge where a clock is plainly wrong', () => {
    expect(latencyOf(NOW, at(-4), 1.3)).toBe(1.3);
    expect(latencyOf(NOW, at(3600), 1.3)).toBe(1.3);
  });

  it('knows nothing before there is a picture', () => {
    expect(latencyOf(NOW, null, null)).toBeNull();
    expect(latencyOf(NOW, null, 0)).toBeNull();
    expect(latencyOf(NOW, at(-4), null)).toBeNull();
  });
});

describe('isBehind', () => {
  it('is late beyond 3 s, or 2 s beyond an aim that is itself late', () => {
    expect(isBehind(2.9, 1)).toBe(false);
    expect(isBehind(3.1, 1)).toBe(true);
    expect(isBehind(7.9, 6)).toBe(false);
    expect(isBehind(8.1, 6)).toBe(true);
    expect(isBehind(3.1, null)).toBe(true);
    expect(isBehind(null, 1)).toBe(false);
  });
});
