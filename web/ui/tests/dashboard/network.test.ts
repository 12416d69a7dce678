import { describe, expect, it } from 'vitest';
import type { NetworkHealth, SessionHealth } from '../../src/api/types';
import { adviceFor } from '../../src/dashboard/advice';
import { lossOf, rise, sampleOf, type Sample } from '../../src/dashboard/samples';
import { health as good, publisher } from './health';

const network = (change: Partial<NetworkHealth> = {}): NetworkHealth => ({
  rttMs: 20, receivedPackets: 10_000, lostPackets: 0, recoveredPackets: 0, droppedPackets: 0, latencyMs: 200, bitrateBps: 6_300_000, isEncrypted: true, ...change,
});
const over = (way: Partial<NetworkHealth>, protocol: SessionHealth['protocol'] = 'srt', encoder = 'libobs version 30.2.3'): SessionHealth => ({
  ...good, protocol, encoder, publishers: [publisher({ protocol, encoder, network: network(way) })],
});
const looks = (...ways: Partial<NetworkHealth>[]): Sample[] => ways.map((way) => sampleOf(over(way), 0));
const said = (health: SessionHealth, samples: readonly Sample[]) => adviceFor(health, samples).map(({ id }) => id);

describe('the way to a publisher', () => {
  it('is part of each look, as far as its protocol knows it', () => {
    expect(sampleOf(over({ rttMs: 31.5, lostPackets: 7, droppedPackets: 2 }), 0)).toMatchObject({ rttMs: 31.5, receivedPackets: 10_000, lostPackets: 7, givenUpPackets: 2 });
    expect(sampleOf(good, 0)).toMatchObject({ rttMs: null, receivedPackets: 0, lostPackets: 0 });
  });

  it('has the share of lost packets of the last looks, not of all times', () => {
    expect(lossOf(looks({ receivedPackets: 10_000, lostPackets: 900 }, { receivedPackets: 10_900, lostPackets: 1000 }))).toBeCloseTo(0.1);
  });

  it('does not count backwards when a new connection counts from zero', () => {
    expect(rise(looks({ lostPackets: 900 }, { lostPackets: 950 }, { lostPackets: 0 }, { lostPackets: 3 }), 'lostPackets')).toBe(53);
  });
});

describe('advice', () => {
  it.each<[string, Sample[], string[]]>([
    ['a clean way', looks({}, { receivedPackets: 20_000 }), []],
    ['a little loss', looks({}, { receivedPackets: 20_000, lostPackets: 50, recoveredPackets: 50 }), []],
    ['a share of very few', looks({}, { receivedPackets: 10_010, lostPackets: 5 }), []],
    ['much loss that was repeated', looks({}, { receivedPackets: 20_000, lostPackets: 600, recoveredPackets: 600 }), ['loss']],
    ['loss for good', looks({}, { receivedPackets: 20_000, lostPackets: 600, droppedPackets: 4 }), ['given-up']],
    ['loss for good long ago', looks({ droppedPackets: 4 }, { receivedPackets: 20_000, droppedPackets: 4 }), []],
  ])('of %s', (_name, samples, ids) => expect(said(over({}), samples)).toEqual(ids));

  it('says what latency SRT needs, in the unit and form of OBS', () => {
    const [advice] = adviceFor(over({ rttMs: 120, latencyMs: 200 }), []);
    expect(advice).toEqual({
      id: 'latency', level: 'warn',
      cause: 'SRT’s latency of 200 ms is short for a round trip of 120 ms: lost packets come too late.',
      fix: 'In the encoder’s address, set latency=500000 (in µs).',
    });
    expect(said(over({ rttMs: 60, latencyMs: 200 }), [])).toEqual([]);
    expect(said(over({ rttMs: 120, latencyMs: null }, 'whip'), [])).toEqual([]);
  });

  it('doubles the latency where packets are lost for good over a short way', () => {
    const [advice] = adviceFor(over({}), looks({}, { receivedPackets: 20_000, droppedPackets: 1 }));
    expect(advice!.cause).toBe('1 packet was lost for good in the last two minutes: pictures break.');
    expect(advice!.fix).toContain('latency=400000');
  });

  it('speaks to a browser of its page and to OBS of its settings', () => {
    const mono = (health: SessionHealth): SessionHealth => ({ ...health, audio: { ...health.audio!, channels: 1 } });
    expect(adviceFor(mono(over({}, 'whip', 'Chrome 156')), [])[0]!.fix).toContain('“Go live”');
    expect(adviceFor(mono(over({}, 'whip', 'OBS 30.2.3')), [])[0]!.fix).toContain('OBS');
  });

  it('does not call little what a browser sends: it encodes by need', () => {
    const little = (health: SessionHealth): SessionHealth => ({ ...health, video: { ...health.video!, bitrateBps: 400_000 } });
    expect(said(little(over({}, 'whip', 'Chrome 156')), [])).toEqual([]);
    expect(said(little(over({}, 'srt')), [])).toEqual(['bitrate-low']);
  });
});
