/** Choosing a part: two handles on an axis of media time, in seconds. */

export const SHORTEST_S = 1;
export const LONGEST_S = 120;

export interface Part {
  startS: number;
  endS: number;
}

/** What the axis shows, and so what can be chosen. */
export type Range = Part;

/** Move the start; the end gives way only where the part would get too short or too long. */
export function withStart(part: Part, startS: number, range: Range): Part {
  const start = clamp(startS, range.startS, range.endS - SHORTEST_S);
  return { startS: start, endS: clamp(part.endS, start + SHORTEST_S, Math.min(range.endS, start + LONGEST_S)) };
}

export function withEnd(part: Part, endS: number, range: Range): Part {
  const end = clamp(endS, range.startS + SHORTEST_S, range.endS);
  return { startS: clamp(part.startS, Math.max(range.startS, end - LONGEST_S), end - SHORTEST_S), endS: end };
}

/** Move the whole part, as long as it is, within the range. */
export function moved(part: Part, byS: number, range: Range): Part {
  const by = clamp(byS, range.startS - part.startS, range.endS - part.endS);
  return { startS: part.startS + by, endS: part.endS + by };
}

/** What a live clip is chosen from, and what is chosen first: the last half minute. */
export const LIVE_RANGE_S = 90;
const FIRST_CHOICE_S = 30;

export function liveChoice(edgeS: number): { range: Range; part: Part } {
  const range = { startS: Math.max(0, edgeS - LIVE_RANGE_S), endS: Math.max(SHORTEST_S, edgeS) };
  return { range, part: { startS: Math.max(range.startS, range.endS - FIRST_CHOICE_S), endS: range.endS } };
}

/** How much of a recording is shown to choose from, around the moment that plays. */
const RECORDED_RANGE_S = 180;

export function recordedChoice(atS: number, lengthS: number): { range: Range; part: Part } {
  const start = clamp(atS - RECORDED_RANGE_S / 2, 0, Math.max(0, lengthS - RECORDED_RANGE_S));
  const range = { startS: start, endS: Math.max(start + SHORTEST_S, Math.min(lengthS, start + RECORDED_RANGE_S)) };
  const first = clamp(atS - FIRST_CHOICE_S / 2, range.startS, Math.max(range.startS, range.endS - FIRST_CHOICE_S));
  return { range, part: { startS: first, endS: Math.min(range.endS, first + FIRST_CHOICE_S) } };
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, value));
}
