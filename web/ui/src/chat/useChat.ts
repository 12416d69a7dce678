import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState, useSyncExternalStore } from 'react';
import { chatApi, myEmotesQuery } from '../api/chat';
import { shareSocket } from '../socket/shared';
import type { PictureClock } from './in-step';
import { ChatRoom, type RoomState } from './room';

/** Everyone hears of new emotes at once; they need not all ask at once. */
const EMOTES_WITHIN_MS = 3000;

/** The chat of a channel while mounted; null until the channel is known. `key`: of a shared address. */
export function useChat(channelId: string | undefined, clock: PictureClock, key?: string): ChatRoom | null {
  const client = useQueryClient();
  const [room, setRoom] = useState<ChatRoom | null>(null);
  useEffect(() => {
    if (!channelId) return;
    const { socket, release } = shareSocket(channelId, key);
    const current = new ChatRoom({
      channelId,
      clock,
      send: (message) => socket.send(message),
      loadHistory: (beforeSeq, limit) => chatApi.history(channelId, beforeSeq, limit, key),
      onEmotes: () => setTimeout(() => void client.invalidateQueries({ queryKey: myEmotesQuery(channelId).queryKey }), Math.random() * EMOTES_WITHIN_MS),
    });
    const silence = socket.listen({ onMessage: current.hear, onStatus: current.setStatus });
    setRoom(current);
    return () => {
      silence();
      release();
      current.close();
      setRoom(null);
    };
  }, [channelId, key, clock, client]);
  return room;
}

/** What the room shows, a new picture of it once a frame. */
export function useRoom(room: ChatRoom): RoomState {
  return useSyncExternalStore(room.subscribe, room.snapshot);
}
