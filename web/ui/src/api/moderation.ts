/** What moderators and owners of a chat ask and do, and the names under which the answers are kept. */

import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { data, list, part } from './client';
import type { Act, Ban, BanShare, ChatSettings, HeldMessage, PatchChatSettings, Report, RoleHolder, UserCard } from './types';

/** Who may be given what. */
export type Grant = 'moderator' | 'vip';

const chat = (channelId: string) => `channels/${part(channelId)}/chat`;
const roleOf = (channelId: string, role: Grant, userId: string) => `channels/${part(channelId)}/${role === 'vip' ? 'vips' : 'moderators'}/${part(userId)}`;
const shareOf = (channelId: string, other: string) => `${chat(channelId)}/ban-shares/${part(other)}`;

export const moderation = {
  settings: (channelId: string, signal?: AbortSignal) => data<ChatSettings>('GET', `${chat(channelId)}/settings`, undefined, signal),
  patchSettings: (channelId: string, change: PatchChatSettings) => data<ChatSettings>('PATCH', `${chat(channelId)}/settings`, change),
  /** Who somebody is here, by name or id. */
  card: (channelId: string, nameOrId: string, signal?: AbortSignal) => data<UserCard>('GET', `${chat(channelId)}/users/${part(nameOrId)}`, undefined, signal),
  roles: async (channelId: string, signal?: AbortSignal) => (await list<RoleHolder>(`${chat(channelId)}/roles`, {}, signal)).items,
  grant: (channelId: string, role: Grant, userId: string) => data<unknown>('PUT', roleOf(channelId, role, userId)),
  revoke: (channelId: string, role: Grant, userId: string) => data<unknown>('DELETE', roleOf(channelId, role, userId)),
  bans: (channelId: string, cursor: string | null, signal?: AbortSignal) => list<Ban>(`${chat(channelId)}/bans`, { cursor }, signal),
  ban: (channelId: string, userId: string, reason: string) => data<Ban>('POST', `${chat(channelId)}/bans`, { userId, reason }),
  timeout: (channelId: string, userId: string, durationS: number, reason: string) => data<Ban>('POST', `${chat(channelId)}/timeouts`, { userId, durationS, reason }),
  /** Ends a ban, or with `isTimeout` a timeout. */
  unban: (channelId: string, userId: string, isTimeout = false) => data<unknown>('DELETE', `${chat(channelId)}/${isTimeout ? 'timeouts' : 'bans'}/${part(userId)}`),
  deleteMessage: (channelId: string, messageId: string) => data<unknown>('DELETE', `${chat(channelId)}/messages/${part(messageId)}`),
  held: async (channelId: string, signal?: AbortSignal) => (await list<HeldMessage>(`${chat(channelId)}/held`, {}, signal)).items,
  approve: (channelId: string, heldId: string) => data<unknown>('POST', `${chat(channelId)}/held/${part(heldId)}/approve`),
  deny: (channelId: string, heldId: string) => data<unknown>('POST', `${chat(channelId)}/held/${part(heldId)}/deny`),
  reports: (channelId: string, cursor: string | null, signal?: AbortSignal) => list<Report>(`${chat(channelId)}/reports`, { cursor }, signal),
  decideReport: (channelId: string, reportId: string, outcome: 'acted' | 'dismissed') => data<unknown>('POST', `${chat(channelId)}/reports/${part(reportId)}/decide`, { outcome }),
  acts: (channelId: string, userId: string | undefined, cursor: string | null, signal?: AbortSignal) => list<Act>(`${chat(channelId)}/acts`, { userId, cursor }, signal),
  shares: async (channelId: string, signal?: AbortSignal) => (await list<BanShare>(`${chat(channelId)}/ban-shares`, {}, signal)).items,
  offerShare: (channelId: string, toChannelId: string) => data<BanShare>('PUT', shareOf(channelId, toChannelId)),
  acceptShare: (channelId: string, fromChannelId: string) => data<BanShare>('POST', `${shareOf(channelId, fromChannelId)}/accept`),
  /** Ends it, from either side: a list that was offered, or one that is received. */
  withdrawShare: (channelId: string, otherId: string) => data<unknown>('DELETE', shareOf(channelId, otherId)),
};

/** Others decide too; the socket says so at once, where it reaches us. */
const QUEUE_EVERY_MS = 10_000;
const nextPage = { initialPageParam: null as string | null, getNextPageParam: ({ cursor }: { cursor: string | null }) => cursor };

export const chatSettingsQuery = (channelId: string) =>
  queryOptions({ queryKey: ['chat-settings', channelId], queryFn: ({ signal }) => moderation.settings(channelId, signal), refetchInterval: 30_000 });

export const rolesQuery = (channelId: string) => queryOptions({ queryKey: ['chat-roles', channelId], queryFn: ({ signal }) => moderation.roles(channelId, signal) });

export const heldQuery = (channelId: string) =>
  queryOptions({ queryKey: ['chat-held', channelId], queryFn: ({ signal }) => moderation.held(channelId, signal), refetchInterval: QUEUE_EVERY_MS, staleTime: 0 });

export const reportsQuery = (channelId: string) =>
  infiniteQueryOptions({ queryKey: ['chat-reports', channelId], queryFn: ({ signal, pageParam }) => moderation.reports(channelId, pageParam, signal), refetchInterval: QUEUE_EVERY_MS, ...nextPage });

export const bansQuery = (channelId: string) =>
  infiniteQueryOptions({ queryKey: ['chat-bans', channelId], queryFn: ({ signal, pageParam }) => moderation.bans(channelId, pageParam, signal), ...nextPage });

export const actsQuery = (channelId: string, userId: string | undefined) =>
  infiniteQueryOptions({ queryKey: ['chat-acts', channelId, userId ?? ''], queryFn: ({ signal, pageParam }) => moderation.acts(channelId, userId, pageParam, signal), ...nextPage });

export const sharesQuery = (channelId: string) => queryOptions({ queryKey: ['chat-shares', channelId], queryFn: ({ signal }) => moderation.shares(channelId, signal) });

export const cardQuery = (channelId: string, nameOrId: string) =>
  queryOptions({ queryKey: ['chat-card', channelId, nameOrId], queryFn: ({ signal }) => moderation.card(channelId, nameOrId, signal), staleTime: 0 });
