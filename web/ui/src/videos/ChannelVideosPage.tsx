import { useInfiniteQuery, useQuery, type UseInfiniteQueryResult } from '@tanstack/react-query';
import { Link, useParams, useSearch } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { ApiError } from '../api/errors';
import { channelQuery, clipsQuery, vodsQuery } from '../api/queries';
import type { Channel } from '../api/types';
import { CardSkeleton } from '../home/ChannelCard';
import { Avatar } from '../ui/Avatar';
import { EmptyState, ErrorState, LiveBadge } from '../ui/States';
import { useTitle } from '../ui/useTitle';
import { ChannelNotFound } from '../watch/ChannelNotFound';
import { ClipCard, VodCard } from './VideoCard';
import '../home/home.css';
import './videos.css';

/** All that is kept of a channel: its recordings, and what people cut out of them. */
export function ChannelVideosPage() {
  const name = useParams({ from: '/$channel/videos' }).channel.toLowerCase();
  const { show } = useSearch({ from: '/$channel/videos' });
  const query = useQuery(channelQuery(name));
  const channel = query.data;
  useTitle(channel ? `Videos of ${channel.displayName}` : 'Videos');
  if (query.error instanceof ApiError && query.error.code === 'NOT_FOUND') return <ChannelNotFound name={name} />;
  if (query.error && !channel) return <ErrorState error={query.error} onRetry={() => void query.refetch()} />;
  return (
    <div className="home">
      <header className="videos-head">
        <Avatar name={name} displayName={channel?.displayName ?? name} size={56} />
        <div>
          <h1>{channel?.displayName ?? name}</h1>
          <ToChannel name={name} channel={channel} />
        </div>
      </header>
      <nav className="tabs" aria-label="Videos">
        <Link to="/$channel/videos" params={{ channel: name }} search={{}} aria-current={show ? undefined : 'page'} activeOptions={{ exact: true, includeSearch: true }}>Recordings</Link>
        <Link to="/$channel/videos" params={{ channel: name }} search={{ show: 'clips' }} aria-current={show ? 'page' : undefined}>Clips</Link>
      </nav>
      {show ? <Clips name={name} /> : <Recordings name={name} />}
    </div>
  );
}

function ToChannel({ name, channel }: { name: string; channel: Channel | undefined }) {
  return (
    <Link to="/$channel" params={{ channel: name }} className="videos-live">
      {channel?.isLive ? <><LiveBadge isReconnecting={channel.isReconnecting} /> <span className="videos-title">{channel.title || 'Watch live'}</span></> : 'To the channel'}
    </Link>
  );
}

function Recordings({ name }: { name: string }) {
  const query = useInfiniteQuery(vodsQuery(name));
  const vods = query.data?.pages.flatMap(({ items }) => items) ?? [];
  return (
    <Grid query={query} count={vods.length} empty={<EmptyState title="No recordings yet" testid="no-vods">Streams of this channel show up here the moment they start, if it keeps them.</EmptyState>}>
      {vods.map((vod) => <li key={vod.id}><VodCard vod={vod} /></li>)}
    </Grid>
  );
}

function Clips({ name }: { name: string }) {
  const query = useInfiniteQuery(clipsQuery(name));
  const clips = query.data?.pages.flatMap(({ items }) => items) ?? [];
  return (
    <Grid query={query} count={clips.length} empty={<EmptyState title="No clips yet" testid="no-clips">While the channel is live, and in each of its recordings, the button with the scissors makes one.</EmptyState>}>
      {clips.map((clip) => <li key={clip.id}><ClipCard clip={clip} /></li>)}
    </Grid>
  );
}

const SKELETONS = 6;

function Grid({ query, count, empty, children }: { query: UseInfiniteQueryResult; count: number; empty: ReactNode; children: ReactNode }) {
  if (query.error && count === 0) return <ErrorState error={query.error} onRetry={() => void query.refetch()} />;
  if (!query.isPending && count === 0) return empty;
  return (
    <>
      <ul className="grid videos-grid" aria-busy={query.isPending} data-testid="videos-grid">
        {query.isPending ? Array.from({ length: SKELETONS }, (_, index) => <li key={index}><CardSkeleton /></li>) : children}
      </ul>
      {query.hasNextPage && (
        <div className="videos-more">
          <button type="button" className="button" disabled={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            {query.isFetchingNextPage ? 'Loading …' : 'Show more'}
          </button>
        </div>
      )}
    </>
  );
}
