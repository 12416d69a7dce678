import { useQueryClient, type QueryKey } from '@tanstack/react-query';
import { useEffect } from 'react';
import type { ServerMessage } from '../api/types';
import { shareSocket } from '../socket/shared';

/** Which kept answers an event makes old. */
const TOUCHED: Partial<Record<ServerMessage['type'], readonly string[]>> = {
  message_held: ['chat-held'],
  held_decided: ['chat-held', 'chat-acts'],
  report_filed: ['chat-reports'],
  user_banned: ['chat-bans', 'chat-acts', 'chat-card'],
  user_timed_out: ['chat-bans', 'chat-acts', 'chat-card'],
  user_unbanned: ['chat-bans', 'chat-acts', 'chat-card'],
  message_deleted: ['chat-acts', 'chat-card'],
  clear_chat: ['chat-acts'],
  settings_changed: ['chat-settings', 'chat-acts'],
  role_changed: ['chat-roles', 'chat-acts', 'chat-card'],
  message_pinned: ['chat-acts'],
  announcement: ['chat-acts'],
  raid: ['chat-acts'],
  reset: ['chat-held', 'chat-reports', 'chat-bans', 'chat-settings', 'chat-roles'],
};
/** What a storm of acts makes old is asked for once within this. */
const GATHER_MS = 300;

/** What other moderators do shows up at once. */
export function useModeratorEvents(channelId: string): void {
  const client = useQueryClient();
  useEffect(() => {
    const { socket, release } = shareSocket(channelId);
    const old = new Set<string>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = () => {
      timer = undefined;
      const isOld = ({ queryKey }: { queryKey: QueryKey }) => old.has(String(queryKey[0])) && queryKey[1] === channelId;
      void client.invalidateQueries({ predicate: isOld });
      old.clear();
    };
    const stop = socket.listen({
      onMessage: (message) => {
        const names = TOUCHED[message.type];
        if (!names) return;
        for (const name of names) old.add(name);
        timer ??= setTimeout(ask, GATHER_MS);
      },
    });
    return () => {
      clearTimeout(timer);
      stop();
      release();
    };
  }, [channelId, client]);
}
