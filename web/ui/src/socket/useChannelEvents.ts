import { useEffect, useRef, useState } from 'react';
import { dispatch, type ChannelListener } from './channel-events';
import { shareSocket } from './shared';
import type { SocketStatus } from './socket';

/** Hear of one channel while mounted. No socket opens before the channel's id is known. `key`: of a shared address. */
export function useChannelEvents(channelId: string | undefined, listener: ChannelListener, key?: string): SocketStatus {
  const latest = useRef(listener);
  latest.current = listener;
  const [status, setStatus] = useState<SocketStatus>('connecting');
  useEffect(() => {
    if (!channelId) return;
    const { socket, release } = shareSocket(channelId, key);
    const silence = socket.listen({ onStatus: setStatus, onMessage: (message) => dispatch(message, channelId, latest.current) });
    return () => {
      silence();
      release();
    };
  }, [channelId, key]);
  return status;
}
