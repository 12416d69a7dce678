import { Icon } from '../ui/Icon';
import type { Outgoing } from './outbox';
import type { ChatRoom } from './room';

/** What I said, until it has its place: on its way, waiting for a moderator, or not sent. */
export function OwnLine({ room, outgoing }: { room: ChatRoom; outgoing: Outgoing }) {
  const { key, content, state, why, replyTo } = outgoing;
  return (
    <div className="chat-line chat-own" data-testid="chat-own" data-state={state}>
      {replyTo && <p className="chat-answered"><Icon name="reply" size={13} /> <span>Answering <b>{replyTo.displayName}</b>: {replyTo.content}</span></p>}
      <p className="chat-words"><span className="chat-text" dir="auto">{content}</span></p>
      {state === 'held' && <p className="chat-own-why"><Icon name="lock" size={13} /> A moderator looks at it first. Only you see it.</p>}
      {(state === 'failed' || state === 'denied') && (
        <p className="chat-own-why" data-bad="true" role="status">
          <Icon name="alert" size={13} /> {state === 'failed' ? `Not sent. ${why}` : why}
          {room.canRetry(outgoing) && <button type="button" className="chat-text-button" onClick={() => room.retry(key)}>Try again</button>}
          <button type="button" className="chat-text-button" onClick={() => room.discard(key)}>Remove</button>
        </p>
      )}
    </div>
  );
}
