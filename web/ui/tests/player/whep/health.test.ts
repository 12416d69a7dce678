import { beforeEach, describe, expect, it } from 'vitest';
import { Health, type Verdict } from '../../../src/player/whep/health';

const EVERY_MS = 500;
let health: Health;
let now = { atMs: 0, framesDecoded: 0, packets: 0, received: 0, lost: 0 };

beforeEach(() => {
  health = new Health();
  now = { atMs: 1000, framesDecoded: 0, packets: 0, received: 0, lost: 0 };
});

/** Half a second in which this came; returns what is said of it. */
function pass({ frames = 15, packets = 100, lost = 0, isWatched = true } = {}): Verdict {
  now = { atMs: now.atMs + EVERY_MS, framesDecoded: now.framesDecoded + frames, packets: now.packets + packets, received: now.received + packets, lost: now.lost + lost };
  return health.note(now, isWatched);
}

/** The first trouble within so many seconds, and after how many it was said. */
function trouble(seconds: number, what: Parameters<typeof pass>[0]): [kind: string | null, afterS: number] {
  for (let passedMs = EVERY_MS; passedMs <= seconds * 1000; passedMs += EVERY_MS) {
    const verdict = pass(what);
    if (typeof verdict !== 'string') return [verdict.kind, passedMs / 1000];
  }
  return [null, seconds];
}

const fine = (seconds: number) => trouble(seconds, {});

describe('health', () => {
  it('is fine while pictures come', () => {
    expect(fine(60)).toEqual([null, 60]);
    expect(health.stops).toBe(0);
  });

  it('stands after a second without a new picture, and counts it once', () => {
    fine(10);
    expect([1, 2, 3].map(() => pass({ frames: 0 }))).toEqual(['fine', 'standing', 'standing']);
    expect(pass()).toBe('fine');
    expect(health.stops).toBe(1);
  });

  it('gives a picture up that stands while packets come', () => {
    fine(10);
    expect(trouble(10, { frames: 0 })).toEqual(['unsteady', 3]);
  });

  it('takes it for the sender’s silence when nothing comes at all', () => {
    fine(10);
    expect(trouble(10, { frames: 0, packets: 0 })).toEqual(['silent', 4]);
  });

  it('judges a line by its last seconds and not by one', () => {
    fine(10);
    expect(trouble(0.5, { lost: 80 })).toEqual([null, 0.5]);
    expect(fine(10)).toEqual([null, 10]);
    expect(trouble(10, { lost: 25 })[0]).toBe('unsteady');
  });

  it('takes what is repaired, and a few lost packets', () => {
    expect(trouble(30, { lost: 8 })).toEqual([null, 30]);
  });

  it('gives a line up whose picture jerks for seconds', () => {
    fine(10);
    let verdict: Verdict = 'fine';
    for (let step = 0; step < 12 && typeof verdict === 'string'; step++) verdict = pass({ frames: step % 2 ? 0 : 15 });
    expect(verdict).toMatchObject({ kind: 'unsteady' });
  });

  it('blames nobody while the publisher is awaited, and waits again afterwards', () => {
    fine(10);
    health.isInterrupted = true;
    expect(trouble(60, { frames: 0, packets: 0 })).toEqual([null, 60]);
    health.isInterrupted = false;
    expect(trouble(10, { frames: 0, packets: 0 })).toEqual(['silent', 4]);
  });

  it('does not look at pictures that a hidden or paused player may leave undecoded', () => {
    fine(10);
    expect(trouble(60, { frames: 0, isWatched: false })).toEqual([null, 60]);
    now.atMs += 60_000; // timers in the background are slow
    expect(pass({ frames: 0 })).toBe('fine');
    expect(trouble(10, { frames: 0 })[0]).toBe('unsteady');
  });

  it('tells the share of what is lost', () => {
    fine(1);
    pass({ packets: 90, lost: 10 });
    expect(health.lossShare()).toBeCloseTo(10 / 200);
  });
});
