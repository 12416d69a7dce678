import { describe, expect, it } from 'vitest';
import { AHEAD_MS, GROWING_EVERY_MS, ReplayTape, SHOWN_MAX, type Ask } from '../../src/replay/tape';
import { linesAt, linesFrom } from './line';

const PAGE = 200;
const HOUR_MS = 3600_000;

/** A recording of which the server knows `all`. */
function server(all: ReturnType<typeof linesAt>) {
  const asked: Ask[] = [];
  const answer = (ask: Ask) => {
    asked.push(ask);
    const from = ask.cursor ? Number(ask.cursor) : all.findIndex(({ offsetMs }) => offsetMs >= ask.fromMs);
    const items = from < 0 ? [] : all.slice(from, from + PAGE);
    return { items, cursor: from >= 0 && from + PAGE < all.length ? String(from + PAGE) : null };
  };
  return { asked, answer };
}

/** Ask until there is nothing more to ask for. */
function settle(tape: ReplayTape, from: ReturnType<typeof server>, atMs: number, isGrowing = false, nowMs = 0): void {
  for (let ask = tape.wants(atMs, isGrowing, nowMs); ask; ask = tape.wants(atMs, isGrowing, nowMs)) tape.take(ask, from.answer(ask), nowMs);
}

const texts = (tape: ReplayTape, atMs: number) => tape.shown(atMs).map(({ offsetMs }) => offsetMs);

describe('the chat of a recording', () => {
  it('shows a line from its moment on', () => {
    const tape = new ReplayTape();
    settle(tape, server(linesAt(1000, 2000, 2000, 5000)), 0);
    expect([0, 999, 1000, 2000, 4999, 60_000].map((atMs) => tape.shown(atMs).length)).toEqual([0, 0, 1, 3, 3, 4]);
  });

  it('is read ahead, page by page, and each line is shown once', () => {
    const tape = new ReplayTape();
    const all = linesFrom(0, 1000, 1000);
    const from = server(all);
    const seen = new Set<number>();
    for (let atMs = 0; atMs < 1_000_000; atMs += 250) {
      settle(tape, from, atMs);
      expect(tape.isReady(atMs)).toBe(true);
      const shown = texts(tape, atMs);
      expect(new Set(shown).size).toBe(shown.length);
      expect(shown.at(-1)).toBe(Math.floor(atMs / 1000) * 1000);
      for (const offset of shown) seen.add(offset);
    }
    expect(seen.size).toBe(1000);
    expect(from.asked).toHaveLength(5);
    expect(from.asked[1]!.atMs).toBeGreaterThan(199_000 - AHEAD_MS);
  });

  it('begins anew where somebody jumps to, and knows the way back', () => {
    const tape = new ReplayTape();
    const from = server(linesFrom(0, 20_000, 1000));
    settle(tape, from, 0);
    expect(tape.isReady(HOUR_MS)).toBe(false);
    settle(tape, from, HOUR_MS);
    expect(texts(tape, HOUR_MS)).toEqual(linesFrom(HOUR_MS - 30_000, 31, 1000).map(({ offsetMs }) => offsetMs));
    expect(tape.isReady(60_000)).toBe(false);
    settle(tape, from, 60_000);
    expect(texts(tape, 60_000).at(-1)).toBe(60_000);
    expect(from.asked.length).toBeLessThan(8);
  });

  it('seeks back and forth within what is there without asking', () => {
    const tape = new ReplayTape();
    const from = server(linesFrom(0, 150, 1000));
    settle(tape, from, 100_000);
    const { length } = from.asked;
    settle(tape, from, 140_000);
    settle(tape, from, 90_000);
    expect(texts(tape, 90_000).at(-1)).toBe(90_000);
    expect(from.asked).toHaveLength(length);
  });

  it('looks further back where little was said', () => {
    const tape = new ReplayTape();
    const from = server(linesAt(1000, HOUR_MS - 400_000, HOUR_MS - 1000));
    settle(tape, from, HOUR_MS);
    expect(texts(tape, HOUR_MS)).toEqual([1000, HOUR_MS - 400_000, HOUR_MS - 1000]);
    expect(from.asked.map(({ fromMs }) => fromMs)).toEqual([HOUR_MS - 30_000, HOUR_MS - 600_000, 0]);
  });

  it('stays with the little that is near, where much was said long before', () => {
    const tape = new ReplayTape();
    const from = server([...linesFrom(HOUR_MS - 500_000, 5000, 50), ...linesAt(HOUR_MS - 5000)]);
    settle(tape, from, HOUR_MS);
    expect(texts(tape, HOUR_MS)).toEqual([HOUR_MS - 5000]);
    expect(from.asked).toHaveLength(2);
    settle(tape, from, HOUR_MS + 5000);
    expect(from.asked).toHaveLength(2);
  });

  it('shows the newest of many, and keeps what it needs of them', () => {
    const tape = new ReplayTape();
    const from = server(linesFrom(0, 20_000, 10));
    for (let atMs = 0; atMs <= 150_000; atMs += 1000) settle(tape, from, atMs);
    expect(tape.shown(150_000)).toHaveLength(SHOWN_MAX);
    expect(texts(tape, 150_000).at(-1)).toBe(150_000);
    expect(tape.isReady(0)).toBe(false);
    settle(tape, from, 0);
    expect(texts(tape, 0)).toEqual([0]);
  });

  it('asks a recording that grows for more, not too often, and takes nothing twice', () => {
    const tape = new ReplayTape();
    const all = linesAt(1000, 2000);
    const from = server(all);
    settle(tape, from, 2500, true, 0);
    const { length } = from.asked;
    all.push(...linesAt(3000));
    expect(tape.wants(3000, true, GROWING_EVERY_MS - 1)).toBeNull();
    const again = tape.wants(3000, true, GROWING_EVERY_MS)!;
    expect(again).toMatchObject({ fromMs: 2000, isFresh: false, cursor: null });
    tape.take(again, from.answer(again), GROWING_EVERY_MS);
    expect(texts(tape, 3000)).toEqual([1000, 2000, 3000]);
    expect(from.asked).toHaveLength(length + 1);
    expect(tape.wants(60_000, false, 10 * GROWING_EVERY_MS)).toBeNull();
  });
});
