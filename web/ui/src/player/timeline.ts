/**
 * Three clocks and how to get from one to another.
 *
 * position: seconds of the <video>'s own time, another zero in every playlist. program time: ms since the epoch
 * (EXT-X-PROGRAM-DATE-TIME), the same in all playlists of a stream. media time: seconds from the start of the stream,
 * in which storyboards, chapters and clips count.
 */

import type { Fragment } from 'hls.js';

/** Decode times in the media begin here and not at 0: those of the first B-frames would be negative. */
export const MEDIA_ZERO_S = 10;

/** What of an hls.js fragment is looked at. */
export type FragmentLike = Pick<Fragment, 'start' | 'duration' | 'programDateTime'>;

/** The index of the last fragment that begins at or before `value`; 0 when all begin later. */
function lastBefore(fragments: readonly FragmentLike[], value: number, of: (fragment: FragmentLike) => number): number {
  let low = 0;
  let high = fragments.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (of(fragments[middle]!) <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Null while the playlist says no times. Before and behind the list its clocks go on. */
export function programAt(fragments: readonly FragmentLike[], positionS: number): number | null {
  const fragment = fragments[lastBefore(fragments, positionS, ({ start }) => start)];
  if (!fragment || fragment.programDateTime === null) return null;
  return fragment.programDateTime + (positionS - fragment.start) * 1000;
}

/** Where `programMs` is in this list. In the time between two fragments, when nobody published, the later one begins. */
export function positionOf(fragments: readonly FragmentLike[], programMs: number): number | null {
  const index = lastBefore(fragments, programMs, ({ programDateTime }) => programDateTime ?? Number.NEGATIVE_INFINITY);
  const fragment = fragments[index];
  if (!fragment || fragment.programDateTime === null) return null;
  const within = (programMs - fragment.programDateTime) / 1000;
  return fragment.start + (index < fragments.length - 1 ? Math.min(within, fragment.duration) : within);
}

/** The program time at media time 0: of a fragment at `start`, whose media time less its position is `initS` beyond the zero. */
export function mediaZero({ start, programDateTime }: FragmentLike, initS: number): number | null {
  return programDateTime === null ? null : programDateTime - (start + initS - MEDIA_ZERO_S) * 1000;
}
