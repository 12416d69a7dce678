import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useRef } from 'react';
import { heldQuery, moderation } from '../api/moderation';
import type { HeldMessage } from '../api/types';
import { formatAgo, formatDate } from '../format';
import { useShortcuts } from '../player/useShortcuts';
import { useNow } from '../ui/useNow';
import { spell } from './durations';
import { Part } from './Part';
import { useAct } from './useAct';

const TIMEOUT_S = 600;

interface Deed {
  key: string;
  words: string;
  className: string;
  run: (channelId: string, held: HeldMessage) => Promise<unknown>;
}

/** A timeout or a ban decides about the message as well. */
const against = (punish: (channelId: string, userId: string) => Promise<unknown>) => async (channelId: string, { id, userId }: HeldMessage) => {
  await punish(channelId, userId);
  await moderation.deny(channelId, id);
};

const DEEDS: readonly Deed[] = [
  { key: 'a', words: 'Approve', className: 'button primary', run: (channelId, { id }) => moderation.approve(channelId, id) },
  { key: 'd', words: 'Deny', className: 'button', run: (channelId, { id }) => moderation.deny(channelId, id) },
  { key: 't', words: `Time out ${spell(TIMEOUT_S)}`, className: 'button quiet', run: against((channelId, userId) => moderation.timeout(channelId, userId, TIMEOUT_S, '')) },
  { key: 'b', words: 'Ban', className: 'button quiet danger', run: against((channelId, userId) => moderation.ban(channelId, userId, '')) },
];

/** Messages that wait for a moderator, the oldest first. */
export function HeldPanel({ channelId, onPerson }: { channelId: string; onPerson: (userId: string) => void }) {
  const query = useQuery(heldQuery(channelId));
  const client = useQueryClient();
  const act = useAct(channelId);
  const list = useRef<HTMLUListElement>(null);
  const waiting = query.data ?? [];

  /** Where the keys apply: the row with the focus. */
  const here = (): number => {
    const row = document.activeElement?.closest<HTMLElement>('[data-held]');
    return row && list.current?.contains(row) ? waiting.findIndex(({ id }) => id === row.dataset.held) : -1;
  };
  const go = (to: number) => list.current?.querySelectorAll<HTMLElement>('[data-held] .primary')[to]?.focus();
  const decide = (held: HeldMessage, deed: Deed) => {
    const at = here();
    if (at >= 0) go(at === waiting.length - 1 ? at - 1 : at + 1);
    client.setQueryData(heldQuery(channelId).queryKey, (now) => now?.filter(({ id }) => id !== held.id));
    act.mutate({ run: () => deed.run(channelId, held) });
  };
  const atHere = (deed: Deed) => {
    const held = waiting[here()];
    if (held) decide(held, deed);
  };
  useShortcuts([
    { keys: ['j'], label: 'j', what: 'Next', act: () => go(Math.min(here() + 1, waiting.length - 1)) },
    { keys: ['k'], label: 'k', what: 'Back', act: () => go(Math.max(here() - 1, 0)) },
    ...DEEDS.map((deed) => ({ keys: [deed.key], label: deed.key, what: deed.words, act: () => atHere(deed) })),
  ], waiting.length > 0);

  return (
    <Part id="held" title="Waiting messages" query={query} aside={waiting.length > 0 && <Keys />}>
      {() => waiting.length === 0 ? <p className="muted">Nothing waits. Messages that the rules hold back show up here.</p> : (
        <ul className="rows" ref={list}>
          {waiting.map((held) => <Row key={held.id} held={held} onPerson={onPerson} onDeed={(deed) => decide(held, deed)} />)}
        </ul>
      )}
    </Part>
  );
}

function Keys() {
  return (
    <p className="keys wide-only" aria-label="Keys: j next, k back, a approve, d deny, t time out, b ban">
      <kbd>J</kbd> <kbd>K</kbd> move <kbd>A</kbd> approve <kbd>D</kbd> deny <kbd>T</kbd> time out <kbd>B</kbd> ban
    </p>
  );
}

function Row({ held, onPerson, onDeed }: { held: HeldMessage; onPerson: (userId: string) => void; onDeed: (deed: Deed) => void }) {
  const now = useNow(10_000);
  const { id, userId, displayName, content, reason, createdAt } = held;
  return (
    <li className="held" data-held={id} data-testid="held">
      <p className="held-head">
        <button type="button" className="name-button" onClick={() => onPerson(userId)}>{displayName}</button>
        <span className="muted" title={formatDate(createdAt)}>{formatAgo(createdAt, now)}</span>
        <span className="tag">{reasonOf(reason)}</span>
      </p>
      <p className="held-words" dir="auto">{content}</p>
      <div className="held-actions">
        {DEEDS.map((deed) => <button key={deed.key} type="button" className={deed.className} aria-label={`${deed.words}: ${displayName}`} onClick={() => onDeed(deed)}>{deed.words}</button>)}
      </div>
    </li>
  );
}

const reasonOf = (reason: string): string => reason.charAt(0).toUpperCase() + reason.slice(1);
