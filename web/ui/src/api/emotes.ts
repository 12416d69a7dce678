/** A channel's own emotes. */

import { queryOptions } from '@tanstack/react-query';
import { data, list, part } from './client';
import type { Emote } from './types';

export type Tier = 0 | 1 | 2 | 3;

const path = (channelId: string) => `channels/${part(channelId)}/emotes`;

export const emotes = {
  of: async (channelId: string, signal?: AbortSignal) => (await list<Emote>(path(channelId), {}, signal)).items,
  create: (channelId: string, name: string, tier: Tier, image: File) => {
    const form = new FormData();
    form.set('name', name);
    form.set('tier', String(tier));
    form.set('image', image);
    return data<Emote>('POST', path(channelId), form);
  },
  remove: (channelId: string, emoteId: string) => data<unknown>('DELETE', `${path(channelId)}/${part(emoteId)}`),
};

export const emotesQuery = (channelId: string) => queryOptions({ queryKey: ['emotes', channelId], queryFn: ({ signal }) => emotes.of(channelId, signal) });
