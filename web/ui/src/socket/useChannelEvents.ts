import { useEffect, useRef, useState } from 'react';
import { dispatch, type ChannelListener } from './channel-events';
import { ChannelSocket, socketUrl, type SocketStatus } from './socket';

/** Hear of one channel while mounted. No socket opens before the channel's id is known. */
export function useChannelEvents(channelId: string | undefined, listener: ChannelListener): SocketStatus {
  const latest = useRef(listener);
  latest.current = listener;
  const [status, setStatus] = useState<SocketStatus>('connecting');
  useEffect(() => {
    if (!channelId) return;
    const socket = new ChannelSocket({
      url: socketUrl(),
      channelId,
      onStatus: setStatus,
      onMessage: (message) => dispatch(message, channelId, latest.current),
    });
    return () => socket.close();
  }, [channelId]);
  return status;
}
