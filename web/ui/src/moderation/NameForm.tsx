import { useMutation } from '@tanstack/react-query';
import { useRef, type FormEvent, type ReactNode } from 'react';
import { ApiError, messageOf } from '../api/errors';
import { Field } from '../ui/Field';

interface Props<T> {
  label: string;
  action: string;
  hint?: string;
  /** More fields, between the name and the button. */
  children?: ReactNode;
  /** By the name as it was typed, without @ and in lower case. */
  find: (name: string) => Promise<T>;
  nobody: (name: string) => string;
  /** Does it; throws what is to be said at the form. */
  onFound: (found: T, form: FormData) => Promise<unknown>;
}

/** Somebody, or a channel, by name, and what is to be done about them. */
export function NameForm<T>({ label, action, hint, children, find, nobody, onFound }: Props<T>) {
  const form = useRef<HTMLFormElement>(null);
  const act = useMutation({
    mutationFn: async (fields: FormData) => {
      const name = tidyName(String(fields.get('name')));
      try {
        return await onFound(await find(name), fields);
      } catch (error) {
        if (error instanceof ApiError && error.code === 'NOT_FOUND') throw new ApiError(error.code, nobody(name), error.status);
        throw error;
      }
    },
    onSuccess: () => form.current?.reset(),
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    act.mutate(new FormData(event.currentTarget));
  };
  return (
    <form ref={form} className="name-form" onSubmit={submit}>
      <Field label={label} name="name" required maxLength={26} autoCapitalize="none" autoComplete="off" spellCheck={false} hint={hint} error={act.error ? messageOf(act.error) : undefined} />
      {children}
      <button type="submit" className="button" disabled={act.isPending}>{action}</button>
    </form>
  );
}

export const tidyName = (typed: string): string => typed.trim().replace(/^@/, '').toLowerCase();
