import { Link } from '@tanstack/react-router';
import type { Channel } from '../api/types';
import { formatCategory, formatDuration, formatViewers } from '../format';
import { preloadHls } from '../player/loader';
import { Avatar } from '../ui/Avatar';
import { LiveBadge } from '../ui/States';
import { Thumbnail } from '../ui/Thumbnail';
import { useNow } from '../ui/useNow';

const UPTIME_EVERY_MS = 10_000;

export function ChannelCard({ channel }: { channel: Channel }) {
  const { name, displayName, title, categoryId, tags, viewerCount } = channel;
  return (
    <Link to="/$channel" params={{ channel: name }} className="card" data-testid="channel-card" onPointerEnter={preloadHls} onFocus={preloadHls}>
      <span className="card-picture">
        <Thumbnail channel={channel} hasLetter />
        <LiveBadge isReconnecting={channel.isReconnecting} />
        <Uptime startedAt={channel.startedAt} />
        <span className="card-viewers">{formatViewers(viewerCount)}</span>
      </span>
      <span className="card-words">
        <Avatar name={name} displayName={displayName} size={40} />
        <span className="card-lines">
          <span className="card-title">{title || displayName}</span>
          <span className="card-name">{displayName}</span>
          {(categoryId || tags.length > 0) && (
            <span className="card-tags">{[categoryId && formatCategory(categoryId), ...tags].filter(Boolean).slice(0, 3).join(' · ')}</span>
          )}
        </span>
      </span>
    </Link>
  );
}

function Uptime({ startedAt }: { startedAt: string | null }) {
  const now = useNow(UPTIME_EVERY_MS, startedAt !== null);
  if (!startedAt) return null;
  return <span className="card-uptime" title="On air for">{formatDuration(now - new Date(startedAt).getTime())}</span>;
}

export function OffAirChannel({ channel }: { channel: Channel }) {
  return (
    <Link to="/$channel" params={{ channel: channel.name }} className="chip">
      <Avatar name={channel.name} displayName={channel.displayName} size={32} />
      <span>{channel.displayName}</span>
    </Link>
  );
}

export function CardSkeleton() {
  return (
    <div className="card" aria-hidden="true">
      <span className="card-picture skeleton" />
      <span className="card-words">
        <span className="skeleton round" style={{ width: 40, height: 40 }} />
        <span className="card-lines">
          <span className="skeleton line" style={{ width: '80%' }} />
          <span className="skeleton line" style={{ width: '45%' }} />
        </span>
      </span>
    </div>
  );
}
