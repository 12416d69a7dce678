import { describe, expect, it } from 'vitest';
import { liveChoice, LONGEST_S, moved, recordedChoice, SHORTEST_S, withEnd, withStart } from '../../src/clips/trim';

const range = { startS: 100, endS: 280 };
const part = { startS: 150, endS: 180 };

describe('trim', () => {
  it('moves one end and leaves the other', () => {
    expect(withStart(part, 140, range)).toEqual({ startS: 140, endS: 180 });
    expect(withEnd(part, 200, range)).toEqual({ startS: 150, endS: 200 });
  });

  it('stays within the range', () => {
    expect(withStart(part, 20, range).startS).toBe(100);
    expect(withEnd(part, 999, range)).toEqual({ startS: 160, endS: 280 });
  });

  it('pushes the other end rather than getting too short or too long', () => {
    expect(withStart(part, 179.5, range)).toEqual({ startS: 179.5, endS: 180.5 });
    expect(withEnd(part, 150.5, range)).toEqual({ startS: 149.5, endS: 150.5 });
    expect(withEnd({ startS: 100, endS: 180 }, 270, range)).toEqual({ startS: 150, endS: 270 });
    expect(withStart({ startS: 200, endS: 270 }, 110, range)).toEqual({ startS: 110, endS: 230 });
    expect(withStart(part, 500, range)).toEqual({ startS: 279, endS: 280 });
  });

  it('never leaves the limits, wherever the handles are dragged', () => {
    let now = part;
    for (let turn = 0; turn < 500; turn++) {
      const to = 60 + ((turn * 7919) % 260);
      now = turn % 3 === 0 ? withStart(now, to, range) : turn % 3 === 1 ? withEnd(now, to, range) : moved(now, to - 170, range);
      const length = now.endS - now.startS;
      expect(length).toBeGreaterThanOrEqual(SHORTEST_S);
      expect(length).toBeLessThanOrEqual(LONGEST_S);
      expect(now.startS).toBeGreaterThanOrEqual(range.startS);
      expect(now.endS).toBeLessThanOrEqual(range.endS);
    }
  });

  it('moves the whole part up to the ends of the range', () => {
    expect(moved(part, -20, range)).toEqual({ startS: 130, endS: 160 });
    expect(moved(part, -500, range)).toEqual({ startS: 100, endS: 130 });
    expect(moved(part, 500, range)).toEqual({ startS: 250, endS: 280 });
  });

  it('offers the last 90 s of a live stream, or what there is of it', () => {
    expect(liveChoice(600)).toEqual({ range: { startS: 510, endS: 600 }, part: { startS: 570, endS: 600 } });
    expect(liveChoice(20)).toEqual({ range: { startS: 0, endS: 20 }, part: { startS: 0, endS: 20 } });
  });

  it('offers three minutes of a recording around what plays', () => {
    expect(recordedChoice(1000, 3600)).toEqual({ range: { startS: 910, endS: 1090 }, part: { startS: 985, endS: 1015 } });
    expect(recordedChoice(5, 3600)).toEqual({ range: { startS: 0, endS: 180 }, part: { startS: 0, endS: 30 } });
    expect(recordedChoice(3598, 3600)).toEqual({ range: { startS: 3420, endS: 3600 }, part: { startS: 3570, endS: 3600 } });
    expect(recordedChoice(4, 12)).toEqual({ range: { startS: 0, endS: 12 }, part: { startS: 0, endS: 12 } });
  });
});
