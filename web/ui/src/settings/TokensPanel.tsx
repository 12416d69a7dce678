import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useId, useState, type FormEvent } from 'react';
import { account, botsQuery, tokensQuery } from '../api/account';
import { ApiError, messageOf } from '../api/errors';
import type { CreateToken, Token } from '../api/types';
import { formatAgo, formatDate } from '../format';
import { Part } from '../moderation/Part';
import { useToasts } from '../stores/toasts';
import { CopyField } from '../ui/CopyField';
import { Confirm, Dialog } from '../ui/Dialog';
import { Field } from '../ui/Field';
import { Icon } from '../ui/Icon';
import { useNow } from '../ui/useNow';

type Scope = CreateToken['scopes'][number];

const SCOPES: readonly (readonly [Scope, string, string])[] = [
  ['chat:read', 'Read chats', 'also those that only you may see'],
  ['chat:write', 'Write in chats', 'as you, or as the bot'],
  ['chat:moderate', 'Moderate', 'wherever you, or the bot, are a moderator'],
];
const LIFETIMES: readonly (readonly [days: number, words: string])[] = [[30, '30 days'], [90, '90 days'], [365, 'A year'], [0, 'No end']];

/** Tokens for programs: chat clients over IRC, bots, overlays. */
export function TokensPanel({ username }: { username: string }) {
  const query = useQuery(tokensQuery);
  const [isMaking, setMaking] = useState(false);
  return (
    <Part id="tokens" title="Tokens for programs" query={query} note="With a token a chat client, a bot or a script acts as you, and may do what the token says and nothing else. Your password stays with you."
      aside={<button type="button" className="button" onClick={() => setMaking(true)}><Icon name="plus" size={18} /> New token</button>}>
      {(tokens) => (
        <>
          {tokens.length === 0 && <p className="muted">None yet.</p>}
          <ul className="rows">{tokens.map((token) => <Row key={token.id} token={token} username={username} />)}</ul>
          {isMaking && <TokenDialog username={username} onClose={() => setMaking(false)} />}
        </>
      )}
    </Part>
  );
}

function Row({ token, username }: { token: Token; username: string }) {
  const now = useNow(60_000);
  const client = useQueryClient();
  const show = useToasts((toasts) => toasts.show);
  const [isAsking, setAsking] = useState(false);
  const end = useMutation({
    mutationFn: () => account.deleteToken(token.id),
    onSuccess: () => show(`${token.name} has ended`),
    onError: (error) => show(messageOf(error), 'failed'),
    onSettled: () => (setAsking(false), client.invalidateQueries({ queryKey: tokensQuery.queryKey })),
  });
  const facts = [
    token.username !== username && `for ${token.username}`, token.scopes.map(wordsOf).join(', ').toLowerCase(),
    token.lastUsedAt ? `last used ${formatAgo(token.lastUsedAt, now)}` : 'never used',
    token.expiresAt && (new Date(token.expiresAt).getTime() > now ? `ends ${formatAgo(token.expiresAt, now)}` : 'has run out'),
  ].filter(Boolean);
  return (
    <li className="row" data-testid="token">
      <Icon name="key" />
      <span className="row-words"><b title={`Made ${formatDate(token.createdAt)}`}>{token.name}</b><span className="muted">{facts.join(' · ')}</span></span>
      <button type="button" className="icon-button" aria-label={`End ${token.name}`} title="End" onClick={() => setAsking(true)}><Icon name="trash" /></button>
      {isAsking && (
        <Confirm title={`End ${token.name}?`} text="What uses it is cut off within a minute, for good." action="End the token" isDangerous isBusy={end.isPending} onConfirm={() => end.mutate()} onClose={() => setAsking(false)} />
      )}
    </li>
  );
}

const wordsOf = (scope: Scope): string => SCOPES.find(([name]) => name === scope)?.[1] ?? scope;

/** What it is for, then the token: shown once. */
function TokenDialog({ username, onClose }: { username: string; onClose: () => void }) {
  const client = useQueryClient();
  const bots = useQuery(botsQuery);
  const ids = { who: useId(), life: useId() };
  const [scopes, setScopes] = useState<readonly Scope[]>(['chat:read', 'chat:write']);
  const make = useMutation({
    mutationFn: (body: CreateToken) => account.createToken(body),
    onSuccess: () => client.invalidateQueries({ queryKey: tokensQuery.queryKey }),
  });
  const fields = make.error instanceof ApiError ? make.error.fields : {};
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const bot = String(form.get('bot') ?? '');
    const days = Number(form.get('days'));
    make.mutate({ name: String(form.get('name')).trim(), scopes: [...scopes], ...(bot && { botId: bot }), ...(days > 0 && { expiresInDays: days }) });
  };
  if (make.data?.token) return <Made token={make.data.token} name={make.data.name} username={make.data.username} onClose={onClose} />;
  return (
    <Dialog title="New token" onClose={onClose}>
      <form className="edit-form token-form" onSubmit={submit}>
        <Field label="What it is for" name="name" required maxLength={50} placeholder="Chatterino on my laptop" autoComplete="off" error={fields.name} />
        {(bots.data?.length ?? 0) > 0 && (
          <div className="field">
            <label htmlFor={ids.who}>It acts as</label>
            <select id={ids.who} name="bot" defaultValue="">
              <option value="">{username}</option>
              {bots.data?.map(({ userId, username: bot }) => <option key={userId} value={userId}>{bot}</option>)}
            </select>
          </div>
        )}
        <fieldset className="scopes">
          <legend>It may</legend>
          {SCOPES.map(([scope, words, note]) => (
            <label key={scope} className="check">
              <input type="checkbox" checked={scopes.includes(scope)} onChange={({ target }) => setScopes(SCOPES.map(([name]) => name).filter((name) => (name === scope ? target.checked : scopes.includes(name))))} />
              <span>{words} <span className="muted">{note}</span></span>
            </label>
          ))}
        </fieldset>
        <div className="field">
          <label htmlFor={ids.life}>It ends after</label>
          <select id={ids.life} name="days" defaultValue="90">{LIFETIMES.map(([days, words]) => <option key={days} value={days}>{words}</option>)}</select>
        </div>
        {make.error && Object.keys(fields).length === 0 && <p className="error-text" role="alert">{messageOf(make.error)}</p>}
        <div className="actions">
          <button type="button" className="button" onClick={onClose}>Cancel</button>
          <button type="submit" className="button primary" disabled={make.isPending || scopes.length === 0}>{make.isPending ? 'Making …' : 'Make token'}</button>
        </div>
      </form>
    </Dialog>
  );
}

function Made({ token, name, username, onClose }: { token: string; name: string; username: string; onClose: () => void }) {
  return (
    <Dialog title={name} onClose={onClose}>
      <CopyField label="Token" value={token} isSecret />
      <p className="note"><Icon name="warning" size={18} /> Copy it now. It is shown this once and cannot be shown again.</p>
      <p className="muted">In a chat client: name <b>{username}</b>, password <code>oauth:</code> and the token behind it. Over the API: <code>Authorization: Bearer</code> and the token.</p>
      <div className="actions"><button type="button" className="button primary" onClick={onClose}>Done</button></div>
    </Dialog>
  );
}
