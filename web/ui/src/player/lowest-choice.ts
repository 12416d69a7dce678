/** Whether this browser's viewer wants the lowest latency, from one visit to the next; off until he asks for it. */

import { create } from 'zustand';
import { recall, remember } from '../stores/storage';

const KEY = 'tally.lowest-latency';
const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean';

interface LowestChoice {
  isWanted: boolean;
  choose: (isWanted: boolean) => void;
}

export const useLowestChoice = create<LowestChoice>((set) => ({
  isWanted: recall(KEY, isBoolean, false),
  choose: (isWanted) => {
    remember(KEY, isWanted);
    set({ isWanted });
  },
}));

/** Browsers without WebRTC are not offered it. */
export const hasWebrtc = (): boolean => typeof RTCPeerConnection !== 'undefined';
