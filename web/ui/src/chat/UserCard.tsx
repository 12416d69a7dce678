import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { messageOf } from '../api/errors';
import { moderation, type Grant } from '../api/moderation';
import type { UserCard as Card, You } from '../api/types';
import { formatAgo, formatClock, formatCount, formatDate } from '../format';
import { Avatar } from '../ui/Avatar';
import { Icon } from '../ui/Icon';
import { TIMEOUTS, attempt, type Acts } from './acts';
import { Badges, badgeName } from './Badges';
import { MenuItem, PopMenu } from './PopMenu';
import { Words } from './ChatLine';
import { Sheet } from './Sheet';

interface Props {
  channelId: string;
  userId: string;
  you: You | null;
  mayModerate: boolean;
  acts: Acts;
  onMention: (username: string) => void;
  onReport: (card: Card) => void;
  onClose: () => void;
}

/** Who somebody is in this channel; to moderators, what they have said and what was done about it. */
export function UserCard({ channelId, userId, you, mayModerate, onClose, ...more }: Props) {
  const queryKey = ['chat-card', channelId, userId];
  const client = useQueryClient();
  const { data: card, error } = useQuery({ queryKey, queryFn: ({ signal }) => moderation.card(channelId, userId, signal), staleTime: 0 });
  const again = () => void client.invalidateQueries({ queryKey });
  return (
    <Sheet title={card?.displayName ?? 'Who is this?'} testid="user-card" onClose={onClose}>
      {error && <p className="error-text" role="alert">{messageOf(error)}</p>}
      {!card && !error && <p className="chat-told" role="status">Loading …</p>}
      {card && (
        <>
          <Facts card={card} />
          <div className="card-acts">
            {you?.userId && you.userId !== userId && <button type="button" className="button small" onClick={() => more.onMention(card.username)}>Mention</button>}
            {you?.userId && you.userId !== userId && <button type="button" className="button small" onClick={() => more.onReport(card)}><Icon name="flag" size={15} /> Report</button>}
            {mayModerate && you?.userId !== userId && <Silence card={card} acts={more.acts} onDone={again} />}
            {you?.role === 'broadcaster' && you.userId !== userId && <Roles channelId={channelId} card={card} onDone={again} />}
          </div>
          {card.history && <History history={card.history} />}
        </>
      )}
    </Sheet>
  );
}

function Facts({ card }: { card: Card }) {
  const now = Date.now();
  return (
    <>
      <div className="card-head">
        <Avatar name={card.username} displayName={card.displayName} size={52} />
        <div>
          <p className="card-who"><Badges badges={card.badges} /> <b>{card.displayName}</b></p>
          <p className="muted">@{card.username}{card.isBot && ' · Bot'}</p>
        </div>
      </div>
      <dl className="card-facts">
        {card.badges.length > 0 && <><dt>Here</dt><dd>{card.badges.map(badgeName).join(', ')}</dd></>}
        <dt>Account</dt><dd title={formatDate(card.createdAt)}>made {formatAgo(card.createdAt, now)}</dd>
        <dt>Follows</dt><dd title={card.followedAt ? formatDate(card.followedAt) : undefined}>{card.followedAt ? `since ${formatAgo(card.followedAt, now)}` : 'not this channel'}</dd>
        {card.subscribedMonths > 0 && <><dt>Subscribed</dt><dd>{card.subscribedMonths} {card.subscribedMonths === 1 ? 'month' : 'months'}</dd></>}
      </dl>
    </>
  );
}

function Silence({ card, acts, onDone }: { card: Card; acts: Acts; onDone: () => void }) {
  if (card.role === 'broadcaster') return null;
  const then = async (act: Promise<boolean>) => {
    if (await act) onDone();
  };
  if (card.history?.ban) {
    return <button type="button" className="button small" onClick={() => void then(acts.unban(card))}>{card.history.ban.until ? 'End the timeout' : 'Lift the ban'}</button>;
  }
  return (
    <>
      <PopMenu label="Time out" icon={<><Icon name="clock" size={15} /> Time out</>} className="button small">
        {(close) => TIMEOUTS.map(([seconds, words]) => <MenuItem key={seconds} isDanger onPick={() => (close(), void then(acts.timeout(card, seconds)))}>{words}</MenuItem>)}
      </PopMenu>
      <button type="button" className="button small danger" onClick={() => void then(acts.ban(card))}><Icon name="ban" size={15} /> Ban</button>
    </>
  );
}

/** The owner names moderators and VIPs. */
function Roles({ channelId, card, onDone }: { channelId: string; card: Card; onDone: () => void }) {
  const [isBusy, setBusy] = useState(false);
  const set = async (role: Grant, isWanted: boolean) => {
    setBusy(true);
    const isDone = await attempt(isWanted ? moderation.grant(channelId, role, card.userId) : moderation.revoke(channelId, role, card.userId));
    setBusy(false);
    if (isDone) onDone();
  };
  const is = (role: Grant) => card.role === role;
  return (
    <>
      <button type="button" className="button small" aria-pressed={is('moderator')} disabled={isBusy} onClick={() => void set('moderator', !is('moderator'))}>{is('moderator') ? 'Moderator no more' : 'Make moderator'}</button>
      <button type="button" className="button small" aria-pressed={is('vip')} disabled={isBusy} onClick={() => void set('vip', !is('vip'))}>{is('vip') ? 'VIP no more' : 'Make VIP'}</button>
    </>
  );
}

function History({ history }: { history: NonNullable<Card['history']> }) {
  const { messageCount, banCount, timeoutCount, ban, messages } = history;
  return (
    <section className="card-history" aria-label="For moderators">
      <p className="muted">
        {formatCount(messageCount)} {messageCount === 1 ? 'message' : 'messages'} · {timeoutCount} {timeoutCount === 1 ? 'timeout' : 'timeouts'} · {banCount} {banCount === 1 ? 'ban' : 'bans'}
      </p>
      {ban && <p className="error-text">{ban.until ? `Timed out until ${formatDate(ban.until)}` : 'Banned'} by {ban.moderator}{ban.reason && `: ${ban.reason}`}</p>}
      <ul>
        {messages.map(({ message, isDeleted }) => (
          <li key={message.id} data-deleted={isDeleted}><span className="chat-time">{formatClock(message.timestamp)}</span><Words message={message} /></li>
        ))}
      </ul>
    </section>
  );
}
