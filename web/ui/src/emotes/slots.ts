/** How many emotes a channel may have, by whom they are for. */

import type { Tier } from '../api/emotes';
import type { Emote } from '../api/types';

export const TIERS: readonly Tier[] = [0, 1, 2, 3];
export const TIER_WORDS: Record<Tier, string> = { 0: 'Everybody', 1: 'Subscribers', 2: 'Subscribers from tier 2', 3: 'Subscribers of tier 3' };
export const SLOTS: Record<Tier, number> = { 0: 20, 1: 5, 2: 5, 3: 10 };

export const ofTier = (emotes: readonly Emote[], tier: Tier): Emote[] => emotes.filter((emote) => emote.tier === tier);

export const slotsLeft = (emotes: readonly Emote[], tier: Tier): number => Math.max(0, SLOTS[tier] - ofTier(emotes, tier).length);
