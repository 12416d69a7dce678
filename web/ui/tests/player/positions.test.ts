import { expect, it } from 'vitest';
import { keepPosition, positionIn } from '../../src/player/positions';

it('remembers where each recording was left, for a hundred of them', () => {
  keepPosition('a', 95.4, 600);
  expect(positionIn('a')).toBe(95);
  expect(positionIn('b')).toBe(0);
  for (let number = 0; number < 100; number++) keepPosition(`v${number}`, 60, 600);
  expect(positionIn('a')).toBe(0);
  expect(positionIn('v0')).toBe(60);
});

it('begins anew what has hardly begun or is nearly over', () => {
  keepPosition('a', 95, 600);
  keepPosition('a', 590, 600);
  expect(positionIn('a')).toBe(0);
  keepPosition('a', 8, 600);
  expect(positionIn('a')).toBe(0);
});

it('forgets what is stored in another shape', () => {
  localStorage.setItem('tally.positions', '{"a":1}');
  expect(positionIn('a')).toBe(0);
});
