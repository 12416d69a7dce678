/** What can be done with what somebody said, and how it is told when it did not work. */

import { chatApi } from '../api/chat';
import { messageOf } from '../api/errors';
import { moderation } from '../api/moderation';
import type { ChatMessage } from '../api/types';
import { useToasts } from '../stores/toasts';

/** Seconds and words. */
export const TIMEOUTS: readonly (readonly [number, string])[] = [[60, '1 minute'], [600, '10 minutes'], [3600, '1 hour'], [86_400, '1 day'], [604_800, '1 week']];
/** What a press on the clock means. */
export const USUAL_TIMEOUT_S = 600;

type Author = Pick<ChatMessage, 'userId' | 'displayName'>;

/** Moderators' acts in a channel; the socket tells everybody, this one too, what they did. */
export function actsIn(channelId: string) {
  return {
    remove: ({ id }: ChatMessage) => attempt(moderation.deleteMessage(channelId, id)),
    timeout: ({ userId }: Author, durationS = USUAL_TIMEOUT_S) => attempt(moderation.timeout(channelId, userId, durationS, '')),
    ban: ({ userId }: Author) => attempt(moderation.ban(channelId, userId, '')),
    unban: ({ userId }: Author) => attempt(moderation.unban(channelId, userId)),
    pin: ({ id }: ChatMessage) => attempt(chatApi.pin(channelId, id)),
    unpin: () => attempt(chatApi.unpin(channelId)),
    approve: (heldId: string) => attempt(moderation.approve(channelId, heldId)),
    deny: (heldId: string) => attempt(moderation.deny(channelId, heldId)),
  };
}

export type Acts = ReturnType<typeof actsIn>;

/** Returns whether it worked; says so if not. */
export async function attempt(act: Promise<unknown>): Promise<boolean> {
  try {
    await act;
    return true;
  } catch (error) {
    useToasts.getState().show(messageOf(error), 'failed');
    return false;
  }
}
