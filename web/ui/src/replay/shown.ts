/** Whether the chat stands beside recordings, remembered from one to the next. */

import { create } from 'zustand';
import { recall, remember } from '../stores/storage';

const KEY = 'tally.replay';
const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean';

export const useReplayShown = create<{ isShown: boolean; setShown: (isShown: boolean) => void }>((set) => ({
  isShown: recall(KEY, isBoolean, true),
  setShown: (isShown) => {
    remember(KEY, isShown);
    set({ isShown });
  },
}));
