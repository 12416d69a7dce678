import { useParams, useSearch } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useMemo, useRef, useState, type RefObject } from 'react';
import { MayNotWatch } from '../access/MayNotWatch';
import { ApiError } from '../api/errors';
import type { Channel, Vod } from '../api/types';
import { ChatPanel } from '../chat/ChatPanel';
import { PictureClock } from '../chat/in-step';
import { useChat } from '../chat/useChat';
import type { ClipSource } from '../clips/ClipDialog';
import { liveChoice } from '../clips/trim';
import { Button } from '../player/Controls';
import type { Rest } from '../player/ending';
import type { Place } from '../player/place';
import { Player } from '../player/Player';
import type { PlayerHandle } from '../player/usePlayer';
import { useChatLikes } from '../stores/chat';
import { useLampWhile } from '../stores/lamp';
import { ErrorState } from '../ui/States';
import { useTitle } from '../ui/useTitle';
import { ChannelHead, ChannelHeadSkeleton } from './ChannelHead';
import { ChannelNotFound } from './ChannelNotFound';
import { LastVideos } from './LastVideos';
import { OfflineScreen } from './OfflineScreen';
import type { Presence, PresenceEvent } from './presence';
import { useChannel } from './useChannel';
import { usePlayback, type Watching } from './usePlayback';
import { useRecording } from './useRecording';
import './watch.css';

const ClipDialog = lazy(async () => ({ default: (await import('../clips/ClipDialog')).ClipDialog }));

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
  const { key } = useSearch({ from: '/$channel' });
  const { query, channel, presence, isReconnecting, send, askWhetherOver } = useChannel(name, key);
  const watching = usePlayback(name, key, presence);
  const { rest, vod } = useRecording(name, key, watching.vodId, presence);
  const [isPast, setPast] = useState(false);
  const { seen, handle, clip, openClip, closeClip } = useClip(channel, watching, vod);
  const clock = useMemo(() => new PictureClock(), []);
  const room = useChat(channel?.id, clock, key);
  const { isShown, set: like } = useChatLikes();
  const toggleChat = () => like({ isShown: !isShown });
  const seePlace = (now: Place) => {
    seen(now);
    setPast(now.isPast);
    clock.set(now.programMs, handle.current?.state.phase === 'playing');
  };
  const isOnAir = presence.phase === 'live' && channel !== undefined;
  useLampWhile(isOnAir);
  useTitle(channel ? (channel.isLive && channel.title ? `${channel.displayName}: ${channel.title}` : channel.displayName) : name);

  useEffect(() => {
    if (presence.phase !== 'ending' || isPast) return; // who has rewound has more left to see
    const timer = setTimeout(() => send({ type: 'played-out' }), PLAY_OUT_MS);
    return () => clearTimeout(timer);
  }, [presence.phase, isPast, send]);

  const isUnknown = query.error instanceof ApiError && query.error.code === 'NOT_FOUND';
  if (isUnknown) return <ChannelNotFound name={name} />;
  if (query.error && !channel) return <ErrorState error={query.error} onRetry={() => void query.refetch()} />;
  return (
    <div className="watch" data-chat={isShown}>
      <div className="stage" data-testid="stage" data-phase={presence.phase}>
        <Stage name={name} channel={channel} presence={presence} watching={watching} isReconnecting={isReconnecting} rest={rest} vod={vod} send={send} onPastMissing={() => void askWhetherOver()}
          handle={handle} isHeld={clip !== null} onClip={openClip} onPlace={seePlace} />
      </div>
      {isShown && <ChatPanel room={room} channel={channel} accessKey={key} onHide={toggleChat} />}
      <div className="below">
        {channel ? <ChannelHead channel={channel} isOnAir={presence.phase === 'live'} onClip={presence.phase === 'live' && !watching.whyNot ? openClip : null} isChatShown={isShown} onChat={toggleChat} room={room} /> : <ChannelHeadSkeleton />}
        {presence.phase === 'offline' && channel && <LastVideos name={name} displayName={channel.displayName} />}
      </div>
      {clip && <Suspense fallback={null}><ClipDialog source={clip} onClose={closeClip} /></Suspense>}
    </div>
  );
}

/** The clip that is being made of what plays, chosen from its last 90 s. */
function useClip(channel: Channel | undefined, { url, rewindUrl, storyboardUrl }: Watching, vod: Vod | null) {
  const place = useRef<Place | null>(null);
  const handle = useRef<PlayerHandle | null>(null);
  const [clip, setClip] = useState<ClipSource | null>(null);
  const isAwaited = useRef(false);
  const openClip = () => {
    const zeroMs = place.current?.zeroMs;
    isAwaited.current = zeroMs == null;
    if (isAwaited.current) handle.current?.useHls(); // WebRTC alone does not tell which moment plays
    const nowMs = place.current?.isPast ? place.current.programMs : handle.current?.edgeMs();
    if (!channel || zeroMs == null || nowMs == null) return;
    setClip({
      of: vod ? { vodId: vod.id } : { channelId: channel.id }, url: vod?.playlistUrl ?? rewindUrl ?? url, zeroMs, storyboardUrl, isLive: true, title: channel.title,
      ...liveChoice((nowMs - zeroMs) / 1000),
    });
  };
  const seen = (now: Place) => {
    place.current = now;
    if (isAwaited.current && now.zeroMs !== null) openClip();
  };
  return { seen, handle, clip, openClip, closeClip: () => setClip(null) };
}

interface StageProps {
  name: string;
  channel: Channel | undefined;
  presence: Presence;
  watching: Watching;
  isReconnecting: boolean;
  rest: Rest;
  vod: Vod | null;
  onPastMissing: () => void;
  send: (event: PresenceEvent) => void;
  handle: RefObject<PlayerHandle | null>;
  isHeld: boolean;
  onClip: () => void;
  onPlace: (place: Place) => void;
}

function Stage({ name, channel, presence, watching, isReconnecting, rest, vod, onPastMissing, send, handle, isHeld, onClip, onPlace }: StageProps) {
  if (presence.phase === 'offline') return channel ? <OfflineScreen channel={channel} isCutShort={presence.isCutShort ?? false} /> : <div className="skeleton stage-skeleton" />;
  if (watching.whyNot && channel) return <MayNotWatch whyNot={watching.whyNot} what="stream" channel={channel} />;
  return (
    <Player
      title={channel?.title || name}
      artist={channel?.displayName ?? name}
      artwork={channel?.thumbnailUrl}
      storyboardUrl={vod?.storyboardUrl ?? watching.storyboardUrl}
      rewindFrom={watching.rewindFrom}
      onAim={watching.refresh}
      onPlace={onPlace}
      handle={handle}
      extra={<Button name="clip" label="Make a clip (x)" testid="clip-control" onClick={onClip} />}
      extraShortcuts={[{ keys: ['x'], label: 'x', what: 'Make a clip', act: onClip }]}
      source={{
        url: watching.url,
        rewindUrl: vod?.playlistUrl ?? watching.rewindUrl,
        rest,
        whepUrl: watching.whepUrl,
        take: presence.take,
        isEnding: presence.phase === 'ending',
        isInterrupted: isReconnecting,
        isHeld,
        onRefused: watching.renew,
        onPlayable: () => send({ type: 'playable' }),
        onMissing: () => send({ type: 'missing' }),
        onPastMissing,
        onCutShort: () => send({ type: 'cut-short' }),
        onPlayedOut: () => send({ type: 'played-out' }),
      }}
    />
  );
}
