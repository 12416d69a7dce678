import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { FormEvent } from 'react';
import { api } from '../api/client';
import { ApiError, messageOf } from '../api/errors';
import { meQuery } from '../api/queries';
import { Field } from '../ui/Field';

/** The first thing a new streamer does. */
export function CreateChannel({ username }: { username: string }) {
  const client = useQueryClient();
  const create = useMutation({
    mutationFn: api.createChannel,
    onSuccess: () => client.invalidateQueries({ queryKey: meQuery.queryKey }),
  });
  const fields = create.error instanceof ApiError ? create.error.fields : {};
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    create.mutate({ name: String(form.get('name')).trim().toLowerCase(), title: String(form.get('title')).trim() });
  };
  return (
    <div className="account" data-testid="create-channel">
      <h1>Create your channel</h1>
      <p className="muted">Its name becomes its address. The title can change with every stream.</p>
      <form onSubmit={submit}>
        <Field label="Name" name="name" defaultValue={username} required minLength={3} maxLength={25} pattern="[A-Za-z0-9_]+" title="Letters a-z, digits and _"
          autoCapitalize="none" spellCheck={false} hint={`${window.location.host}/NAME`} error={fields.name} />
        <Field label="Title (optional)" name="title" maxLength={140} placeholder="What is this stream about?" error={fields.title} />
        {create.error && Object.keys(fields).length === 0 && <p className="error-text" role="alert">{messageOf(create.error)}</p>}
        <button type="submit" className="button primary wide" disabled={create.isPending}>{create.isPending ? 'Creating …' : 'Create channel'}</button>
      </form>
    </div>
  );
}
