import { expect, it } from 'vitest';
import { fullJitter } from '../src/backoff';

const backoff = { baseMs: 1000, capMs: 30_000 };

it('spreads over the whole of a doubling wait, up to the cap', () => {
  const longest = [0, 1, 2, 3, 4, 5, 9].map((attempt) => fullJitter(attempt, backoff, () => 1));
  expect(longest).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  expect(fullJitter(5, backoff, () => 0)).toBe(0);
  expect(fullJitter(3, backoff, () => 0.25)).toBe(2000);
});
