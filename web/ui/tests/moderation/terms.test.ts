import { expect, it } from 'vitest';
import { addTerms, TERM_MAX, TERMS_MAX, termsTrouble } from '../../src/moderation/TermsPanel';

it('adds each line once, tidied', () => {
  expect(addTerms(['Spoiler'], ' spoiler \r\nbad   word\n\nx*')).toEqual(['Spoiler', 'bad word', 'x*']);
});

it('says why a list cannot be', () => {
  expect(termsTrouble(['fine', 'x*y'])).toBeNull();
  expect(termsTrouble(['* *'])).toContain('every message');
  expect(termsTrouble(['😀'.repeat(TERM_MAX)])).toBeNull();
  expect(termsTrouble(['x'.repeat(TERM_MAX + 1)])).toContain('100 characters');
  expect(termsTrouble(Array.from({ length: TERMS_MAX + 1 }, (_, n) => `t${n}`))).toContain('501');
});
