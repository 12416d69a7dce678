/** What a seek bar runs over: the whole of a recording, or all that a live stream can be rewound to. */

import { formatDuration } from '../format';
import type { PlayerHandle } from './usePlayer';

/** Seconds of a clock that is the axis' own. */
export interface Axis {
  startS: number;
  endS: number;
  valueS: number;
  bufferedS: number | null;
  /** Its end moves on with the stream. */
  isLive: boolean;
  /** At the newest picture, as far as a viewer cares. */
  isAtEdge: (atS: number) => boolean;
  label: (atS: number) => string;
  spoken: (atS: number) => string;
  mediaAt: (atS: number) => number | null;
  ofMedia: (mediaS: number) => number | null;
  seek: (atS: number) => void;
}

/** Nearer to the newest picture than this is "live". */
const LIVE_WITHIN_S = 3;
/** Shorter than this there is nothing to seek in. */
const LEAST_S = 4;

export function axisOf(player: PlayerHandle, isRecorded: boolean, rewindFrom: string | null): Axis | null {
  const axis = isRecorded ? recordedAxis(player) : liveAxis(player, rewindFrom);
  return axis && axis.endS - axis.startS >= (isRecorded ? 0.5 : LEAST_S) ? axis : null;
}

function recordedAxis(player: PlayerHandle): Axis | null {
  const place = player.stats?.place;
  if (!place) return null;
  return {
    startS: place.startS,
    endS: place.endS,
    valueS: place.positionS,
    bufferedS: place.bufferedS,
    isLive: false,
    isAtEdge: () => false,
    label: (atS) => formatDuration((atS - place.startS) * 1000),
    spoken: (atS) => `${spell(atS - place.startS)} of ${spell(place.endS - place.startS)}`,
    mediaAt: player.mediaAt,
    ofMedia: player.positionOfMedia,
    seek: player.seekTo,
  };
}

/** In program time. */
function liveAxis(player: PlayerHandle, rewindFrom: string | null): Axis | null {
  const place = player.stats?.place;
  // What is over has an end of its own; the clock that says "now" goes on.
  const edgeMs = place?.isPast && !place.isGrowing ? place.lastMs : player.edgeMs();
  if (!place || edgeMs === null || place.programMs === null || place.firstMs === null) return null;
  const fromMs = rewindFrom === null || place.isPast ? place.firstMs : Math.min(place.firstMs, new Date(rewindFrom).getTime());
  const behind = (atS: number) => Math.max(0, edgeMs / 1000 - atS);
  const isAtEdge = (atS: number) => behind(atS) < LIVE_WITHIN_S;
  const { zeroMs } = place;
  return {
    startS: fromMs / 1000,
    endS: edgeMs / 1000,
    valueS: Math.min(place.programMs, edgeMs) / 1000,
    bufferedS: null,
    isLive: true,
    isAtEdge,
    label: (atS) => (isAtEdge(atS) ? 'Live' : `-${formatDuration(behind(atS) * 1000)}`),
    spoken: (atS) => (isAtEdge(atS) ? 'Live' : `${spell(behind(atS))} behind live`),
    mediaAt: (atS) => (zeroMs === null ? null : atS - zeroMs / 1000),
    ofMedia: (mediaS) => (zeroMs === null ? null : mediaS + zeroMs / 1000),
    seek: (atS) => player.seekToProgram(atS * 1000),
  };
}

/** "1 hour 2 minutes 5 seconds" for those who listen. */
export function spell(seconds: number): string {
  const total = Math.max(0, Math.round(seconds));
  const parts: [number, string][] = [[Math.floor(total / 3600), 'hour'], [Math.floor((total % 3600) / 60), 'minute'], [total % 60, 'second']];
  const words = parts.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}${count === 1 ? '' : 's'}`);
  return words.join(' ') || '0 seconds';
}
