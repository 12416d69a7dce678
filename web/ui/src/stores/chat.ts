/** How somebody likes the chat, remembered from one visit to the next. */

import { create } from 'zustand';
import { recall, remember } from './storage';

const KEY = 'tally.chat';

interface Likes {
  isShown: boolean;
  hasTimes: boolean;
  /** Wait for the picture. */
  isInStep: boolean;
}

interface ChatStore extends Likes {
  set: (change: Partial<Likes>) => void;
}

const USUAL: Likes = { isShown: true, hasTimes: false, isInStep: false };

function isLikes(value: unknown): value is Likes {
  const likes = value as Partial<Likes> | null;
  return typeof likes === 'object' && likes !== null && Object.keys(USUAL).every((name) => typeof likes[name as keyof Likes] === 'boolean');
}

export const useChatLikes = create<ChatStore>((set, get) => ({
  ...recall<Likes>(KEY, isLikes, USUAL),
  set: (change) => {
    const { isShown, hasTimes, isInStep } = { ...get(), ...change };
    remember(KEY, { isShown, hasTimes, isInStep });
    set({ isShown, hasTimes, isInStep });
  },
}));
