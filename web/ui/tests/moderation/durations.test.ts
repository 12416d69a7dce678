import { describe, expect, it } from 'vitest';
import { spell, spellLeft, withValue } from '../../src/moderation/durations';

it.each([[1, '1 second'], [90, '90 seconds'], [600, '10 minutes'], [3600, '1 hour'], [86_400, '1 day'], [90_000, '25 hours'], [0, '0 seconds']])('spells %d s as %s', (seconds, words) => {
  expect(spell(seconds)).toBe(words);
});

it.each([[0, 'a moment'], [500, '1 second'], [61_000, '1 minute 1 second'], [86_400_000, '1 day'], [90_061_000, '1 day 1 hour'], [3_601_000, '1 hour']])('spells what is left of %d ms as %s', (ms, words) => {
  expect(spellLeft(ms)).toBe(words);
});

describe('choices', () => {
  it('have a value that only a command can set in its place', () => {
    expect(withValue([[0, 'Off'], [30, '30 seconds']], 7, spell)).toEqual([[0, 'Off'], [7, '7 seconds'], [30, '30 seconds']]);
    expect(withValue([[0, 'Off']], 0, spell)).toEqual([[0, 'Off']]);
  });
});
