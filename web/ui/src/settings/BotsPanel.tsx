import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useRef, useState, type FormEvent } from 'react';
import { account, botsQuery, tokensQuery } from '../api/account';
import { ApiError, messageOf } from '../api/errors';
import type { Bot } from '../api/types';
import { formatAgo, formatDate } from '../format';
import { Part } from '../moderation/Part';
import { useToasts } from '../stores/toasts';
import { Avatar } from '../ui/Avatar';
import { Confirm } from '../ui/Dialog';
import { Field } from '../ui/Field';
import { Icon } from '../ui/Icon';
import { useNow } from '../ui/useNow';

/** Accounts that programs speak for. */
export function BotsPanel() {
  const query = useQuery(botsQuery);
  return (
    <Part id="bots" title="Bots" query={query} note="A bot is an account of its own, without a password: tokens of yours speak for it, and chats mark what it says.">
      {(bots) => (
        <>
          <BotForm />
          {bots.length > 0 && <ul className="rows">{bots.map((bot) => <Row key={bot.userId} bot={bot} />)}</ul>}
        </>
      )}
    </Part>
  );
}

function BotForm() {
  const client = useQueryClient();
  const show = useToasts((toasts) => toasts.show);
  const form = useRef<HTMLFormElement>(null);
  const make = useMutation({
    mutationFn: account.createBot,
    onSuccess: ({ displayName }) => {
      form.current?.reset();
      show(`${displayName} is there. Make a token for it above.`);
      void client.invalidateQueries({ queryKey: botsQuery.queryKey });
    },
  });
  const fields = make.error instanceof ApiError ? make.error.fields : {};
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const values = new FormData(event.currentTarget);
    const displayName = String(values.get('displayName')).trim();
    make.mutate({ username: String(values.get('username')).trim().toLowerCase(), ...(displayName && { displayName }) });
  };
  return (
    <form ref={form} className="name-form" onSubmit={submit}>
      <Field label="Username" name="username" required minLength={3} maxLength={25} pattern="[A-Za-z0-9_]+" title="Letters a-z, digits and _" autoCapitalize="none" autoComplete="off" spellCheck={false}
        error={fields.username ?? (make.error && Object.keys(fields).length === 0 ? messageOf(make.error) : undefined)} />
      <Field label="Display name (optional)" name="displayName" maxLength={50} autoComplete="off" error={fields.displayName} />
      <button type="submit" className="button" disabled={make.isPending}>Make bot</button>
    </form>
  );
}

function Row({ bot: { userId, username, displayName, createdAt } }: { bot: Bot }) {
  const now = useNow(60_000);
  const client = useQueryClient();
  const show = useToasts((toasts) => toasts.show);
  const [isAsking, setAsking] = useState(false);
  const remove = useMutation({
    mutationFn: () => account.deleteBot(userId),
    onSuccess: () => show(`${displayName} is deleted`),
    onError: (error) => show(messageOf(error), 'failed'),
    onSettled: async () => {
      setAsking(false);
      await client.invalidateQueries({ queryKey: botsQuery.queryKey });
      await client.invalidateQueries({ queryKey: tokensQuery.queryKey });
    },
  });
  return (
    <li className="row" data-testid="bot">
      <Avatar name={username} displayName={displayName} size={32} />
      <span className="row-words"><b>{displayName}</b><span className="muted" title={formatDate(createdAt)}>{username}, made {formatAgo(createdAt, now)}</span></span>
      <button type="button" className="icon-button" aria-label={`Delete ${displayName}`} title="Delete" onClick={() => setAsking(true)}><Icon name="trash" /></button>
      {isAsking && (
        <Confirm title={`Delete ${displayName}?`} text="Its tokens end with it. What it said stays." action="Delete" isDangerous isBusy={remove.isPending} onConfirm={() => remove.mutate()} onClose={() => setAsking(false)} />
      )}
    </li>
  );
}
