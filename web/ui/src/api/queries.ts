/** What pages ask for, with the names under which the answers are kept. */

import { infiniteQueryOptions, QueryClient, queryOptions, useQuery } from '@tanstack/react-query';
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

/** What is fetched or sent on changes by itself. */
const JOB_EVERY_MS = 3000;

/** Where the channel's stream is fetched from. */
export const pullQuery = (channelId: string) =>
  queryOptions({ queryKey: ['pull', channelId], queryFn: ({ signal }) => api.pull(channelId, signal), refetchInterval: JOB_EVERY_MS, staleTime: 0 });

/** Where the channel's stream is sent on to. */
export const restreamsQuery = (channelId: string) =>
  queryOptions({ queryKey: ['restreams', channelId], queryFn: ({ signal }) => api.restreams(channelId, signal), refetchInterval: JOB_EVERY_MS, staleTime: 0 });

/** Before an address with a token stops working, a new one is asked for: this early, or after half of what is left. */
const RENEW_EARLY_MS = 60_000;
/** A link that was shared runs out for good: asking again and again would not help. */
const RENEW_AT_MOST_EVERY_MS = 20_000;

/** In how many ms to ask again; false: never. */
export function renewal(expiresAt: string | null | undefined, nowMs: number): number | false {
  if (!expiresAt) return false;
  const leftMs = new Date(expiresAt).getTime() - nowMs;
  return Math.max(RENEW_AT_MOST_EVERY_MS, leftMs - RENEW_EARLY_MS, leftMs > 0 ? Math.min(leftMs / 2, RENEW_EARLY_MS) : 0);
}

/** Where and whether this viewer watches a channel live. `key`: the token of a shared address. */
export const playbackQuery = (name: string, key?: string) =>
  queryOptions({
    queryKey: ['playback', name, key ?? ''],
    queryFn: ({ signal }) => api.playback(name, key, signal),
    refetchInterval: ({ state: { data } }) => renewal(data?.expiresAt, Date.now()),
    refetchIntervalInBackground: true,
    refetchOnWindowFocus: false,
    staleTime: 30_000,
  });

/** How often a recording that still grows is looked at. */
const GROWING_EVERY_MS = 15_000;

export const vodQuery = (id: string, key?: string) =>
  queryOptions({
    queryKey: ['vod', id, key ?? ''],
    queryFn: ({ signal }) => api.vod(id, key, signal),
    refetchInterval: ({ state: { data } }) => soonest(renewal(data?.expiresAt, Date.now()), data?.state === 'recording' && GROWING_EVERY_MS),
    refetchIntervalInBackground: true,
  });

export const clipQuery = (id: string, key?: string) =>
  queryOptions({
    queryKey: ['clip', id, key ?? ''],
    queryFn: ({ signal }) => api.clip(id, key, signal),
    refetchInterval: ({ state: { data } }) => renewal(data?.expiresAt, Date.now()),
    refetchIntervalInBackground: true,
  });

const soonest = (...waits: (number | false)[]): number | false => {
  const some = waits.filter((wait): wait is number => wait !== false);
  return some.length > 0 ? Math.min(...some) : false;
};

const nextPage = { initialPageParam: null as string | null, getNextPageParam: ({ cursor }: { cursor: string | null }) => cursor };

export const vodsQuery = (channel: string) =>
  infiniteQueryOptions({
    queryKey: ['vods', channel],
    queryFn: ({ signal, pageParam }) => api.vods({ channel, cursor: pageParam }, signal),
    ...nextPage,
  });

export const clipsQuery = (channel: string) =>
  infiniteQueryOptions({
    queryKey: ['clips', channel],
    queryFn: ({ signal, pageParam }) => api.clips({ channel, cursor: pageParam }, signal),
    ...nextPage,
  });

/** The newest recordings of a channel, for where only a few have room. */
export const lastVodsQuery = (channel: string, count: number) =>
  queryOptions({ queryKey: ['vods', channel, 'last', count], queryFn: async ({ signal }) => (await api.vods({ channel, limit: String(count) }, signal)).items });

/** The ids of the channels that I follow. */
export const followsQuery = queryOptions({
  queryKey: ['follows'],
  queryFn: async ({ signal }) => (await api.follows(signal)).map(({ channelId }) => channelId),
  staleTime: 60_000,
});

/** Write what a socket told us about a channel into the kept answer, if there is one. */
export function patchChannelCache(client: QueryClient, name: string, change: Partial<Channel>): void {
  client.setQueryData<Channel>(channelQuery(name).queryKey, (channel) => channel && { ...channel, ...change });
}
