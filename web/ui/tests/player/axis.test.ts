import { describe, expect, it, vi } from 'vitest';
import { axisOf, spell } from '../../src/player/axis';
import type { Place } from '../../src/player/place';
import type { PlayerHandle } from '../../src/player/usePlayer';

const NOW_MS = 1_800_000_000_000;
const place = (change: Partial<Place>): Place => ({
  positionS: 48, startS: 20, endS: 50, bufferedS: 50, programMs: NOW_MS - 2000, firstMs: NOW_MS - 30_000, lastMs: NOW_MS, zeroMs: NOW_MS - 3_600_000,
  isPast: false, isGrowing: true, ...change,
});
const player = (change: Partial<Place> = {}, more: Partial<PlayerHandle> = {}) =>
  ({ stats: { place: place(change) }, edgeMs: () => NOW_MS, seekTo: vi.fn(), seekToProgram: vi.fn(), mediaAt: vi.fn(), positionOfMedia: vi.fn(), ...more }) as unknown as PlayerHandle;
const rewindFrom = new Date(NOW_MS - 3_600_000).toISOString();

describe('axis', () => {
  it('runs over all that can be rewound to, and says how far behind', () => {
    const handle = player({ programMs: NOW_MS - 754_000 });
    const axis = axisOf(handle, false, rewindFrom)!;
    expect(axis.endS - axis.startS).toBe(3600);
    expect(axis.label(axis.valueS)).toBe('-12:34');
    expect(axis.spoken(axis.valueS)).toBe('12 minutes 34 seconds behind live');
    expect([axis.label(axis.endS - 1), axis.spoken(axis.endS)]).toEqual(['Live', 'Live']);
    expect(axis.mediaAt(axis.startS)).toBe(0);
    expect(axis.ofMedia(3600)).toBe(axis.endS);
    axis.seek(axis.endS - 60);
    expect(handle.seekToProgram).toHaveBeenCalledWith(NOW_MS - 60_000);
  });

  it('runs over the live playlist where nothing can be rewound to', () => {
    const axis = axisOf(player(), false, null)!;
    expect(axis.endS - axis.startS).toBe(30);
  });

  it('begins with what the past’s own playlist still lists', () => {
    const axis = axisOf(player({ isPast: true, firstMs: NOW_MS - 3_000_000 }), false, rewindFrom)!;
    expect(axis.endS - axis.startS).toBe(3000);
  });

  it('ends with the stream when that is over', () => {
    const axis = axisOf(player({ isPast: true, isGrowing: false, firstMs: NOW_MS - 600_000, lastMs: NOW_MS - 60_000 }), false, null)!;
    expect(axis.endS).toBe((NOW_MS - 60_000) / 1000);
    expect(axis.endS - axis.startS).toBe(540);
  });

  it('is none while nothing is known, or there is nothing to seek in', () => {
    expect(axisOf(player({}, { stats: null }), false, null)).toBeNull();
    expect(axisOf(player({ firstMs: null }), false, null)).toBeNull();
    expect(axisOf(player({ firstMs: NOW_MS - 2000 }), false, null)).toBeNull();
  });

  it('counts a recording from its own start', () => {
    const handle = player({ positionS: 65, startS: 0, endS: 3725, bufferedS: 90 });
    const axis = axisOf(handle, true, null)!;
    expect([axis.label(axis.valueS), axis.label(axis.endS)]).toEqual(['1:05', '1:02:05']);
    expect(axis.spoken(axis.valueS)).toBe('1 minute 5 seconds of 1 hour 2 minutes 5 seconds');
    axis.seek(9);
    expect(handle.seekTo).toHaveBeenCalledWith(9);
  });

  it('spells lengths', () => {
    expect([0, 1, 60, 3661].map(spell)).toEqual(['0 seconds', '1 second', '1 minute', '1 hour 1 minute 1 second']);
  });
});
