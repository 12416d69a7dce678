/** Events of the socket as a server makes them, each whole. */

import type { ChatMessage, ChatSettings, Joined, ServerMessage, You } from '../../src/api/types';

export const settings = (change: Partial<ChatSettings> = {}): ChatSettings => ({
  slowMode: 0, subscriberOnly: false, followerOnly: false, followerMinutes: 0, emoteOnly: false, uniqueChat: false, accountAgeMinutes: 0,
  linksAllowed: true, holdLinks: false, holdFirst: false, blockedTerms: null, heldTerms: null, ...change,
});

/** Nobody who is signed in. */
export const you = (change: Partial<You> = {}): You => ({
  userId: null, username: null, role: 'viewer', badges: [], color: '', isFollowing: false, followedAt: null, subscriptionTier: 0, bannedUntil: null, mayChat: false, ...change,
});

export const joinedAs = (change: Partial<Joined> = {}): Joined => ({
  type: 'joined', channelId: 'c1', isLive: false, sessionId: null, startedAt: null, viewerCount: 0, isReconnecting: false,
  epoch: 'e1', lastSeq: 0, isResumed: false, settings: settings(), you: you(), pinned: null, chatters: 0, ...change,
});

export const line = (seq: number, change: Partial<ChatMessage> = {}): ChatMessage => ({
  id: `m${seq}`, channelId: 'c1', userId: 'u9', username: 'bo', displayName: 'Bo', content: `line ${seq}`, badges: [], emotes: [], color: '#1E90FF',
  timestamp: 1_700_000_000_000 + seq, seq, epoch: 'e1', ...change,
});

/** What every event of the log carries. */
export const placed = (seq: number, epoch = 'e1') => ({ channelId: 'c1', timestamp: 1_700_000_000_000 + seq, seq, epoch });

export const said = (seq: number, change: Partial<ChatMessage> = {}): Extract<ServerMessage, { type: 'message' }> => {
  const message = line(seq, change);
  return { type: 'message', ...placed(seq, message.epoch), message };
};
