import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { MayNotWatch } from '../access/MayNotWatch';
import { api } from '../api/client';
import { ApiError } from '../api/errors';
import { useMe, vodQuery } from '../api/queries';
import type { Chapter, Vod } from '../api/types';
import { ClipDialog, type ClipSource } from '../clips/ClipDialog';
import { recordedChoice } from '../clips/trim';
import { formatBytes, formatDate, formatDuration } from '../format';
import type { Place } from '../player/place';
import { Player } from '../player/Player';
import { keepPosition, positionIn } from '../player/positions';
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
import '../watch/watch.css';
import './facts.css';
import './videos.css';

const KEEP_EVERY_S = 5;

/** A recording: from its first seconds on, while it still grows, and for as long as it is kept. */
export function VideoPage() {
  const { id } = useParams({ from: '/videos/$id' });
  return <Video key={id} id={id} />;
}

function Video({ id }: { id: string }) {
  const { key } = useSearch({ from: '/videos/$id' });
  const query = useQuery(vodQuery(id, key));
  const vod = query.data;
  useTitle(vod ? `${vod.title || 'Untitled'} · ${vod.channelDisplayName}` : 'Video');
  if (query.error instanceof ApiError && query.error.code === 'NOT_FOUND') return <Gone />;
  if (query.error && !vod) return <ErrorState error={query.error} onRetry={() => void query.refetch()} />;
  return vod ? <Watch vod={vod} onRefused={() => void query.refetch()} /> : <Skeleton />;
}

function Watch({ vod, onRefused }: { vod: Vod; onRefused: () => void }) {
  const { key, t } = useSearch({ from: '/videos/$id' });
  const { data: me } = useMe();
  const storyboardUrl = storyboardOf(vod);
  const isMine = me?.channels.some(({ id }) => id === vod.channelId) ?? false;
  const handle = useRef<PlayerHandle | null>(null);
  const place = useRef<Place | null>(null);
  const [startAtS] = useState(() => t ?? positionIn(vod.id));
  const [clip, setClip] = useState<ClipSource | null>(null);

  const keptS = useRef(startAtS);
  const note = (now: Place) => {
    place.current = now;
    // Before the first picture the position is 0, and nobody has watched anything.
    if (now.positionS === 0 || Math.abs(now.positionS - keptS.current) < KEEP_EVERY_S) return;
    keptS.current = now.positionS;
    keepPosition(vod.id, now.positionS, now.endS);
  };
  const openClip = () => {
    const { current } = place;
    if (!vod.playlistUrl || !current || current.zeroMs === null) return;
    const atS = handle.current?.mediaAt(current.positionS) ?? current.positionS;
    const lengthS = handle.current?.mediaAt(current.endS) ?? vod.durationMs / 1000;
    setClip({
      of: { vodId: vod.id }, url: vod.playlistUrl, zeroMs: current.zeroMs, storyboardUrl, isLive: false, title: vod.title,
      ...recordedChoice(atS, lengthS),
    });
  };
  const jump = (startMs: number) => {
    const atS = handle.current?.positionOfMedia(startMs / 1000);
    if (atS != null) handle.current?.seekTo(atS);
  };

  const hasReplay = useChatLikes(({ isShown }) => isShown) && !vod.whyNot && vod.playlistUrl !== null;
  return (
    <div className="watch" data-testid="video-page" data-state={vod.state} data-chat={hasReplay}>
      <div className="stage" data-testid="stage">
        {vod.whyNot ? (
          <MayNotWatch whyNot={vod.whyNot} what="video" channel={{ id: vod.channelId, name: vod.channelName, displayName: vod.channelDisplayName }} />
        ) : !vod.playlistUrl ? (
          <NotYet what="video" channelName={vod.channelName} />
        ) : (
          <Player title={vod.title || 'Untitled'} artist={vod.channelDisplayName} artwork={vod.thumbnailUrl} storyboardUrl={storyboardUrl} chapters={vod.chapters}
            onPlace={note} handle={handle} extraShortcuts={[{ keys: ['x'], label: 'x', what: 'Make a clip', act: openClip }]}
            source={{ url: vod.playlistUrl, take: 1, isRecorded: true, startAtS, isHeld: clip !== null, onRefused, onMissing: onRefused }} />
        )}
      </div>
      {hasReplay && <ReplayChat what="vods" id={vod.id} shareKey={key} isGrowing={vod.state === 'recording'} atMs={() => placeMs(handle.current, place.current)} />}
      <div className="below">
        <VideoHead vod={vod} isMine={isMine} onClip={openClip} shareKey={key} />
        {!vod.whyNot && <Chapters chapters={vod.chapters} onJump={jump} />}
      </div>
      {clip && <ClipDialog source={clip} onClose={() => setClip(null)} />}
    </div>
  );
}

/** Sheets are kept when they are full; until then those of the running stream show the same. */
function storyboardOf({ storyboardUrl, state, visibility, channelId, sessionId }: Vod): string | null {
  const isRunning = state === 'recording' && visibility === 'public';
  return storyboardUrl ?? (isRunning ? `/hls/${channelId}/${sessionId}/storyboard.vtt` : null);
}

function VideoHead({ vod, isMine, onClip, shareKey }: { vod: Vod; isMine: boolean; onClip: () => void; shareKey: string | undefined }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const { id, title, channelName, channelDisplayName, startedAt, state, durationMs, sizeBytes, downloadUrl, hasGaps, visibility } = vod;
  const path = `/videos/${id}${shareKey ? `?key=${encodeURIComponent(shareKey)}` : ''}`;
  return (
    <header className="channel-head">
      <Link to="/$channel/videos" params={{ channel: channelName }} aria-label={`Videos of ${channelDisplayName}`}><Avatar name={channelName} displayName={channelDisplayName} size={64} /></Link>
      <div className="channel-words">
        <h1>{title || 'Untitled'}</h1>
        <p className="channel-name"><Link to="/$channel" params={{ channel: channelName }}>{channelDisplayName}</Link></p>
        <p className="video-facts">
          <span>{formatDate(startedAt)}</span>
          <span>{state === 'recording' ? 'Being recorded' : formatDuration(durationMs)}</span>
          <span>{formatBytes(sizeBytes)}</span>
          {hasGaps && <span title="Some moments could not be kept, and are skipped.">with gaps</span>}
        </p>
        {state === 'recording' && <Link to="/$channel" params={{ channel: channelName }} className="video-live">It is live now: watch it as it happens</Link>}
      </div>
      <div className="channel-side video-side">
        {!vod.whyNot && <ReplayButton />}
        {!vod.whyNot && <button type="button" className="button" onClick={onClip} data-testid="clip"><Icon name="clip" size={18} /> Clip</button>}
        <ShareButton what="vods" id={id} subject="this video" visibility={visibility} isMine={isMine} path={path} />
        {downloadUrl && <a className="button" href={downloadUrl} download data-testid="download"><Icon name="download" size={18} /> Download</a>}
        {isMine && (
          <OwnerButtons video={vod} subject="video" question="Delete this video?" warning="It is gone for good, for everybody. Clips that were made of it stay."
            onSave={async (change) => {
              await api.patchVod(id, change);
              await client.invalidateQueries({ predicate: ({ queryKey }) => ['vod', 'vods'].includes(String(queryKey[0])) });
            }}
            onDelete={async () => {
              await api.deleteVod(id);
              client.removeQueries({ queryKey: ['vod', id] });
              await client.invalidateQueries({ queryKey: ['vods'] });
              await navigate({ to: '/$channel/videos', params: { channel: channelName } });
            }} />
        )}
      </div>
    </header>
  );
}

function Chapters({ chapters, onJump }: { chapters: readonly Chapter[]; onJump: (startMs: number) => void }) {
  if (chapters.length < 2) return null;
  return (
    <section className="chapters" aria-labelledby="chapters">
      <h2 id="chapters">Chapters</h2>
      <ul>
        {chapters.map(({ startMs, title }) => (
          <li key={startMs}><button type="button" onClick={() => onJump(startMs)}><span>{formatDuration(startMs)}</span> {title}</button></li>
        ))}
      </ul>
    </section>
  );
}

function Gone() {
  useTitle('No such video');
  return (
    <EmptyState testid="not-found" title="This video is not here" action={<Link to="/" className="button primary">See who is on air</Link>}>
      It may have been deleted by its channel, or its time was up. Clips that were made of it are still there.
    </EmptyState>
  );
}

export function Skeleton() {
  return (
    <div className="watch" aria-busy="true" aria-label="Loading the video">
      <div className="stage"><div className="skeleton stage-skeleton" /></div>
      <div className="channel-head">
        <span className="skeleton round" style={{ width: 64, height: 64 }} />
        <div className="channel-words">
          <span className="skeleton line" style={{ width: '46%', height: 24 }} />
          <span className="skeleton line" style={{ width: '22%' }} />
        </div>
      </div>
    </div>
  );
}
