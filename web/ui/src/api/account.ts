/** My account, the tokens that act for it, and my bots. */

import { queryOptions } from '@tanstack/react-query';
import { data, list, part } from './client';
import type { Bot, CreateBot, CreateToken, Me, PatchMe, Token } from './types';

export const account = {
  patchMe: (change: PatchMe) => data<Me>('PATCH', 'me', change),
  tokens: async (signal?: AbortSignal) => (await list<Token>('tokens', {}, signal)).items,
  /** The only answer that has the token itself. */
  createToken: (body: CreateToken) => data<Token>('POST', 'tokens', body),
  deleteToken: (id: string) => data<unknown>('DELETE', `tokens/${part(id)}`),
  bots: async (signal?: AbortSignal) => (await list<Bot>('bots', {}, signal)).items,
  createBot: (body: CreateBot) => data<Bot>('POST', 'bots', body),
  deleteBot: (userId: string) => data<unknown>('DELETE', `bots/${part(userId)}`),
};

export const tokensQuery = queryOptions({ queryKey: ['tokens'], queryFn: ({ signal }) => account.tokens(signal) });
export const botsQuery = queryOptions({ queryKey: ['bots'], queryFn: ({ signal }) => account.bots(signal) });
