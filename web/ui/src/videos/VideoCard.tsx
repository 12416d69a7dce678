import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { Clip, Visibility, Vod } from '../api/types';
import { formatAgo, formatDate, formatDuration } from '../format';
import { preloadHls } from '../player/loader';
import { Icon } from '../ui/Icon';
import { useNow } from '../ui/useNow';
import { Picture } from './Picture';

/** "just now" and "5 minutes ago" need no more. */
const AGO_EVERY_MS = 60_000;

export function VodCard({ vod, hasChannel = false }: { vod: Vod; hasChannel?: boolean }) {
  const now = useNow(AGO_EVERY_MS);
  const [isPointedAt, point] = usePointer();
  const { id, title, channelName, channelDisplayName, durationMs, startedAt, state, visibility, thumbnailUrl, storyboardUrl } = vod;
  return (
    <Link to="/videos/$id" params={{ id }} className="card" data-testid="vod-card" {...point}>
      <span className="card-picture">
        <Picture url={thumbnailUrl} channelName={channelName} storyboardUrl={storyboardUrl} isPointedAt={isPointedAt} />
        {state === 'recording' && <span className="card-mark">Being recorded</span>}
        <VisibilityMark visibility={visibility} />
        <span className="card-uptime">{formatDuration(durationMs)}</span>
      </span>
      <span className="video-words">
        <span className="card-title">{title || 'Untitled'}</span>
        <span className="card-tags" title={formatDate(startedAt)}>{hasChannel && `${channelDisplayName} · `}{formatAgo(startedAt, now)}</span>
      </span>
    </Link>
  );
}

export function ClipCard({ clip }: { clip: Clip }) {
  const now = useNow(AGO_EVERY_MS);
  const { id, title, channelName, channelDisplayName, creatorName, durationMs, createdAt, visibility, thumbnailUrl } = clip;
  return (
    <Link to="/clips/$id" params={{ id }} className="card" data-testid="clip-card" onPointerEnter={preloadHls} onFocus={preloadHls}>
      <span className="card-picture">
        <Picture url={thumbnailUrl} channelName={channelName} />
        <VisibilityMark visibility={visibility} />
        <span className="card-uptime">{formatDuration(durationMs)}</span>
      </span>
      <span className="video-words">
        <span className="card-title">{title || `Clip of ${channelDisplayName}`}</span>
        <span className="card-tags" title={formatDate(createdAt)}>by {creatorName} · {formatAgo(createdAt, now)}</span>
      </span>
    </Link>
  );
}

export const AUDIENCES: Record<Visibility, string> = { public: 'Everybody', followers: 'Followers', subscribers: 'Subscribers', private: 'Private' };

function VisibilityMark({ visibility }: { visibility: Visibility }) {
  if (visibility === 'public') return null;
  return <span className="card-viewers"><Icon name="lock" size={13} /> {AUDIENCES[visibility]}</span>;
}

function usePointer() {
  const [isPointedAt, setPointedAt] = useState(false);
  const on = () => {
    setPointedAt(true);
    preloadHls();
  };
  const off = () => setPointedAt(false);
  return [isPointedAt, { onPointerEnter: on, onPointerLeave: off, onFocus: on, onBlur: off }] as const;
}
