/** What a chat's readers and writers ask and do; moderators' own is in `moderation.ts`. */

import { queryOptions } from '@tanstack/react-query';
import { data, list, part, queryOf } from './client';
import type { ChatMessage, Chatters, HistoryMessage, Pinned, UsableEmotes } from './types';

const chat = (channelId: string) => `channels/${part(channelId)}/chat`;

export const chatApi = {
  /** Messages before a place, oldest first. `key`: of a shared address. */
  history: async (channelId: string, beforeSeq: number, limit: number, key?: string): Promise<HistoryMessage[]> =>
    (await list<HistoryMessage>(`${chat(channelId)}/messages`, { before: String(beforeSeq), limit: String(limit), key })).items,
  thread: async (channelId: string, messageId: string, key?: string, signal?: AbortSignal): Promise<ChatMessage[]> =>
    (await list<ChatMessage>(`${chat(channelId)}/messages`, { thread: messageId, limit: '100', key }, signal)).items,
  pin: (channelId: string, messageId: string, durationS?: number) => data<Pinned>('PUT', `${chat(channelId)}/pinned`, { messageId, ...(durationS && { durationS }) }),
  unpin: (channelId: string) => data<unknown>('DELETE', `${chat(channelId)}/pinned`),
  report: (channelId: string, userId: string, reason: string, messageId?: string) => data<unknown>('POST', `${chat(channelId)}/reports`, { userId, reason, ...(messageId && { messageId }) }),
  chatters: (channelId: string, signal?: AbortSignal) => data<Chatters>('GET', `${chat(channelId)}/chatters`, undefined, signal),
  myEmotes: (channelId: string, signal?: AbortSignal) => data<UsableEmotes>('GET', `me/emotes${queryOf({ channel: channelId })}`, undefined, signal),
};

/** What I may use in that channel; the socket says when it changes. */
export const myEmotesQuery = (channelId: string) =>
  queryOptions({ queryKey: ['my-emotes', channelId], queryFn: ({ signal }) => chatApi.myEmotes(channelId, signal), staleTime: 300_000 });

export const chattersQuery = (channelId: string) =>
  queryOptions({ queryKey: ['chatters', channelId], queryFn: ({ signal }) => chatApi.chatters(channelId, signal), staleTime: 15_000, refetchInterval: 15_000 });

export const threadQuery = (channelId: string, threadId: string, key?: string) =>
  queryOptions({ queryKey: ['thread', channelId, threadId], queryFn: ({ signal }) => chatApi.thread(channelId, threadId, key, signal), staleTime: 0 });
