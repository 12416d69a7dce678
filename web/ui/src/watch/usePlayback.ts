import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { playbackQuery } from '../api/queries';
import type { WhyNot } from '../api/types';
import type { Presence } from './presence';

/** How old an answer may be when somebody begins to seek: what can be rewound to grows. */
const AIM_FRESH_MS = 30_000;

/** Where a viewer watches a channel, and whether he may. */
export interface Watching {
  url: string;
  rewindUrl: string | null;
  rewindFrom: string | null;
  storyboardUrl: string | null;
  vodId: string | null;
  whyNot: WhyNot | null;
  /** Ask again if the answer is old. */
  refresh: () => void;
  /** Ask again: an address was refused. */
  renew: () => void;
}

/**
 * Nearly all channels are public, and theirs is an address that needs no question: it is tried before there is an
 * answer. Of others, what the API says counts.
 */
export function usePlayback(name: string, key: string | undefined, { phase, sessionId }: Presence): Watching {
  const { data, dataUpdatedAt, refetch } = useQuery(playbackQuery(name, key));
  const isAbsent = data !== undefined && data.rewindUrl === null;
  const isLive = phase === 'live';
  useEffect(() => {
    // Between two streams there are no addresses: a new one has others.
    if (isLive && isAbsent) void refetch();
  }, [isLive, sessionId, refetch]);

  const plain = `/hls/${name}/playlist.m3u8`;
  return {
    url: data && data.visibility !== 'public' ? (data.playlistUrl ?? plain) : plain,
    rewindUrl: data?.rewindUrl ?? null,
    rewindFrom: data?.rewindFrom ?? null,
    storyboardUrl: data?.storyboardUrl ?? null,
    vodId: data?.vodId ?? null,
    whyNot: data?.whyNot ?? null,
    refresh: () => void (Date.now() - dataUpdatedAt > AIM_FRESH_MS && refetch()),
    renew: () => void refetch(),
  };
}
