import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
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
  /** Where it is to be had over WebRTC; null while nothing is live, too. */
  whepUrl: string | null;
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
  const seen = useRef(sessionId);
  useEffect(() => {
    // Between two streams there are no addresses: a new one has others.
    const isAnother = seen.current !== null && sessionId !== null && seen.current !== sessionId;
    seen.current = sessionId ?? seen.current;
    if (isLive && (isAbsent || isAnother)) void refetch();
  }, [isLive, sessionId, refetch]);
  // An answer after the end no longer says what the stream was recorded as.
  const recorded = useRef<string | null>(null);
  if (isLive) recorded.current = data?.vodId ?? null;

  const plain = `/hls/${name}/playlist.m3u8`;
  return {
    url: data && data.visibility !== 'public' ? (data.playlistUrl ?? plain) : plain,
    rewindUrl: data?.rewindUrl ?? null,
    rewindFrom: data?.rewindFrom ?? null,
    storyboardUrl: data?.storyboardUrl ?? null,
    vodId: recorded.current,
    whepUrl: isLive ? (data?.whepUrl ?? null) : null,
    whyNot: data?.whyNot ?? null,
    refresh: () => void (Date.now() - dataUpdatedAt > AIM_FRESH_MS && refetch()),
    renew: () => void refetch(),
  };
}
