import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Navigate, useNavigate, useSearch } from '@tanstack/react-router';
import { channelQuery, useMe, vodsQuery } from '../api/queries';
import type { OwnedChannel, Vod } from '../api/types';
import { formatBytes, formatDuration } from '../format';
import { EmptyState, ErrorState } from '../ui/States';
import { useTitle } from '../ui/useTitle';
import { CreateChannel } from './CreateChannel';
import { DashboardTabs } from './DashboardTabs';
import { KeepPanel } from './KeepPanel';
import { Picker } from './Picker';
import { VodRow } from './VodRow';
import './dashboard.css';
import './videos.css';

/** What is kept of a channel's streams, for how long and for whom. */
export function VideosPage() {
  useTitle('Videos');
  const me = useMe();
  const navigate = useNavigate();
  const { channel: wanted } = useSearch({ from: '/dashboard/videos' });
  if (me.isPending) return <div className="dashboard" aria-busy="true"><div className="skeleton panel-skeleton" /></div>;
  if (me.error && !me.data) return <ErrorState error={me.error} onRetry={() => void me.refetch()} />;
  if (!me.data) return <Navigate to="/login" search={{ next: '/dashboard/videos' }} replace />;
  const { channels, user } = me.data;
  const chosen = channels.find(({ name }) => name === wanted) ?? channels[0];
  if (!chosen) return <CreateChannel username={user.username} />;
  return (
    <div className="dashboard" data-testid="dashboard-videos">
      <div className="dashboard-head">
        <div>
          <h1>Videos</h1>
          <p className="muted">{chosen.name}</p>
        </div>
        <div className="dashboard-actions">
          <Picker channels={channels} chosen={chosen} onChoose={(channel) => void navigate({ to: '/dashboard/videos', search: { channel } })} />
        </div>
      </div>
      <DashboardTabs channel={wanted} current="videos" />
      <div className="dashboard-columns">
        <div className="dashboard-main"><Recordings owned={chosen} key={chosen.id} /></div>
        <div className="dashboard-side"><Rules owned={chosen} key={chosen.id} /></div>
      </div>
    </div>
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
