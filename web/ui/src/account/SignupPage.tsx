import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, Navigate, useSearch } from '@tanstack/react-router';
import { useState, type FormEvent } from 'react';
import { api } from '../api/client';
import { ApiError, messageOf } from '../api/errors';
import { meQuery, useMe } from '../api/queries';
import type { Register } from '../api/types';
import { Field } from '../ui/Field';
import { useTitle } from '../ui/useTitle';
import { checkSignup, type FieldErrors } from './validate';
import './account.css';

export function SignupPage() {
  useTitle('Create an account');
  const { next } = useSearch({ from: '/signup' });
  const client = useQueryClient();
  const { data: me } = useMe();
  const [local, setLocal] = useState<FieldErrors>({});
  const register = useMutation({
    mutationFn: api.register,
    onSuccess: () => client.fetchQuery({ ...meQuery, staleTime: 0 }),
  });
  const refused = register.error instanceof ApiError ? register.error.fields : {};
  const errorOf = (name: keyof Register) => local[name] ?? refused[name];

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: keyof Register) => String(form.get(name) ?? '').trim();
    const body: Register = { username: text('username').toLowerCase(), password: String(form.get('password')) };
    if (text('displayName')) body.displayName = text('displayName');
    if (text('email')) body.email = text('email');
    if (text('inviteCode')) body.inviteCode = text('inviteCode');
    const errors = checkSignup(body);
    setLocal(errors);
    if (Object.keys(errors).length === 0) register.mutate(body);
    else register.reset();
  };

  if (me) return <Navigate to={next ?? '/dashboard'} replace />;
  return (
    <div className="account">
      <h1>Create an account</h1>
      <form onSubmit={submit} noValidate>
        <Field label="Username" name="username" autoComplete="username" autoCapitalize="none" spellCheck={false} required autoFocus
          hint="Letters a-z, digits and _. This is also how you sign in." error={errorOf('username')} />
        <Field label="Display name (optional)" name="displayName" autoComplete="nickname" maxLength={50} error={errorOf('displayName')} />
        <Field label="Email (optional)" name="email" type="email" autoComplete="email" hint="Only for getting back into your account." error={errorOf('email')} />
        <Field label="Password" name="password" type="password" autoComplete="new-password" required hint="At least 10 characters." error={errorOf('password')} />
        {errorOf('inviteCode') !== undefined && <Field label="Invite code" name="inviteCode" autoComplete="off" error={errorOf('inviteCode')} />}
        {register.error && Object.keys(refused).length === 0 && <p className="error-text" role="alert">{messageOf(register.error)}</p>}
        <button type="submit" className="button primary wide" disabled={register.isPending}>{register.isPending ? 'Creating …' : 'Create account'}</button>
      </form>
      <p className="muted">Have one already? <Link to="/login" search={next ? { next } : {}}>Sign in</Link></p>
    </div>
  );
}
