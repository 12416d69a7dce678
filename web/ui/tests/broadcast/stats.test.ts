import { describe, expect, it } from 'vitest';
import { hintsOf, readFigures, type Figures } from '../../src/broadcast/stats';

const video = { type: 'outbound-rtp', kind: 'video', timestamp: 1000, bytesSent: 100_000, headerBytesSent: 1000, framesPerSecond: 29, frameWidth: 1280, frameHeight: 720, qualityLimitationReason: 'none' };
const audio = { type: 'outbound-rtp', kind: 'audio', timestamp: 1000, bytesSent: 9000, headerBytesSent: 0 };
const remote = { type: 'remote-inbound-rtp', kind: 'video', timestamp: 900, fractionLost: 0.02, roundTripTime: 0.05 };
const report = (...entries: object[]): [string, unknown][] => entries.map((entry, index) => [String(index), entry]);

describe('figures', () => {
  it('are read off the browser’s report', () => {
    expect(readFigures(report(video, audio, remote), null)).toEqual({
      atMs: 1000, sentBytes: 110_000, sentBps: 0, rttMs: 50, frameRate: 29, width: 1280, height: 720, lost: 0.02, limit: 'none',
    });
  });

  it('have a rate from the second look on', () => {
    const before = readFigures(report(video, audio), null);
    const later = [{ ...video, timestamp: 3000, bytesSent: 700_000 }, { ...audio, timestamp: 3000, bytesSent: 34_000 }];
    expect(readFigures(report(...later), before).sentBps).toBe(2_500_000);
  });

  it('take the round trip of the path in use before that of the last report', () => {
    const pair = { type: 'candidate-pair', timestamp: 1, nominated: true, currentRoundTripTime: 0.008 };
    expect(readFigures(report(video, remote, pair), null).rttMs).toBe(8);
  });

  it('keep the last rate when a look comes twice, and do not fall below nothing after a reconnect', () => {
    const before: Figures = { ...readFigures(report(video, audio), null), sentBps: 5 };
    expect(readFigures(report(video, audio), before).sentBps).toBe(5);
    expect(readFigures(report({ ...video, timestamp: 2000, bytesSent: 10 }), before).sentBps).toBe(0);
  });

  it('say that nothing is known where the browser says nothing', () => {
    expect(readFigures(report(), null)).toMatchObject({ sentBytes: 0, rttMs: null, frameRate: null, width: null, lost: null, limit: 'none' });
  });
});

describe('hints', () => {
  const good: Figures = { atMs: 0, sentBytes: 0, sentBps: 2e6, rttMs: 20, frameRate: 30, width: 1280, height: 720, lost: 0, limit: 'none' };
  const looks = (change: Partial<Figures>, count = 16): Figures[] => Array.from({ length: count }, () => ({ ...good, ...change }));

  it.each<[string, Partial<Figures>, string[]]>([
    ['nothing', {}, []], ['a slow computer', { limit: 'cpu' }, ['cpu']], ['a thin line', { limit: 'bandwidth', lost: 0.1 }, ['bandwidth', 'loss']], ['a long way', { rttMs: 900 }, ['rtt']],
  ])('speak of %s', (_name, change, ids) => expect(hintsOf(looks(change)).map(({ id }) => id)).toEqual(ids));

  it('wait until the encoder has found its rate, and speak of what lasts only', () => {
    expect(hintsOf(looks({ limit: 'bandwidth' }, 10))).toEqual([]);
    expect(hintsOf([...looks({ limit: 'cpu' }), good])).toEqual([]);
  });
});
