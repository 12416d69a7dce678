/** The renditions that a viewer can choose from, by the names that the menu shows. */

import type { Level } from 'hls.js';
import { create } from 'zustand';
import { recall, remember } from '../stores/storage';

/** `auto`, `source`, or a rung by its size and rate: `720p`, `1080p60`. */
export type QualityChoice = 'auto' | 'source' | `${number}p${number | ''}`;

export interface Quality {
  /** Its place in hls.js's list. */
  index: number;
  choice: Exclude<QualityChoice, 'auto'>;
  label: string;
  /** The shorter side in lines: a phone held upright sends 1080x1920. */
  lines: number;
  bitrateBps: number;
}

/** What of an hls.js level is looked at. */
export type LevelLike = Pick<Level, 'width' | 'height' | 'frameRate' | 'bitrate' | 'averageBitrate' | 'uri'>;

/** Up to this many pictures per second are not worth a word. */
const USUAL_FRAME_RATE = 31;
/** The origin calls the publisher's own rendition this. */
const SOURCE_URI = /(^|\/)video\.m3u8($|\?)/;

/** The levels from the best to the smallest. */
export function qualitiesOf(levels: readonly LevelLike[]): Quality[] {
  return levels.map((level, index) => qualityOf(level, index)).sort((a, b) => b.lines - a.lines || b.bitrateBps - a.bitrateBps);
}

function qualityOf(level: LevelLike, index: number): Quality {
  const lines = Math.min(level.width, level.height);
  const rate = level.frameRate > USUAL_FRAME_RATE ? Math.round(level.frameRate) : '';
  const size: `${number}p${number | ''}` = `${lines}p${rate}`;
  const isSource = SOURCE_URI.test(level.uri);
  return { index, choice: isSource ? 'source' : size, label: isSource ? `${size} (source)` : size, lines, bitrateBps: level.averageBitrate || level.bitrate };
}

/** What is nearest to `choice`: itself, else the best that is not larger, else the smallest; null for auto. */
export function pickQuality(choice: QualityChoice, qualities: readonly Quality[]): Quality | null {
  if (choice === 'auto') return null;
  const same = qualities.find((quality) => quality.choice === choice);
  if (same || choice === 'source') return same ?? qualities[0] ?? null;
  const lines = Number.parseInt(choice, 10);
  return qualities.find((quality) => quality.lines <= lines) ?? qualities.at(-1) ?? null;
}

const KEY = 'tally.quality';

function isChoice(value: unknown): value is QualityChoice {
  return value === 'auto' || value === 'source' || (typeof value === 'string' && /^\d{1,5}p\d{0,3}$/.test(value));
}

interface QualityStore {
  choice: QualityChoice;
  choose: (choice: QualityChoice) => void;
}

/** What this browser's viewer chose, from one visit to the next. */
export const useQuality = create<QualityStore>((set) => ({
  choice: recall<QualityChoice>(KEY, isChoice, 'auto'),
  choose: (choice) => {
    remember(KEY, choice);
    set({ choice });
  },
}));
