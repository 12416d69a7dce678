import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState, type ReactNode } from 'react';
import { api } from '../api/client';
import { messageOf } from '../api/errors';
import { ingestQuery } from '../api/queries';
import type { Channel, LastEnd, OwnedChannel, SessionHealth } from '../api/types';
import { formatAgo, formatDate, formatDuration, formatViewers } from '../format';
import { Player } from '../player/Player';
import { useLampWhile } from '../stores/lamp';
import { useToasts } from '../stores/toasts';
import { Confirm } from '../ui/Dialog';
import { Icon } from '../ui/Icon';
import { ErrorState, LiveBadge } from '../ui/States';
import { TestCard } from '../ui/TestCard';
import { Thumbnail } from '../ui/Thumbnail';
import { useNow } from '../ui/useNow';
import { useChannel } from '../watch/useChannel';
import { HealthPanel } from './HealthPanel';
import { InfoPanel } from './InfoPanel';
import { PublishPanel } from './PublishPanel';

/** One channel's dashboard. */
export function Studio({ owned, picker, tabs }: { owned: OwnedChannel; picker: ReactNode; tabs: ReactNode }) {
  const { query, channel, presence, isReconnecting, send } = useChannel(owned.name);
  const ingest = useQuery(ingestQuery(owned.id));
  const session = ingest.data?.session ?? null;
  const lastEnd = ingest.data?.lastEnd ?? null;
  const isOnAir = presence.phase === 'live' && (channel?.isLive ?? false);
  useLampWhile(isOnAir);

  if (query.error && !channel) return <ErrorState error={query.error} onRetry={() => void query.refetch()} />;
  return (
    <div className="dashboard" data-testid="dashboard" data-live={isOnAir}>
      <div className="dashboard-head">
        <div>
          <h1>{channel?.displayName ?? owned.name}</h1>
          {channel ? <StatusLine channel={channel} isOnAir={isOnAir} session={session} /> : <span className="skeleton line" style={{ width: 160 }} />}
        </div>
        <div className="dashboard-actions">
          {picker}
          <Link to="/$channel" params={{ channel: owned.name }} className="button">View channel</Link>
          {session && <EndStream channelId={owned.id} />}
        </div>
      </div>
      {tabs}
      <div className="dashboard-columns">
        <div className="dashboard-main">
          <section className="panel preview" aria-label="Preview">
            {presence.phase === 'live' || presence.phase === 'ending' ? (
              <Player isPreview title={channel?.title ?? ''} artist={owned.name} artwork={channel?.thumbnailUrl}
                source={{
                  url: `/hls/${owned.name}/playlist.m3u8`,
                  take: presence.take,
                  isEnding: presence.phase === 'ending',
                  isInterrupted: isReconnecting,
                  onPlayable: () => send({ type: 'playable' }),
                  onMissing: () => send({ type: 'missing' }),
                  onPlayedOut: () => send({ type: 'played-out' }),
                }} />
            ) : (
              <NoSignal name={owned.name} channel={channel} session={session} />
            )}
          </section>
          {session ? <HealthPanel health={session} /> : lastEnd && <LastEndNote {...lastEnd} />}
          {channel && <InfoPanel key={channel.id} channel={channel} />}
        </div>
        <div className="dashboard-side">
          <PublishPanel owned={owned} isLive={session !== null} test={ingest.data?.test ?? null} />
        </div>
      </div>
    </div>
  );
}

function StatusLine({ channel, isOnAir, session }: { channel: Channel; isOnAir: boolean; session: SessionHealth | null }) {
  const now = useNow(1000, isOnAir);
  if (!isOnAir) return <p className="status-line muted">{session ? 'Signal arrives; going on air …' : 'Off air'}</p>;
  return (
    <p className="status-line">
      <LiveBadge isReconnecting={session?.isWaiting}>On air</LiveBadge>
      {channel.startedAt && <span>{formatDuration(now - new Date(channel.startedAt).getTime())}</span>}
      <span>{formatViewers(channel.viewerCount)}</span>
    </p>
  );
}

/** Why it is over, for those who did not end it themselves. */
function LastEndNote({ reason, endedAt }: LastEnd) {
  const now = useNow(60_000);
  return (
    <section className="panel last-end" aria-label="Last stream" data-testid="last-end">
      <Icon name="alert" />
      <p><b>Your last stream ended:</b> {reason} <span className="muted" title={formatDate(endedAt)}>{formatAgo(endedAt, now)}</span></p>
    </section>
  );
}

function NoSignal({ name, channel, session }: { name: string; channel: Channel | undefined; session: SessionHealth | null }) {
  return (
    <div className="no-signal" data-testid="no-signal">
      {channel ? <Thumbnail channel={channel} /> : <span className="thumbnail"><TestCard name={name} /></span>}
      <div className="offline-words" role="status">
        <p className="offline-lamp"><span aria-hidden="true" /> {session ? 'Signal arrives' : 'No signal'}</p>
        <p>{session ? 'The first picture is on its way.' : 'Start streaming in OBS and the picture shows up here.'}</p>
      </div>
    </div>
  );
}

function EndStream({ channelId }: { channelId: string }) {
  const [isAsking, setAsking] = useState(false);
  const client = useQueryClient();
  const show = useToasts((toasts) => toasts.show);
  const end = useMutation({
    mutationFn: () => api.goOffline(channelId),
    onSuccess: () => {
      show('The stream has ended');
      void client.invalidateQueries({ queryKey: ingestQuery(channelId).queryKey });
    },
    onError: (error) => show(messageOf(error), 'failed'),
    onSettled: () => setAsking(false),
  });
  return (
    <>
      <button type="button" className="button danger" data-testid="end-stream" onClick={() => setAsking(true)}>
        <Icon name="close" size={16} /> End stream
      </button>
      {isAsking && (
        <Confirm title="End the stream?" text="Viewers see the end, and your encoder is disconnected. If OBS reconnects by itself, stop streaming there as well."
          action="End stream" isDangerous isBusy={end.isPending} onConfirm={() => end.mutate()} onClose={() => setAsking(false)} />
      )}
    </>
  );
}
