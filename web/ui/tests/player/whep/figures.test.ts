import { describe, expect, it } from 'vitest';
import { figuresOf } from '../../../src/player/whep/figures';
import { report } from './reports';

const NOW = 1_800_000_000_000;
const NTP_ZERO_MS = 2_208_988_800_000;

describe('figures', () => {
  it('are those of the picture, over the pair of addresses that was selected', () => {
    const figures = figuresOf(report({ framesDecoded: 30, framesDropped: 2, packetsReceived: 200, audioPackets: 50 }), NOW, null);
    expect(figures).toMatchObject({ framesDecoded: 30, framesDropped: 2, packets: 250, received: 200, width: 1280, height: 720, codec: 'H264', rttMs: 24, bitrateBps: null });
  });

  it('tell of the time since the ones before', () => {
    const first = figuresOf(report({ packetsReceived: 100, packetsLost: 10, bytesReceived: 1000, jitterBufferDelay: 1, jitterBufferEmittedCount: 10 }), NOW, null);
    const next = figuresOf(report({ packetsReceived: 190, packetsLost: 20, bytesReceived: 251_000, jitterBufferDelay: 1.6, jitterBufferEmittedCount: 40 }), NOW + 500, first);
    expect(next).toMatchObject({ lossShare: 0.1, bitrateBps: 4_000_000 });
    expect(next.jitterBufferMs).toBeCloseTo(20);
  });

  it('count a loss that was mended after all as none', () => {
    const first = figuresOf(report({ packetsReceived: 100, packetsLost: 10 }), NOW, null);
    expect(figuresOf(report({ packetsReceived: 200, packetsLost: 5 }), NOW + 500, first).lossShare).toBe(0);
  });

  it.each([
    ['since 1900, as NTP counts', NTP_ZERO_MS, 80],
    ['since 1970', 0, 80],
  ])('know the latency from the sender’s clock %s', (_what, zeroMs, latencyMs) => {
    expect(figuresOf(report({ estimatedPlayoutTimestamp: NOW - 80 + zeroMs }), NOW, null).latencyMs).toBe(latencyMs);
  });

  it('say at least what way and buffer take, where the clocks disagree or are not known', () => {
    const counts = { jitterBufferDelay: 0.9, jitterBufferEmittedCount: 30 };
    for (const more of [{}, { estimatedPlayoutTimestamp: NOW + 5000 }, { estimatedPlayoutTimestamp: NOW - 60_000 }, { estimatedPlayoutTimestamp: NOW - 5 }]) {
      expect(figuresOf(report({ ...counts, ...more }), NOW, null).latencyMs).toBeCloseTo(42);
    }
  });

  it('are nothing before anything came', () => {
    expect(figuresOf(new Map(), NOW, null)).toMatchObject({ framesDecoded: 0, packets: 0, rttMs: null, latencyMs: null, jitterBufferMs: null, lossShare: 0, codec: '' });
  });
});
