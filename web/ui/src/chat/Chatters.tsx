import { useQuery } from '@tanstack/react-query';
import { chattersQuery } from '../api/chat';
import { messageOf } from '../api/errors';
import type { Chatters as Here } from '../api/types';
import { Sheet } from './Sheet';

const GROUPS: readonly (readonly [Here['chatters'][number]['role'], string])[] = [['broadcaster', 'Broadcaster'], ['moderator', 'Moderators'], ['vip', 'VIPs'], ['viewer', 'Chatters']];

/** Who is signed in to the chat right now, those with a role first. */
export function Chatters({ channelId, onName, onClose }: { channelId: string; onName: (userId: string) => void; onClose: () => void }) {
  const { data, error, isPending } = useQuery(chattersQuery(channelId));
  return (
    <Sheet title={data ? `Here now: ${data.count.toLocaleString('en')}` : 'Here now'} testid="chatters" isWhole onClose={onClose}>
      {isPending && <p className="chat-told" role="status">Loading …</p>}
      {error && <p className="error-text" role="alert">{messageOf(error)}</p>}
      {GROUPS.map(([role, title]) => {
        const some = data?.chatters.filter((chatter) => chatter.role === role) ?? [];
        if (some.length === 0) return null;
        return (
          <section key={role} className="chatters" aria-label={title}>
            <h4>{title}</h4>
            <ul>{some.map(({ userId, displayName }) => <li key={userId}><button type="button" className="chat-text-button" onClick={() => onName(userId)}>{displayName}</button></li>)}</ul>
          </section>
        );
      })}
      {data && data.count > data.chatters.length && <p className="chat-told">and {(data.count - data.chatters.length).toLocaleString('en')} more</p>}
    </Sheet>
  );
}
