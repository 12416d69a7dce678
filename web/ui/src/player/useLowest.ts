import { useState } from 'react';
import type { RefObject } from 'react';
import type { PlayerEngine } from './engine';
import { NOT_LOWEST, type LowestPhase, type LowestState } from './lowest';
import { hasWebrtc, useLowestChoice } from './lowest-choice';

/** The lowest latency, as its switch shows it. */
export interface Lowest {
  /** There is a switch. */
  isOffered: boolean;
  /** The switch is on: it plays so, or will with the live picture. */
  isOn: boolean;
  phase: LowestPhase;
  /** Why it does not play so though the viewer wants it; empty while there is nothing to say. */
  why: string;
  toggle: () => void;
  off: () => void;
}

interface ForEngine {
  lowest: Lowest;
  isWanted: boolean;
  /** Null: it cannot be had. */
  whepUrl: string | null;
  hear: (state: LowestState) => void;
}

/** What the switch shows, and what the engine is to be told. */
export function useLowest(engine: RefObject<PlayerEngine | null>, url: string | null): ForEngine {
  const whepUrl = hasWebrtc() ? url : null;
  const { isWanted, choose } = useLowestChoice();
  const [{ phase, why }, hear] = useState(NOT_LOWEST);
  const toggle = () => {
    if (isWanted && phase === 'resting') engine.current?.tryLowestAgain();
    else choose(!isWanted);
  };
  const off = () => void (isWanted && choose(false));
  const isOn = isWanted && phase !== 'resting';
  return { lowest: { isOffered: whepUrl !== null || phase === 'on', isOn, phase, why: why?.sentence ?? '', toggle, off }, isWanted, whepUrl, hear };
}
