import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { ServerMessage } from '../../src/api/types';
import { dispatch, type ChannelListener } from '../../src/socket/channel-events';

/** One of each; does not compile when the server's union gains a message that is not here. */
const samples: { [T in ServerMessage['type']]: Extract<ServerMessage, { type: T }> } = {
  joined: { type: 'joined', channelId: 'c1', isLive: true, sessionId: 's1', startedAt: '2026-11-24T10:00:00Z', viewerCount: 3, isReconnecting: false },
  stream_online: { type: 'stream_online', channelId: 'c1', sessionId: 's2', timestamp: 1700 },
  stream_offline: { type: 'stream_offline', channelId: 'c1', sessionId: 's2', timestamp: 1800 },
  stream_interrupted: { type: 'stream_interrupted', channelId: 'c1', sessionId: 's1', returnsUntil: 1930, timestamp: 1900 },
  stream_resumed: { type: 'stream_resumed', channelId: 'c1', sessionId: 's1', timestamp: 1905 },
  channel_updated: { type: 'channel_updated', channelId: 'c1' },
  viewer_count: { type: 'viewer_count', channelId: 'c1', count: 12 },
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

  it('passes over a message of a newer server', () => {
    dispatch({ type: 'raid', channelId: 'c1' } as unknown as ServerMessage, 'c1', listener);
    expect(calls()).toEqual([]);
  });
});
