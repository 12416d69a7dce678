import { useQuery } from '@tanstack/react-query';
import { messageOf } from '../api/errors';
import { cardQuery, moderation } from '../api/moderation';
import type { UserCard, UserHistory } from '../api/types';
import { ChatLine } from '../chat/ChatLine';
import { formatAgo, formatCount, formatDate } from '../format';
import { Avatar } from '../ui/Avatar';
import { Dialog } from '../ui/Dialog';
import { useNow } from '../ui/useNow';
import { ActList } from './ActsPanel';
import { spell, spellLeft, TIMEOUTS } from './durations';
import { useAct } from './useAct';

interface Props {
  channelId: string;
  userId: string;
  onClose: () => void;
}

/** Who somebody is here: what they said, what was done about them, and what can be done now. */
export function PersonDialog({ channelId, userId, onClose }: Props) {
  const query = useQuery(cardQuery(channelId, userId));
  const card = query.data;
  return (
    <Dialog title={card?.displayName ?? 'Somebody'} isWide onClose={onClose}>
      {card ? <Person channelId={channelId} card={card} /> : query.error ? <p className="error-text" role="alert">{messageOf(query.error)}</p> : <div className="skeleton part-skeleton" />}
      <div className="actions"><button type="button" className="button" onClick={onClose}>Done</button></div>
    </Dialog>
  );
}

const ROLES = { viewer: '', vip: 'VIP', moderator: 'Moderator', broadcaster: 'Owner of the channel' };

function Person({ channelId, card }: { channelId: string; card: UserCard }) {
  const now = useNow(10_000);
  const { username, displayName, role, isBot, createdAt, followedAt, subscribedMonths, history } = card;
  const facts = [
    ROLES[role], isBot && 'Bot', `account made ${formatAgo(createdAt, now)}`, followedAt ? `follows since ${formatDate(followedAt)}` : 'does not follow',
    subscribedMonths > 0 && `subscribed for ${subscribedMonths} ${subscribedMonths === 1 ? 'month' : 'months'}`,
  ].filter(Boolean);
  return (
    <>
      <div className="row">
        <Avatar name={username} displayName={displayName} size={48} />
        <span className="row-words"><b>{username}</b><span className="muted">{facts.join(' · ')}</span></span>
      </div>
      {history && <History channelId={channelId} card={card} history={history} />}
    </>
  );
}

function History({ channelId, card, history }: { channelId: string; card: UserCard; history: UserHistory }) {
  const { messageCount, banCount, timeoutCount, messages, acts } = history;
  const now = useNow(60_000);
  return (
    <>
      <p className="muted">{formatCount(messageCount)} {messageCount === 1 ? 'message' : 'messages'}, timed out {times(timeoutCount)}, banned {times(banCount)}</p>
      {card.role !== 'broadcaster' && <Deeds channelId={channelId} card={card} history={history} />}
      <h3>What they said last</h3>
      {messages.length === 0 ? <p className="muted">Nothing.</p> : (
        <div className="said" tabIndex={0} role="group" aria-label="What they said last">
          {messages.map(({ message, isDeleted }) => <ChatLine key={message.id} message={message} isDeleted={isDeleted} isRevealed time={formatAgo(new Date(message.timestamp).toISOString(), now)} />)}
        </div>
      )}
      {acts.length > 0 && <><h3>What was done about them</h3><ActList acts={acts} /></>}
    </>
  );
}

const times = (count: number): string => (count === 0 ? 'never' : count === 1 ? 'once' : `${count} times`);

function Deeds({ channelId, card: { userId, displayName }, history: { ban } }: { channelId: string; card: UserCard; history: UserHistory }) {
  const act = useAct(channelId);
  const now = useNow(1000, ban !== null);
  const holds = ban && (ban.until === null || new Date(ban.until).getTime() > now);
  if (holds) {
    return (
      <div className="held-actions">
        <span className="row-ever">{ban.until ? `Timed out, ${spellLeft(new Date(ban.until).getTime() - now)} left` : 'Banned'}{ban.reason && `: ${ban.reason}`}</span>
        <button type="button" className="button" disabled={act.isPending} onClick={() => act.mutate({ run: () => moderation.unban(channelId, userId, ban.until !== null), done: `${displayName} may chat again` })}>{ban.until ? 'End the timeout' : 'Unban'}</button>
      </div>
    );
  }
  return (
    <div className="held-actions">
      <span className="picker">
        <select aria-label={`Time out ${displayName}`} value="" disabled={act.isPending}
          onChange={({ target }) => act.mutate({ run: () => moderation.timeout(channelId, userId, Number(target.value), ''), done: `${displayName} is timed out for ${spell(Number(target.value))}` })}>
          <option value="" disabled>Time out …</option>
          {TIMEOUTS.map(([seconds, words]) => <option key={seconds} value={seconds}>{words}</option>)}
        </select>
      </span>
      <button type="button" className="button danger" disabled={act.isPending} onClick={() => act.mutate({ run: () => moderation.ban(channelId, userId, ''), done: `${displayName} is banned` })}>Ban</button>
    </div>
  );
}
