/** What can go wrong with playing, in words a viewer can use. */

export interface Trouble {
  kind: 'network' | 'media' | 'codec' | 'browser';
  title: string;
  advice: string;
}

export const TROUBLES = {
  network: {
    kind: 'network',
    title: 'The picture does not get through',
    advice: 'The connection to the server is gone or too slow.',
  },
  media: {
    kind: 'media',
    title: 'The browser stumbled over the picture',
    advice: 'Playing starts again by itself.',
  },
  codec: {
    kind: 'codec',
    title: 'This browser cannot play the stream’s format',
    advice: 'Chrome, Edge, Safari and Firefox play H.264 with AAC. Other formats need a newer browser.',
  },
  browser: {
    kind: 'browser',
    title: 'This browser cannot play live video',
    advice: 'Any current Chrome, Edge, Firefox or Safari can.',
  },
} as const satisfies Record<Trouble['kind'], Trouble>;

/** The latency at which a viewer is so late that catching up by speed would take too long. */
const LATE_S = 3;
/** hls.js speeds up only within one target duration of its aim; beyond that only a jump helps. */
const LATE_BEYOND_AIM_S = 2;

export function isBehind(latencyS: number | null, aimS: number | null): boolean {
  return latencyS !== null && latencyS > Math.max(LATE_S, (aimS ?? 0) + LATE_BEYOND_AIM_S);
}

/** A clock that is wrong by more than this makes the picture's own time useless. */
const CLOCK_TRUST_S = 30;

/**
 * Latency: now minus the moment the shown picture was made (PROGRAM-DATE-TIME). Where this device's clock is plainly
 * wrong, the player's distance from the live edge stands in.
 */
export function latencyOf(nowMs: number, playingDate: Date | null, edgeLatencyS: number | null): number | null {
  const edge = edgeLatencyS !== null && edgeLatencyS > 0 ? edgeLatencyS : null;
  if (!playingDate) return edge;
  const measured = (nowMs - playingDate.getTime()) / 1000;
  const isSane = measured > 0 && (edge === null || measured - edge < CLOCK_TRUST_S);
  return isSane ? measured : edge;
}
