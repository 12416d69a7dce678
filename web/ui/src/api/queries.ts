/** What pages ask for, with the names under which the answers are kept. */

import { QueryClient, queryOptions, useQuery } from '@tanstack/react-query';
import { api } from './client';
import { ApiError } from './errors';
import type { Channel, Me } from './types';

const MAX_RETRIES = 3;
const MAX_DELAY_MS = 30_000;

/** A refusal (4xx) stays one; anything else is tried three times more. */
export function shouldRetry(failures: number, error: unknown): boolean {
  if (error instanceof ApiError && error.isRefusal) return false;
  return failures < MAX_RETRIES;
}

/** 1 s, 2 s, 4 s …, or what the server asked for; at most 30 s. */
export function retryDelay(failures: number, error: unknown): number {
  const asked = error instanceof ApiError ? error.retryAfterMs : null;
  return Math.min(MAX_DELAY_MS, asked ?? 1000 * 2 ** failures);
}

export function makeQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: { queries: { retry: shouldRetry, retryDelay, staleTime: 10_000 }, mutations: { retry: false } },
  });
}

/** My account, or null when nobody is signed in. */
export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: async ({ signal }): Promise<Me | null> => {
    try {
      return await api.me(signal);
    } catch (error) {
      if (error instanceof ApiError && error.code === 'UNAUTHORIZED') return null;
      throw error;
    }
  },
  staleTime: 60_000,
});

export const useMe = () => useQuery(meQuery);

export const channelsQuery = (live: boolean) =>
  queryOptions({
    queryKey: ['channels', { live }],
    queryFn: ({ signal }) => api.channels({ live }, signal),
    refetchInterval: live ? 15_000 : 60_000,
  });

export const channelQuery = (name: string) =>
  queryOptions({ queryKey: ['channel', name], queryFn: ({ signal }) => api.channel(name, signal) });

export const streamKeyQuery = (channelId: string) =>
  queryOptions({ queryKey: ['stream-key', channelId], queryFn: ({ signal }) => api.streamKey(channelId, signal) });

/** The running publisher's health: every 2 s while there is one or a test is measured, every 5 s to see it come. */
export const ingestQuery = (channelId: string) =>
  queryOptions({
    queryKey: ['ingest', channelId],
    queryFn: ({ signal }) => api.ingest(channelId, signal),
    refetchInterval: ({ state: { data } }) => (data?.session || data?.test?.publishers.length ? 2000 : 5000),
    staleTime: 0,
  });

/** Write what a socket told us about a channel into the kept answer, if there is one. */
export function patchChannelCache(client: QueryClient, name: string, change: Partial<Channel>): void {
  client.setQueryData<Channel>(channelQuery(name).queryKey, (channel) => channel && { ...channel, ...change });
}
