/** One socket for each channel of a page, whoever of its parts listens; it closes with the last of them. */

import { ChannelSocket, socketUrl } from './socket';

interface Shared {
  socket: ChannelSocket;
  users: number;
}

const open = new Map<string, Shared>();

/** Returns the channel's socket, and how to give it back. */
export function shareSocket(channelId: string, key?: string): { socket: ChannelSocket; release: () => void } {
  const name = `${channelId} ${key ?? ''}`;
  const shared = open.get(name) ?? { socket: new ChannelSocket({ url: socketUrl(), channelId, key }), users: 0 };
  open.set(name, shared);
  shared.users++;
  let isHeld = true;
  const release = () => {
    if (!isHeld) return;
    isHeld = false;
    if (--shared.users > 0) return;
    open.delete(name);
    shared.socket.close();
  };
  return { socket: shared.socket, release };
}
