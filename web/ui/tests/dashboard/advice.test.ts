import { describe, expect, it } from 'vitest';
import type { SessionHealth } from '../../src/api/types';
import { adviceFor, bitrateOf, sampleOf, type Sample } from '../../src/dashboard/advice';

const good: SessionHealth = {
  sessionId: 's1', channelId: 'c1', protocol: 'rtmp', encoder: 'obs', startedAtMs: 0, isPlayable: true, durationMs: 60_000, receivedBytes: 1, droppedPackets: 0,
  discontinuities: 0, isWaiting: false, returnsUntilMs: null, interruptions: 0, publishers: [], rungs: [], transcoder: null, isTest: false,
  video: { codec: 'avc1.64001f', bitrateBps: 6_000_000, width: 1920, height: 1080, frameRate: 60, keyframeIntervalS: 2, sampleRate: null, channels: null },
  audio: { codec: 'mp4a.40.2', bitrateBps: 160_000, width: null, height: null, frameRate: null, keyframeIntervalS: null, sampleRate: 48_000, channels: 2 },
};
const video = (change: Partial<NonNullable<SessionHealth['video']>>): SessionHealth => ({ ...good, video: { ...good.video!, ...change } });
const texts = (health: SessionHealth, samples: Sample[] = []) => adviceFor(health, samples).map(({ text }) => text);
const samples = (...rates: number[]): Sample[] => rates.map((bitrateBps, index) => ({ atMs: index * 2000, bitrateBps, droppedPackets: 0, discontinuities: 0 }));

describe('advice', () => {
  it('has nothing to say of a good stream', () => {
    expect(texts(good, samples(6e6, 6.2e6, 5.8e6, 6e6, 5.5e6, 6.4e6, 6e6, 6e6))).toEqual([]);
  });

  it('names the OBS setting when keyframes are more than 4 s apart', () => {
    expect(texts(video({ keyframeIntervalS: 8.33 }))).toEqual([expect.stringMatching(/8\.3 s.*2 s in OBS/)]);
    expect(texts(video({ keyframeIntervalS: 4 }))).toEqual([]);
    expect(texts(video({ keyframeIntervalS: null }))).toEqual([]);
  });

  it.each([
    ['no picture', { ...good, video: null }, /No picture/],
    ['no sound', { ...good, audio: null }, /No sound/],
    ['HEVC', video({ codec: 'hvc1.1.6.L93.B0' }), /HEVC does not play in every browser/],
    ['a slow encoder', video({ frameRate: 11.8 }), /Only 12 pictures/],
    ['too much', video({ bitrateBps: 12_000_000 }), /12\.0 Mb\/s is more/],
    ['too little', video({ bitrateBps: 200_000 }), /200 kb\/s is little/],
  ])('says: %s', (_name, health, pattern) => {
    expect(texts(health as SessionHealth)).toEqual([expect.stringMatching(pattern)]);
  });

  it('speaks of what was dropped lately, not long ago', () => {
    const dropped = (...counts: number[]): Sample[] => counts.map((droppedPackets, index) => ({ atMs: index, bitrateBps: 6e6, droppedPackets, discontinuities: 0 }));
    expect(texts(good, dropped(7, 7, 7))).toEqual([]);
    expect(texts(good, dropped(7, 7, 9))).toEqual([expect.stringMatching(/dropped/)]);
  });

  it('sees a clock that jumps', () => {
    expect(texts(good, [{ atMs: 0, bitrateBps: 6e6, droppedPackets: 0, discontinuities: 0 }, { atMs: 1, bitrateBps: 6e6, droppedPackets: 0, discontinuities: 1 }]))
      .toEqual([expect.stringMatching(/clock jumped/)]);
  });

  it('sees a bitrate that swings, once it has looked long enough', () => {
    const swing = samples(6e6, 1e6, 7e6, 5e5, 6e6, 1e6, 7e6, 1e6);
    expect(texts(good, swing)).toEqual([expect.stringMatching(/swings/)]);
    expect(texts(good, swing.slice(0, 5))).toEqual([]);
  });

  it('adds picture and sound up', () => {
    expect(bitrateOf(good)).toBe(6_160_000);
    expect(sampleOf({ ...good, video: null }, 5)).toEqual({ atMs: 5, bitrateBps: 160_000, droppedPackets: 0, discontinuities: 0 });
  });
});
