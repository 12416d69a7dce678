/** What can be said of a sign-up before the server is asked; the server decides. */

import type { Register } from '../api/types';

export const USERNAME_PATTERN = /^[a-z0-9_]{3,25}$/;
export const PASSWORD_MIN = 10;

export type FieldErrors = Partial<Record<keyof Register, string>>;

export function checkSignup({ username, password }: Pick<Register, 'username' | 'password'>): FieldErrors {
  const errors: FieldErrors = {};
  if (!USERNAME_PATTERN.test(username)) errors.username = 'Use 3 to 25 letters a-z, digits or _.';
  if (password.length < PASSWORD_MIN) errors.password = `Use at least ${PASSWORD_MIN} characters.`;
  return errors;
}
