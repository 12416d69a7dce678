/** Where a recording plays, in ms of it. */

import type { Place } from '../player/place';
import type { PlayerHandle } from '../player/usePlayer';

/** As exact as the player's own clock; null before it has one. */
export function placeMs(handle: PlayerHandle | null, place: Place | null): number | null {
  const video = handle?.video.current;
  return video && place ? Math.max(0, video.currentTime - place.startS) * 1000 : null;
}
