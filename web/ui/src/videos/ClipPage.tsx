import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useRef } from 'react';
import { MayNotWatch } from '../access/MayNotWatch';
import { api } from '../api/client';
import { ApiError } from '../api/errors';
import { clipQuery, useMe } from '../api/queries';
import type { Clip } from '../api/types';
import { formatDate, formatDuration } from '../format';
import type { Place } from '../player/place';
import { Player } from '../player/Player';
import type { PlayerHandle } from '../player/usePlayer';
import { placeMs } from '../replay/place';
import { ReplayButton, ReplayChat } from '../replay/ReplayChat';
import { useChatLikes } from '../stores/chat';
import { Avatar } from '../ui/Avatar';
import { Icon } from '../ui/Icon';
import { EmptyState, ErrorState } from '../ui/States';
import { useTitle } from '../ui/useTitle';
import { NotYet } from './NotYet';
import { OwnerButtons } from './OwnerButtons';
import { ShareButton } from './ShareButton';
import { Skeleton } from './VideoPage';
import '../watch/watch.css';
import './facts.css';
import './videos.css';

/** A moment that somebody cut out: it plays at once, and outlives what it is of. */
export function ClipPage() {
  const { id } = useParams({ from: '/clips/$id' });
  const { key } = useSearch({ from: '/clips/$id' });
  const query = useQuery(clipQuery(id, key));
  const clip = query.data;
  useTitle(clip ? `${nameOf(clip)} · ${clip.channelDisplayName}` : 'Clip');
  if (query.error instanceof ApiError && query.error.code === 'NOT_FOUND') return <Gone />;
  if (query.error && !clip) return <ErrorState error={query.error} onRetry={() => void query.refetch()} />;
  if (!clip) return <Skeleton />;
  return <Watch key={clip.id} clip={clip} shareKey={key} onStale={() => void query.refetch()} />;
}

function Watch({ clip, shareKey, onStale }: { clip: Clip; shareKey: string | undefined; onStale: () => void }) {
  const handle = useRef<PlayerHandle | null>(null);
  const place = useRef<Place | null>(null);
  const hasReplay = useChatLikes(({ isShown }) => isShown) && !clip.whyNot && clip.playlistUrl !== null;
  return (
    <div className="watch" data-testid="clip-page" data-state={clip.state} data-chat={hasReplay}>
      <div className="stage" data-testid="stage">
        {clip.whyNot ? (
          <MayNotWatch whyNot={clip.whyNot} what="clip" channel={{ id: clip.channelId, name: clip.channelName, displayName: clip.channelDisplayName }} />
        ) : !clip.playlistUrl ? (
          <NotYet what="clip" channelName={clip.channelName} />
        ) : (
          <Player title={nameOf(clip)} artist={clip.channelDisplayName} artwork={clip.thumbnailUrl} handle={handle} onPlace={(now) => (place.current = now)}
            source={{ url: clip.playlistUrl, take: 1, isRecorded: true, onRefused: onStale, onMissing: onStale }} />
        )}
      </div>
      {hasReplay && <ReplayChat what="clips" id={clip.id} shareKey={shareKey} isGrowing={false} atMs={() => placeMs(handle.current, place.current)} />}
      <div className="below">
        <ClipHead clip={clip} shareKey={shareKey} />
      </div>
    </div>
  );
}

const nameOf = ({ title, channelDisplayName }: Clip): string => title || `Clip of ${channelDisplayName}`;

function ClipHead({ clip, shareKey }: { clip: Clip; shareKey: string | undefined }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const { data: me } = useMe();
  const { id, channelId, channelName, channelDisplayName, creatorId, creatorName, createdAt, durationMs, startMs, vodId, mp4Url, visibility, hasGaps } = clip;
  const isMine = me?.channels.some((channel) => channel.id === channelId) ?? false;
  const path = `/clips/${id}${shareKey ? `?key=${encodeURIComponent(shareKey)}` : ''}`;
  return (
    <header className="channel-head">
      <Link to="/$channel" params={{ channel: channelName }} aria-label={`Channel of ${channelDisplayName}`}><Avatar name={channelName} displayName={channelDisplayName} size={64} /></Link>
      <div className="channel-words">
        <h1>{nameOf(clip)}</h1>
        <p className="channel-name"><Link to="/$channel" params={{ channel: channelName }}>{channelDisplayName}</Link></p>
        <p className="video-facts">
          <span>Clip by {creatorName}</span>
          <span>{formatDate(createdAt)}</span>
          <span>{formatDuration(durationMs)}</span>
          {hasGaps && <span title="Some moments could not be kept, and are skipped.">with gaps</span>}
        </p>
      </div>
      <div className="channel-side video-side">
        {!clip.whyNot && <ReplayButton />}
        {vodId && (
          <Link to="/videos/$id" params={{ id: vodId }} search={{ t: Math.floor(startMs / 1000) }} className="button" data-testid="to-moment">
            <Icon name="film" size={18} /> The whole video
          </Link>
        )}
        <ShareButton what="clips" id={id} subject="this clip" visibility={visibility} isMine={isMine} path={path} />
        {mp4Url && <a className="button" href={mp4Url} download data-testid="download"><Icon name="download" size={18} /> Download</a>}
        {(isMine || me?.user.id === creatorId) && (
          <OwnerButtons video={clip} subject="clip" question="Delete this clip?" warning="It is gone for good, for everybody. The video that it is of stays."
            onSave={async (change) => {
              await api.patchClip(id, change);
              await client.invalidateQueries({ predicate: ({ queryKey }) => ['clip', 'clips'].includes(String(queryKey[0])) });
            }}
            onDelete={async () => {
              await api.deleteClip(id);
              client.removeQueries({ queryKey: ['clip', id] });
              await client.invalidateQueries({ queryKey: ['clips'] });
              await navigate({ to: '/$channel/videos', params: { channel: channelName }, search: { show: 'clips' } });
            }} />
        )}
      </div>
    </header>
  );
}

function Gone() {
  useTitle('No such clip');
  return (
    <EmptyState testid="not-found" title="This clip is not here" action={<Link to="/" className="button primary">See who is on air</Link>}>
      It may have been deleted by its maker or its channel.
    </EmptyState>
  );
}
