import type { ChatMessage, ReplayMessage } from '../../src/api/types';

export const said = (content: string, change: Partial<ChatMessage> = {}): ChatMessage => ({
  id: content, channelId: 'c1', userId: 'u2', username: 'bo', displayName: 'Bo', content, badges: [], emotes: [], color: '#4F8CFF', timestamp: 1_000_000, seq: 1, epoch: 'e', ...change,
});

/** A line at each of these moments, named by it. */
export const linesAt = (...offsets: number[]): ReplayMessage[] => offsets.map((offsetMs) => ({ offsetMs, message: said(`m${offsetMs}`), announcement: null }));

/** `count` lines from `fromMs` on, one every `everyMs`. */
export const linesFrom = (fromMs: number, count: number, everyMs: number): ReplayMessage[] => linesAt(...Array.from({ length: count }, (_, index) => fromMs + index * everyMs));
