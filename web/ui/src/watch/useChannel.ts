import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useReducer } from 'react';
import { channelQuery, patchChannelCache } from '../api/queries';
import { useChannelEvents } from '../socket/useChannelEvents';
import { nextPresence, START } from './presence';

/** While the socket is away the page asks instead of being told. */
const POLL_MS = 15_000;
/** Everyone hears of a change at once; they need not all ask at once. */
const REFETCH_WITHIN_MS = 2000;

/** A channel and whether there is something to play, kept up to date by the socket. `key`: the token of a shared address. */
export function useChannel(name: string, key?: string) {
  const client = useQueryClient();
  const [presence, send] = useReducer(nextPresence, START);
  const query = useQuery(channelQuery(name));
  const channel = query.data;

  const socket = useChannelEvents(channel?.id, {
    onState: ({ sessionId, ...state }) => {
      send({ type: 'state', isLive: state.isLive, sessionId });
      patchChannelCache(client, name, state);
    },
    onOnline: (sessionId, atMs) => {
      send({ type: 'online', sessionId });
      patchChannelCache(client, name, { isLive: true, isReconnecting: false, startedAt: new Date(atMs).toISOString() });
    },
    onOffline: (sessionId) => {
      send({ type: 'offline', sessionId });
      patchChannelCache(client, name, { isLive: false, isReconnecting: false, startedAt: null, viewerCount: 0 });
    },
    // The picture goes on under the same address: nothing is loaded again.
    onInterrupted: () => patchChannelCache(client, name, { isReconnecting: true }),
    onResumed: () => patchChannelCache(client, name, { isReconnecting: false }),
    onViewers: (viewerCount) => patchChannelCache(client, name, { viewerCount }),
    onUpdated: () => {
      setTimeout(() => void client.invalidateQueries({ queryKey: channelQuery(name).queryKey }), Math.random() * REFETCH_WITHIN_MS);
    },
    // Refused joins leave the page as it was asked for; polling below keeps it fresh.
    onRefused: () => void client.invalidateQueries({ queryKey: channelQuery(name).queryKey }),
  }, key);

  const isOnItsOwn = socket === 'waiting' || socket === 'refused';
  const { refetch } = query;
  const ask = useCallback(async () => {
    const { data } = await refetch();
    if (data) send({ type: 'state', isLive: data.isLive, sessionId: null });
  }, [refetch]);
  /** Only an end is news: that it is live may be an older answer than what the socket says meanwhile. */
  const askWhetherOver = useCallback(async () => {
    const { data } = await refetch();
    if (data?.isLive === false) send({ type: 'state', isLive: false, sessionId: null });
  }, [refetch]);
  useEffect(() => {
    if (!isOnItsOwn) return;
    const timer = setInterval(() => void ask(), POLL_MS);
    return () => clearInterval(timer);
  }, [isOnItsOwn, ask]);

  const isReconnecting = presence.phase === 'live' && (channel?.isReconnecting ?? false);
  return { query, channel, presence, isReconnecting, send, askWhetherOver };
}
