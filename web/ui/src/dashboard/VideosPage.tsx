import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { channelQuery, vodsQuery } from '../api/queries';
import type { OwnedChannel, Vod } from '../api/types';
import { formatBytes, formatDuration } from '../format';
import { EmptyState, ErrorState } from '../ui/States';
import { DashboardFrame } from './DashboardFrame';
import { KeepPanel } from './KeepPanel';
import { VodRow } from './VodRow';
import './videos.css';

/** What is kept of a channel's streams, for how long and for whom. */
export function VideosPage() {
  const { channel: wanted } = useSearch({ from: '/dashboard/videos' });
  return (
    <DashboardFrame tab="videos" title="Videos" wanted={wanted} testid="dashboard-videos">
      {(chosen) => (
        <div className="dashboard-columns">
          <div className="dashboard-main"><Recordings owned={chosen} key={chosen.id} /></div>
          <div className="dashboard-side"><Rules owned={chosen} key={chosen.id} /></div>
        </div>
      )}
    </DashboardFrame>
  );
}

function Rules({ owned }: { owned: OwnedChannel }) {
  const { data: channel } = useQuery(channelQuery(owned.name));
  return channel ? <KeepPanel channel={channel} /> : <div className="skeleton panel-skeleton" />;
}

function Recordings({ owned }: { owned: OwnedChannel }) {
  const query = useInfiniteQuery({ ...vodsQuery(owned.id), refetchInterval: GROWING_EVERY_MS });
  const vods = query.data?.pages.flatMap(({ items }) => items) ?? [];
  if (query.isPending) return <div className="skeleton panel-skeleton" />;
  if (query.error && vods.length === 0) return <ErrorState error={query.error} onRetry={() => void query.refetch()} />;
  return (
    <section className="panel" aria-labelledby="recordings">
      <div className="panel-head">
        <h2 id="recordings">Recordings</h2>
        {vods.length > 0 && <Total vods={vods} hasMore={query.hasNextPage} />}
      </div>
      {vods.length === 0 ? (
        <EmptyState title="Nothing recorded yet">Your next stream shows up here while it still runs.</EmptyState>
      ) : (
        <ul className="vod-rows">{vods.map((vod) => <VodRow key={vod.id} vod={vod} />)}</ul>
      )}
      {query.hasNextPage && <button type="button" className="button" disabled={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>Show more</button>}
    </section>
  );
}

/** Sizes and lengths of what is still being recorded go on. */
const GROWING_EVERY_MS = 15_000;

function Total({ vods, hasMore }: { vods: readonly Vod[]; hasMore: boolean }) {
  const bytes = vods.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const ms = vods.reduce((sum, { durationMs }) => sum + durationMs, 0);
  return (
    <p className="muted" data-testid="vods-total">
      {hasMore && 'The newest '}{vods.length} {vods.length === 1 ? 'video' : 'videos'} · {formatDuration(ms)} · {formatBytes(bytes)}
    </p>
  );
}
