import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { actsQuery, moderation } from '../api/moderation';
import type { Act, UserCard } from '../api/types';
import { formatAgo, formatDate } from '../format';
import { Icon } from '../ui/Icon';
import { useNow } from '../ui/useNow';
import { actWords } from './act-words';
import { NameForm } from './NameForm';
import { More, Part } from './Part';
import { nobody } from './RolesPanel';

/** Who did what, the newest first; also of one person alone. */
export function ActsPanel({ channelId, onPerson }: { channelId: string; onPerson: (userId: string) => void }) {
  const [of, setOf] = useState<UserCard | null>(null);
  const query = useInfiniteQuery(actsQuery(channelId, of?.userId));
  return (
    <Part id="acts" title="What moderators did" query={query}>
      {({ pages }) => {
        const acts = pages.flatMap(({ items }) => items);
        return (
          <>
            {of ? (
              <p className="filter"><span className="tag strong">About {of.displayName} <button type="button" aria-label="Show everything" onClick={() => setOf(null)}><Icon name="close" size={12} /></button></span></p>
            ) : (
              <NameForm label="About somebody" action="Show" find={(name) => moderation.card(channelId, name)} nobody={nobody} onFound={async (user) => setOf(user)} />
            )}
            {acts.length === 0 && <p className="muted">{of ? 'Nothing was done about them.' : 'Nothing yet.'}</p>}
            <ActList acts={acts} onPerson={onPerson} />
            <More query={query} />
          </>
        );
      }}
    </Part>
  );
}

export function ActList({ acts, onPerson }: { acts: readonly Act[]; onPerson?: (userId: string) => void }) {
  const now = useNow(60_000);
  if (acts.length === 0) return null;
  return (
    <ol className="acts">
      {acts.map((act) => {
        const { before, after, more } = actWords(act);
        const { targetId, targetName } = act;
        return (
          <li key={act.id} data-testid="act" data-action={act.action}>
            <span className="act-words">
              <b>{act.moderator || 'The server'}</b> {before}{' '}
              {targetName && (targetId && onPerson ? <button type="button" className="name-button" onClick={() => onPerson(targetId)}>{targetName}</button> : <b>{targetName}</b>)}
              {after && ` ${after}`}
            </span>
            <span className="muted act-time" title={formatDate(act.createdAt)}>{formatAgo(act.createdAt, now)}</span>
            {more && <span className="act-more" dir="auto">{more}</span>}
          </li>
        );
      })}
    </ol>
  );
}
