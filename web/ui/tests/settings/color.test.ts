import { expect, it } from 'vitest';
import { tidyColor } from '../../src/settings/ProfilePanel';

it.each([['#ff8800', '#FF8800'], ['f80', '#FF8800'], [' #AbC ', '#AABBCC'], ['red', null], ['#12345', null], ['#12345g', null], ['', null]])('takes %j as %j', (typed, color) => {
  expect(tidyColor(typed)).toBe(color);
});
