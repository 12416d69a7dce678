import type { Channel } from '../api/types';
import { formatCategory, formatDuration, formatLanguage, formatViewers } from '../format';
import { useToasts } from '../stores/toasts';
import { Avatar } from '../ui/Avatar';
import { copyText } from '../ui/copy';
import { Icon } from '../ui/Icon';
import { LiveBadge } from '../ui/States';
import { useNow } from '../ui/useNow';

export function ChannelHead({ channel, isOnAir }: { channel: Channel; isOnAir: boolean }) {
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
        {isOnAir && <Figures channel={channel} />}
        <ShareButton channel={channel} />
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

function Figures({ channel }: { channel: Channel }) {
  const now = useNow(1000);
  return (
    <div className="figures">
      <span className="figure" data-testid="viewers" title={`${channel.viewerCount.toLocaleString('en')} watching now`}>
        <Icon name="person" size={18} /> {formatViewers(channel.viewerCount)}
      </span>
      {channel.startedAt && (
        <span className="figure" data-testid="uptime" title="On air for">
          {formatDuration(now - new Date(channel.startedAt).getTime())}
        </span>
      )}
    </div>
  );
}

function ShareButton({ channel }: { channel: Channel }) {
  const show = useToasts((toasts) => toasts.show);
  const share = async () => {
    const isDone = await copyText(`${window.location.origin}/${channel.name}`);
    show(isDone ? 'Link copied' : 'The browser does not allow copying. Take the link from the address bar.', isDone ? 'done' : 'failed');
  };
  return (
    <button type="button" className="button" onClick={() => void share()} data-testid="share">
      <Icon name="share" size={18} /> Share
    </button>
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
