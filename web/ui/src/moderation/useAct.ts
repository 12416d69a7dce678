import { useMutation, useQueryClient } from '@tanstack/react-query';
import { messageOf } from '../api/errors';
import { useToasts } from '../stores/toasts';

interface Step {
  run: () => Promise<unknown>;
  /** What to say when it is done; nothing where the page itself shows it. */
  done?: string;
}

/** One act of a moderator: told in a toast, and everything that is shown of this chat is asked for again. */
export function useAct(channelId: string) {
  const client = useQueryClient();
  const show = useToasts((toasts) => toasts.show);
  return useMutation({
    mutationFn: ({ run }: Step) => run(),
    onSuccess: (_answer, { done }) => {
      if (done) show(done);
    },
    onError: (error) => show(messageOf(error), 'failed'),
    onSettled: () => client.invalidateQueries({ predicate: ({ queryKey }) => isOfChat(queryKey, channelId) }),
  });
}

/** Names of kept answers about one chat begin with "chat-" and the channel. */
export const isOfChat = (queryKey: readonly unknown[], channelId: string): boolean => String(queryKey[0]).startsWith('chat-') && queryKey[1] === channelId;
