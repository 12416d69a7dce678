import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { ServerMessage } from '../../src/api/types';
import { joinedAs, line, placed, said, settings } from './events';
import { dispatch, type ChannelListener } from '../../src/socket/channel-events';

/** One of each; does not compile when the server's union gains a message that is not here. */
const samples: { [T in ServerMessage['type']]: Extract<ServerMessage, { type: T }> } = {
  joined: joinedAs({ isLive: true, sessionId: 's1', startedAt: '2026-11-24T10:00:00Z', viewerCount: 3 }),
  stream_online: { type: 'stream_online', channelId: 'c1', sessionId: 's2', timestamp: 1700 },
  stream_offline: { type: 'stream_offline', channelId: 'c1', sessionId: 's2', timestamp: 1800 },
  stream_interrupted: { type: 'stream_interrupted', channelId: 'c1', sessionId: 's1', returnsUntil: 1930, timestamp: 1900 },
  stream_resumed: { type: 'stream_resumed', channelId: 'c1', sessionId: 's1', timestamp: 1905 },
  channel_updated: { type: 'channel_updated', channelId: 'c1' },
  viewer_count: { type: 'viewer_count', channelId: 'c1', count: 12, chatters: 2 },
  emotes_changed: { type: 'emotes_changed', channelId: 'c1' },
  message: said(1),
  announcement: { type: 'announcement', ...placed(2), message: line(2), color: 'primary' },
  user_banned: { type: 'user_banned', ...placed(3), userId: 'u9', username: 'bo', moderator: 'ann' },
  user_timed_out: { type: 'user_timed_out', ...placed(4), userId: 'u9', username: 'bo', durationS: 600, until: 1_700_000_600_000, moderator: 'ann' },
  user_unbanned: { type: 'user_unbanned', ...placed(5), userId: 'u9', username: 'bo', moderator: 'ann' },
  message_deleted: { type: 'message_deleted', ...placed(6), messageId: 'm1', userId: 'u9', username: 'bo', moderator: 'ann' },
  clear_chat: { type: 'clear_chat', ...placed(7), moderator: 'ann' },
  slow_mode: { type: 'slow_mode', ...placed(8), duration: 30 },
  settings_changed: { type: 'settings_changed', ...placed(9), settings: settings({ slowMode: 30 }), moderator: 'ann' },
  role_changed: { type: 'role_changed', ...placed(10), userId: 'u9', username: 'bo', role: 'moderator' },
  message_pinned: { type: 'message_pinned', ...placed(11), pinned: null },
  new_subscriber: { type: 'new_subscriber', ...placed(12), userId: 'u9', username: 'bo', displayName: 'Bo', tier: 1, months: 3, isGift: false },
  raid: { type: 'raid', ...placed(13), direction: 'out', otherChannelId: 'c2', otherName: 'other', otherDisplayName: 'Other', viewerCount: 40 },
  ack: { type: 'ack', channelId: 'c1', idempotencyKey: 'k1', messageId: 'm1', seq: 1, epoch: 'e1' },
  held: { type: 'held', channelId: 'c1', idempotencyKey: 'k1', heldId: 'h1' },
  held_decided: { type: 'held_decided', channelId: 'c1', heldId: 'h1', userId: 'u9', isApproved: true, moderator: 'ann' },
  message_held: { type: 'message_held', channelId: 'c1', heldId: 'h1', userId: 'u9', username: 'bo', displayName: 'Bo', content: 'hm', reason: 'link', timestamp: 1700 },
  report_filed: { type: 'report_filed', channelId: 'c1', reportId: 'r1' },
  reset: { type: 'reset', channelId: 'c1', epoch: 'e2', lastSeq: 9 },
  error: { type: 'error', code: 'NOT_FOUND', message: 'No such channel.', retryAfterMs: null },
  reconnect: { type: 'reconnect', afterMs: 100 },
  pong: { type: 'pong' },
};

const listener = {
  onState: vi.fn(), onOnline: vi.fn(), onOffline: vi.fn(), onInterrupted: vi.fn(), onResumed: vi.fn(), onViewers: vi.fn(), onUpdated: vi.fn(), onRefused: vi.fn(),
} satisfies ChannelListener;
const calls = () => Object.entries(listener).flatMap(([name, act]) => act.mock.calls.map((args: unknown[]) => [name, ...args]));

beforeEach(() => Object.values(listener).forEach((act) => act.mockClear()));

describe('dispatch', () => {
  it.each([
    ['joined', ['onState', { isLive: true, sessionId: 's1', startedAt: '2026-11-24T10:00:00Z', viewerCount: 3, isReconnecting: false }]],
    ['stream_online', ['onOnline', 's2', 1700]],
    ['stream_offline', ['onOffline', 's2']],
    ['stream_interrupted', ['onInterrupted', 's1']],
    ['stream_resumed', ['onResumed', 's1']],
    ['viewer_count', ['onViewers', 12]],
    ['channel_updated', ['onUpdated']],
    ['error', ['onRefused', 'No such channel.']],
  ] as const)('tells of %s', (type, call) => {
    dispatch(samples[type], 'c1', listener);
    expect(calls()).toEqual([call]);
  });

  it.each(['pong', 'reconnect'] as const)('leaves %s to the socket', (type) => {
    dispatch(samples[type], 'c1', listener);
    expect(calls()).toEqual([]);
  });

  it('does not take another channel’s news for its own', () => {
    for (const message of Object.values(samples)) if ('channelId' in message) dispatch(message, 'other', listener);
    expect(calls()).toEqual([]);
  });

  it('does not take the refusal of what was said for one of the join', () => {
    dispatch({ ...samples.error, idempotencyKey: 'k1' }, 'c1', listener);
    expect(calls()).toEqual([]);
  });

  it('passes over a message of a newer server', () => {
    dispatch({ type: 'poll', channelId: 'c1' } as unknown as ServerMessage, 'c1', listener);
    expect(calls()).toEqual([]);
  });
});
