import { useInfiniteQuery } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { bansQuery, moderation } from '../api/moderation';
import type { Ban, UserCard } from '../api/types';
import { formatAgo, formatDate } from '../format';
import { Avatar } from '../ui/Avatar';
import { Field } from '../ui/Field';
import { useNow } from '../ui/useNow';
import { spellLeft, TIMEOUTS } from './durations';
import { NameForm } from './NameForm';
import { More, Part } from './Part';
import { nobody } from './RolesPanel';
import { useAct } from './useAct';

/** Who may not chat, why and for how long; and the way back. */
export function BansPanel({ channelId, onPerson }: { channelId: string; onPerson: (userId: string) => void }) {
  const query = useInfiniteQuery(bansQuery(channelId));
  const act = useAct(channelId);
  const now = useNow(1000);
  return (
    <Part id="bans" title="Bans and timeouts" note="What somebody said is taken away with a ban or a timeout." query={query}>
      {({ pages }) => {
        const bans = pages.flatMap(({ items }) => items).filter(({ until }) => until === null || new Date(until).getTime() > now);
        return (
          <>
            <BanForm channelId={channelId} />
            {bans.length === 0 ? <p className="muted">Everybody may chat.</p> : (
              <ul className="rows">
                {bans.map((ban) => (
                  <Row key={ban.userId} ban={ban} now={now} onPerson={onPerson} isBusy={act.isPending}
                    onUndo={() => act.mutate({ run: () => moderation.unban(channelId, ban.userId, ban.until !== null), done: `${ban.displayName} may chat again` })} />
                ))}
              </ul>
            )}
            <More query={query} />
          </>
        );
      }}
    </Part>
  );
}

function BanForm({ channelId }: { channelId: string }) {
  const act = useAct(channelId);
  const select = useId();
  const [isAsking, setAsking] = useState(false);
  const ban = async (user: UserCard, form: FormData) => {
    const reason = String(form.get('reason')).trim();
    const seconds = Number(form.get('for'));
    await act.mutateAsync(seconds > 0
      ? { run: () => moderation.timeout(channelId, user.userId, seconds, reason), done: `${user.displayName} is timed out` }
      : { run: () => moderation.ban(channelId, user.userId, reason), done: `${user.displayName} is banned` });
    setAsking(false);
  };
  if (!isAsking) return <button type="button" className="button part-more" onClick={() => setAsking(true)}>Ban or time out by name</button>;
  return (
    <NameForm label="Name" action="Do it" find={(name) => moderation.card(channelId, name)} nobody={nobody} onFound={ban}>
      <div className="field">
        <label htmlFor={select}>For</label>
        <select id={select} name="for" defaultValue="600">
          {TIMEOUTS.map(([seconds, words]) => <option key={seconds} value={seconds}>{words}</option>)}
          <option value="0">Ever</option>
        </select>
      </div>
      <Field label="Reason (moderators see it)" name="reason" maxLength={500} autoComplete="off" />
    </NameForm>
  );
}

interface RowProps {
  ban: Ban;
  now: number;
  isBusy: boolean;
  onPerson: (userId: string) => void;
  onUndo: () => void;
}

function Row({ ban, now, isBusy, onPerson, onUndo }: RowProps) {
  const { userId, username, displayName, until, reason, moderator, sourceChannelId, createdAt } = ban;
  return (
    <li className="row" data-testid="ban" data-user={username}>
      <Avatar name={username} displayName={displayName} size={32} />
      <span className="row-words">
        <button type="button" className="name-button" onClick={() => onPerson(userId)}>{displayName}</button>
        <span className={until ? 'row-left' : 'row-ever'}>{until ? `${spellLeft(new Date(until).getTime() - now)} left` : 'Banned'}</span>
        {reason && <span className="row-reason">{reason}</span>}
        <span className="muted" title={formatDate(createdAt)}>{sourceChannelId ? 'from a shared list, ' : moderator ? `by ${moderator}, ` : ''}{formatAgo(createdAt, now)}</span>
      </span>
      <button type="button" className="button" disabled={isBusy} onClick={onUndo} aria-label={`${until ? 'End the timeout of' : 'Unban'} ${displayName}`}>{until ? 'End' : 'Unban'}</button>
    </li>
  );
}
