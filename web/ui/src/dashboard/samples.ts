/** Looks at the running stream, every two seconds, and what can be read off several of them. */

import type { PublisherHealth, SessionHealth } from '../api/types';

export interface Sample {
  atMs: number;
  bitrateBps: number;
  frameRate: number;
  jitterMs: number;
  droppedPackets: number;
  discontinuities: number;
  interruptions: number;
  /** Of the way to the publisher on the air; null where its protocol knows nothing of it. */
  rttMs: number | null;
  receivedPackets: number;
  lostPackets: number;
  givenUpPackets: number;
}

/** Two minutes of looks. */
export const MAX_SAMPLES = 60;

type Counter = 'droppedPackets' | 'discontinuities' | 'interruptions' | 'receivedPackets' | 'lostPackets' | 'givenUpPackets';

export function bitrateOf(health: SessionHealth): number {
  return (health.video?.bitrateBps ?? 0) + (health.audio?.bitrateBps ?? 0);
}

export const publisherOnAir = (health: SessionHealth): PublisherHealth | undefined => health.publishers.find(({ isOnAir }) => isOnAir);

/** While the publisher is awaited nothing arrives, whatever the last seconds were. */
export function sampleOf(health: SessionHealth, atMs: number): Sample {
  const { isWaiting, droppedPackets, discontinuities, interruptions } = health;
  const network = publisherOnAir(health)?.network ?? null;
  return {
    atMs,
    bitrateBps: isWaiting ? 0 : bitrateOf(health),
    frameRate: isWaiting ? 0 : (health.video?.frameRate ?? 0),
    jitterMs: isWaiting ? 0 : (publisherOnAir(health)?.jitterMs ?? 0),
    droppedPackets,
    discontinuities,
    interruptions,
    rttMs: network ? network.rttMs : null,
    receivedPackets: network?.receivedPackets ?? 0,
    lostPackets: network?.lostPackets ?? 0,
    givenUpPackets: network?.droppedPackets ?? 0,
  };
}

/** How much a counter has grown over `samples`; one that began anew, with a new connection, counts from there. */
export function rise(samples: readonly Sample[], counter: Counter): number {
  return steps(samples, counter).reduce((sum, step) => sum + step, 0);
}

/** How much a counter grew from each look to the next. */
export function steps(samples: readonly Sample[], counter: Counter): number[] {
  return samples.map((sample, index) => Math.max(0, sample[counter] - (samples[index - 1] ?? sample)[counter]));
}

/** Of the packets that were sent over the last looks, the share that did not come by itself. */
export function lossOf(samples: readonly Sample[]): number {
  const lost = rise(samples, 'lostPackets');
  return lost === 0 ? 0 : lost / (lost + rise(samples, 'receivedPackets'));
}

export function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Standard deviation over mean; 0 while there are fewer than `atLeast` values. */
export function unsteadiness(values: readonly number[], atLeast: number): number {
  const middle = mean(values);
  if (values.length < atLeast || middle <= 0) return 0;
  return Math.sqrt(mean(values.map((value) => (value - middle) ** 2))) / middle;
}
