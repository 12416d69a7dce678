import { useParams } from '@tanstack/react-router';
import { useEffect } from 'react';
import { ApiError } from '../api/errors';
import type { Channel } from '../api/types';
import { Player } from '../player/Player';
import { useLampWhile } from '../stores/lamp';
import { ErrorState } from '../ui/States';
import { useTitle } from '../ui/useTitle';
import { ChannelHead, ChannelHeadSkeleton } from './ChannelHead';
import { ChannelNotFound } from './ChannelNotFound';
import { OfflineScreen } from './OfflineScreen';
import type { Presence, PresenceEvent } from './presence';
import { useChannel } from './useChannel';
import './watch.css';

const CHANNEL_NAME = /^[a-z0-9_]{3,25}$/;
/** The end of a stream lies in the buffer; a player that has not reached it by then never will. */
const PLAY_OUT_MS = 15_000;

export function WatchPage() {
  const { channel } = useParams({ from: '/$channel' });
  const name = channel.toLowerCase();
  // No question is worth asking about a name that cannot be a channel's.
  return CHANNEL_NAME.test(name) ? <Watch key={name} name={name} /> : <ChannelNotFound name={channel} />;
}

function Watch({ name }: { name: string }) {
  const { query, channel, presence, isReconnecting, send } = useChannel(name);
  const isOnAir = presence.phase === 'live' && channel !== undefined;
  useLampWhile(isOnAir);
  useTitle(channel ? (channel.isLive && channel.title ? `${channel.displayName}: ${channel.title}` : channel.displayName) : name);

  useEffect(() => {
    if (presence.phase !== 'ending') return;
    const timer = setTimeout(() => send({ type: 'played-out' }), PLAY_OUT_MS);
    return () => clearTimeout(timer);
  }, [presence.phase, send]);

  const isUnknown = query.error instanceof ApiError && query.error.code === 'NOT_FOUND';
  if (isUnknown) return <ChannelNotFound name={name} />;
  if (query.error && !channel) return <ErrorState error={query.error} onRetry={() => void query.refetch()} />;
  return (
    <div className="watch">
      <div className="stage" data-testid="stage" data-phase={presence.phase}>
        <Stage name={name} channel={channel} presence={presence} isReconnecting={isReconnecting} send={send} />
      </div>
      {channel ? <ChannelHead channel={channel} isOnAir={presence.phase === 'live'} /> : <ChannelHeadSkeleton />}
    </div>
  );
}

interface StageProps {
  name: string;
  channel: Channel | undefined;
  presence: Presence;
  isReconnecting: boolean;
  send: (event: PresenceEvent) => void;
}

function Stage({ name, channel, presence, isReconnecting, send }: StageProps) {
  if (presence.phase === 'offline') return channel ? <OfflineScreen channel={channel} /> : <div className="skeleton stage-skeleton" />;
  return (
    <Player
      title={channel?.title || name}
      artist={channel?.displayName ?? name}
      artwork={channel?.thumbnailUrl}
      source={{
        url: `/hls/${name}/playlist.m3u8`,
        take: presence.take,
        isEnding: presence.phase === 'ending',
        isInterrupted: isReconnecting,
        onPlayable: () => send({ type: 'playable' }),
        onMissing: () => send({ type: 'missing' }),
        onPlayedOut: () => send({ type: 'played-out' }),
      }}
    />
  );
}
