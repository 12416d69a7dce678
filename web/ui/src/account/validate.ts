/** What can be said of a sign-up before the server is asked; the server decides. */

import type { Register } from '../api/types';

export const USERNAME_PATTERN = /^[a-z0-9_]{3,25}$/;
export const PASSWORD_MIN = 10;
export const PASSWORD_MAX = 128;

export type FieldErrors = Partial<Record<keyof Register, string>>;

export function checkSignup({ username, password, email }: Register): FieldErrors {
  const errors: FieldErrors = {};
  if (!USERNAME_PATTERN.test(username)) errors.username = 'Use 3 to 25 letters a-z, digits or _.';
  if (password.length < PASSWORD_MIN) errors.password = `Use at least ${PASSWORD_MIN} characters.`;
  if (password.length > PASSWORD_MAX) errors.password = `Use at most ${PASSWORD_MAX} characters.`;
  if (email && !/^[^@\s]+@[^@\s]+$/.test(email)) errors.email = 'This is not an email address.';
  return errors;
}
