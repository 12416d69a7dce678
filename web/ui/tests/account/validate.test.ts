import { expect, it } from 'vitest';
import { checkSignup } from '../../src/account/validate';

const good = { username: 'ann_b', password: 'correct horse' };

it('accepts what the server would', () => {
  expect(checkSignup(good)).toEqual({});
  expect(checkSignup({ ...good, email: 'ann@example.org', displayName: 'Ann' })).toEqual({});
});

it.each([
  ['username', { ...good, username: 'an' }],
  ['username', { ...good, username: 'a'.repeat(26) }],
  ['username', { ...good, username: 'ann b' }],
  ['username', { ...good, username: 'änn' }],
  ['password', { ...good, password: '123456789' }],
  ['password', { ...good, password: 'x'.repeat(129) }],
  ['email', { ...good, email: 'nonsense' }],
])('names the field at fault: %s', (field, body) => {
  expect(Object.keys(checkSignup(body))).toEqual([field]);
});
