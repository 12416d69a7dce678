/** Where this browser's viewer left each recording. */

import { recall, remember } from '../stores/storage';

const KEY = 'tally.positions';
/** The oldest go first. */
const KEPT = 100;
/** Nearer to the start or the end than this, the next visit begins at the start. */
const EDGE_S = 15;

type Positions = [id: string, seconds: number][];

const isPositions = (value: unknown): value is Positions =>
  Array.isArray(value) && value.every((entry) => Array.isArray(entry) && typeof entry[0] === 'string' && Number.isFinite(entry[1]));

export function positionIn(id: string): number {
  return recall<Positions>(KEY, isPositions, []).find(([known]) => known === id)?.[1] ?? 0;
}

export function keepPosition(id: string, seconds: number, durationS: number): void {
  const others = recall<Positions>(KEY, isPositions, []).filter(([known]) => known !== id);
  const isWorthIt = seconds > EDGE_S && seconds < durationS - EDGE_S;
  remember(KEY, isWorthIt ? [...others, [id, Math.round(seconds)]].slice(-KEPT) : others);
}
