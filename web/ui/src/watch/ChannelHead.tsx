import { Link } from '@tanstack/react-router';
import { FollowButton } from '../access/FollowButton';
import { useMe } from '../api/queries';
import type { Channel } from '../api/types';
import type { ChatRoom } from '../chat/room';
import { formatCategory, formatDuration, formatLanguage, formatViewers } from '../format';
import { Avatar } from '../ui/Avatar';
import { Icon } from '../ui/Icon';
import { LiveBadge } from '../ui/States';
import { useNow } from '../ui/useNow';
import { ShareButton } from '../videos/ShareButton';
import { ChattersFigure } from './ChattersFigure';

interface Props {
  channel: Channel;
  isOnAir: boolean;
  /** Null while there is nothing to cut. */
  onClip: (() => void) | null;
  isChatShown: boolean;
  onChat: () => void;
  /** Null until it is opened. */
  room: ChatRoom | null;
}

export function ChannelHead({ channel, isOnAir, onClip, isChatShown, onChat, room }: Props) {
  const { data: me } = useMe();
  const isMine = me?.user.id === channel.userId;
  return (
    <header className="channel-head">
      <span className="channel-avatar" data-live={isOnAir}>
        <Avatar name={channel.name} displayName={channel.displayName} size={64} />
        {isOnAir && <LiveBadge />}
      </span>
      <div className="channel-words">
        <h1>{channel.title || channel.displayName}</h1>
        <p className="channel-name">
          {channel.displayName}
          {channel.displayName.toLowerCase() !== channel.name && <span className="muted"> · {channel.name}</span>}
        </p>
        <Tags channel={channel} />
      </div>
      <div className="channel-side">
        {isOnAir && <Figures channel={channel} room={room} />}
        <div className="channel-buttons">
          <FollowButton channelId={channel.id} ownerId={channel.userId} isPrimary />
          <button type="button" className="button" aria-pressed={isChatShown} title={isChatShown ? 'Hide the chat' : 'Show the chat'} data-testid="to-chat" onClick={onChat}><Icon name="chat" size={18} /> Chat</button>
          {onClip && <button type="button" className="button" data-testid="clip" onClick={onClip}><Icon name="clip" size={18} /> Clip</button>}
          <Link to="/$channel/videos" params={{ channel: channel.name }} className="button" data-testid="to-videos"><Icon name="film" size={18} /> Videos</Link>
          <ShareButton what="channels" id={channel.id} subject="this channel" visibility={channel.visibility} isMine={isMine} path={`/${channel.name}`} />
        </div>
      </div>
    </header>
  );
}

function Tags({ channel }: { channel: Channel }) {
  const { categoryId, language, tags, mature } = channel;
  if (!categoryId && !language && tags.length === 0 && !mature) return null;
  return (
    <ul className="tags" aria-label="Tags">
      {categoryId && <li className="tag strong">{formatCategory(categoryId)}</li>}
      {mature && <li className="tag">18+</li>}
      {language && <li className="tag">{formatLanguage(language)}</li>}
      {tags.map((tag) => <li key={tag} className="tag">{tag}</li>)}
    </ul>
  );
}

function Figures({ channel, room }: { channel: Channel; room: ChatRoom | null }) {
  const now = useNow(1000);
  return (
    <div className="figures">
      <span className="figure" data-testid="viewers" title={`${channel.viewerCount.toLocaleString('en')} watching now`}>
        <Icon name="person" size={18} /> {formatViewers(channel.viewerCount)}
      </span>
      {room && <ChattersFigure room={room} />}
      {channel.startedAt && (
        <span className="figure" data-testid="uptime" title="On air for">
          {formatDuration(now - new Date(channel.startedAt).getTime())}
        </span>
      )}
    </div>
  );
}

export function ChannelHeadSkeleton() {
  return (
    <header className="channel-head" aria-busy="true" aria-label="Loading the channel">
      <span className="skeleton round" style={{ width: 64, height: 64 }} />
      <div className="channel-words">
        <span className="skeleton line" style={{ width: '46%', height: 24 }} />
        <span className="skeleton line" style={{ width: '22%' }} />
      </div>
    </header>
  );
}
