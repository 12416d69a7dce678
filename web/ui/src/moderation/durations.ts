/** Spans of time that moderators choose from, in plain words. */

export type Choice = readonly [value: number, words: string];

const UNITS: readonly (readonly [number, string])[] = [[86_400, 'day'], [3600, 'hour'], [60, 'minute'], [1, 'second']];

/** "10 minutes", "1 day", "90 seconds": the largest unit that says it exactly. */
export function spell(seconds: number): string {
  const [length, unit] = UNITS.find(([length]) => seconds >= length && seconds % length === 0) ?? [1, 'second'];
  const count = seconds / length;
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}

/** "2 days 3 hours", "4 minutes 10 seconds": two units at most, of what is left. */
export function spellLeft(ms: number): string {
  let rest = Math.max(0, Math.ceil(ms / 1000));
  const words: string[] = [];
  for (const [length, unit] of UNITS) {
    const count = Math.floor(rest / length);
    rest -= count * length;
    if (count > 0) words.push(`${count} ${unit}${count === 1 ? '' : 's'}`);
    else if (words.length > 0) break;
    if (words.length === 2) break;
  }
  return words.join(' ') || 'a moment';
}

/** `choices`, and `value` in its place where it is none of them: a command can set any. */
export function withValue(choices: readonly Choice[], value: number, words: (value: number) => string): Choice[] {
  if (choices.some(([choice]) => choice === value)) return [...choices];
  return [...choices, [value, words(value)] as const].sort(([one], [other]) => one - other);
}

export const TIMEOUTS: readonly Choice[] = [60, 600, 3600, 86_400, 7 * 86_400, 14 * 86_400].map((seconds) => [seconds, spell(seconds)] as const);
