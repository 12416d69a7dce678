import { useSyncExternalStore } from 'react';
import type { ChatRoom } from '../chat/room';
import { formatCount } from '../format';
import { Icon } from '../ui/Icon';

/** How many are signed in to the chat: others than those who watch, and told apart from them. */
export function ChattersFigure({ room }: { room: ChatRoom }) {
  const count = useSyncExternalStore(room.subscribe, () => room.snapshot().chatters);
  if (count === 0) return null;
  return (
    <span className="figure" data-testid="chatters" title={`${count.toLocaleString('en')} signed in to the chat`}>
      <Icon name="chat" size={18} /> {formatCount(count)} chatting
    </span>
  );
}
