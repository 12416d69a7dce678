import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, Navigate, useSearch } from '@tanstack/react-router';
import type { FormEvent } from 'react';
import { api } from '../api/client';
import { ApiError, messageOf } from '../api/errors';
import { meQuery, useMe } from '../api/queries';
import { Field } from '../ui/Field';
import { useTitle } from '../ui/useTitle';
import './account.css';

export function LoginPage() {
  useTitle('Sign in');
  const { next } = useSearch({ from: '/login' });
  const client = useQueryClient();
  const { data: me } = useMe();
  const login = useMutation({
    mutationFn: api.login,
    onSuccess: () => client.fetchQuery({ ...meQuery, staleTime: 0 }),
  });
  const fields = login.error instanceof ApiError ? login.error.fields : {};

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    login.mutate({ username: String(form.get('username')).trim().toLowerCase(), password: String(form.get('password')) });
  };

  if (me) return <Navigate to={next ?? '/'} replace />;
  return (
    <div className="account">
      <h1>Sign in</h1>
      <form onSubmit={submit}>
        <Field label="Username" name="username" autoComplete="username" autoCapitalize="none" spellCheck={false} required autoFocus error={fields.username} />
        <Field label="Password" name="password" type="password" autoComplete="current-password" required error={fields.password} />
        {login.error && Object.keys(fields).length === 0 && <p className="error-text" role="alert">{messageOf(login.error)}</p>}
        <button type="submit" className="button primary wide" disabled={login.isPending}>{login.isPending ? 'Signing in …' : 'Sign in'}</button>
      </form>
      <p className="muted">New here? <Link to="/signup" search={next ? { next } : {}}>Create an account</Link></p>
    </div>
  );
}
