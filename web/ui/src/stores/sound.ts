/** Volume and mute, remembered from one visit to the next. */

import { create } from 'zustand';
import { recall, remember } from './storage';

const KEY = 'tally.sound';

interface Sound {
  volume: number; // 0..1
  muted: boolean;
}

interface SoundStore extends Sound {
  setVolume: (volume: number) => void;
  setMuted: (muted: boolean) => void;
}

function isSound(value: unknown): value is Sound {
  const sound = value as Partial<Sound> | null;
  return typeof sound === 'object' && sound !== null && typeof sound.muted === 'boolean' &&
    typeof sound.volume === 'number' && sound.volume >= 0 && sound.volume <= 1;
}

export const useSound = create<SoundStore>((set, get) => {
  const keep = (sound: Sound) => {
    remember(KEY, sound);
    set(sound);
  };
  const { volume, muted } = recall<Sound>(KEY, isSound, { volume: 1, muted: false });
  return {
    volume,
    muted,
    setVolume: (wanted) => {
      const next = Math.round(Math.min(1, Math.max(0, wanted)) * 100) / 100;
      keep({ volume: next, muted: next === 0 });
    },
    // Unmuting at volume 0 would stay silent: give some sound.
    setMuted: (wanted) => keep({ volume: !wanted && get().volume === 0 ? 0.5 : get().volume, muted: wanted }),
  };
});
