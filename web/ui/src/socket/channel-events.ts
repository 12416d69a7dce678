/** What each message of the socket means for a page: the one switch over `type`. */

import type { Joined, ServerMessage } from '../api/types';

/** The whole truth of a moment, as a join answers it. */
export type ChannelState = Pick<Joined, 'isLive' | 'sessionId' | 'startedAt' | 'viewerCount' | 'isReconnecting'>;

/** What a page does when it hears of its channel. */
export interface ChannelListener {
  onState: (state: ChannelState) => void;
  onOnline: (sessionId: string, atMs: number) => void;
  onOffline: (sessionId: string) => void;
  /** The publisher is gone for the moment; the stream goes on without it. */
  onInterrupted: (sessionId: string) => void;
  onResumed: (sessionId: string) => void;
  onViewers: (count: number) => void;
  onUpdated: () => void;
  onRefused: (message: string) => void;
}

/** Tell `listener` what `message` says of `channelId`. Types that only a newer server knows are passed over. */
export function dispatch(message: ServerMessage, channelId: string, listener: ChannelListener): void {
  if ('channelId' in message && message.channelId && message.channelId !== channelId) return;
  switch (message.type) {
    case 'joined': {
      const { isLive, sessionId, startedAt, viewerCount, isReconnecting } = message;
      return listener.onState({ isLive, sessionId, startedAt, viewerCount, isReconnecting });
    }
    case 'stream_online':
      return listener.onOnline(message.sessionId, message.timestamp);
    case 'stream_offline':
      return listener.onOffline(message.sessionId);
    case 'stream_interrupted':
      return listener.onInterrupted(message.sessionId);
    case 'stream_resumed':
      return listener.onResumed(message.sessionId);
    case 'viewer_count':
      return listener.onViewers(message.count);
    case 'channel_updated':
      return listener.onUpdated();
    case 'error':
      return message.idempotencyKey ? undefined : listener.onRefused(message.message); // what was said and refused is the chat's
    case 'emotes_changed': // from here on: the chat's (chat/room.ts)
    case 'message':
    case 'announcement':
    case 'user_banned':
    case 'user_timed_out':
    case 'user_unbanned':
    case 'message_deleted':
    case 'clear_chat':
    case 'slow_mode':
    case 'settings_changed':
    case 'role_changed':
    case 'message_pinned':
    case 'new_subscriber':
    case 'raid':
    case 'ack':
    case 'held':
    case 'held_decided':
    case 'message_held':
    case 'report_filed':
    case 'reset':
    case 'reconnect': // the socket itself obeys
    case 'pong':
      return;
    default:
      return unheard(message);
  }
}

/** Does not compile as soon as the server has a message that `dispatch` does not name. */
function unheard(message: never): void {
  void message;
}
