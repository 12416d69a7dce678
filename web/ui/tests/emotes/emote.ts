import type { Emote } from '../../src/api/types';

export const emote = (change: Partial<Emote> = {}): Emote => ({
  id: 'e1', channelId: 'c1', name: 'demoHi', tier: 0, isAnimated: false, url: '/emotes/e1/2.webp', createdAt: '2026-11-20T10:00:00Z', ...change,
});
