import { describe, expect, it } from 'vitest';
import type { PublisherHealth, RungHealth, SessionHealth } from '../../src/api/types';
import { adviceFor } from '../../src/dashboard/advice';
import { bitrateOf, rise, sampleOf, steps, unsteadiness, type Sample } from '../../src/dashboard/samples';
import { health as good, publisher, rung } from './health';

type Video = NonNullable<SessionHealth['video']>;
const video = (change: Partial<Video>): SessionHealth => ({ ...good, video: { ...good.video!, ...change } });
const rungs = (...states: RungHealth['state'][]): RungHealth[] => states.map((state, index) => rung({ name: ['720p', '480p', '360p'][index]!, state }));
const said = (health: SessionHealth, samples: readonly Sample[] = []) => adviceFor(health, samples).map(({ id }) => id);
const sample = (change: Partial<Sample> = {}): Sample => ({ ...sampleOf(good, 0), ...change });
const rates = (...bps: number[]) => bps.map((bitrateBps) => sample({ bitrateBps }));

describe('advice', () => {
  it('has nothing to say of a good stream', () => {
    expect(said({ ...good, rungs: rungs('running', 'starting') }, rates(6e6, 6.2e6, 5.8e6, 6e6, 5.5e6, 6.4e6, 6e6, 6e6))).toEqual([]);
  });

  it('names the cause with its figure, and the setting in OBS', () => {
    expect(adviceFor(video({ keyframeIntervalS: 10 }), [])).toEqual([{
      id: 'keyframes-far', level: 'bad',
      cause: 'Keyframe interval is 10 s: viewers wait that long for the first picture.',
      fix: 'Set 2 s in OBS: Settings → Output → Streaming → Keyframe Interval.',
    }]);
  });

  it.each<[string, SessionHealth, string[]]>([
    ['keyframes 8.3 s apart', video({ keyframeIntervalS: 8.33 }), ['keyframes-far']],
    ['keyframes 4 s apart', video({ keyframeIntervalS: 4 }), []],
    ['keyframes of unknown distance', video({ keyframeIntervalS: null }), []],
    ['keyframes all the time', video({ keyframeIntervalS: 0.1 }), ['keyframes-close']],
    ['no picture', { ...good, video: null }, ['no-video']],
    ['no sound', { ...good, audio: null }, ['no-audio']],
    ['mono', { ...good, audio: { ...good.audio!, channels: 1 } }, ['mono']],
    ['a slow encoder', video({ frameRate: 11.8 }), ['frame-rate']],
    ['27.3 fps', video({ frameRate: 27.3 }), ['frame-rate']],
    ['29.97 fps', video({ frameRate: 29.97 }), []],
    ['59.94 fps', video({ frameRate: 59.94 }), []],
    ['HEVC with nothing else', video({ codec: 'hvc1.1.6.L93.B0' }), ['codec-alone']],
    ['HEVC whose rungs were all refused', { ...video({ codec: 'hvc1.1.6.L93.B0' }), rungs: rungs('refused') }, ['codec-alone', 'refused']],
    ['AV1 with rungs', { ...video({ codec: 'av01.0.08M.08' }), rungs: rungs('running') }, ['codec']],
    ['HEVC in a test, which has no rungs', { ...video({ codec: 'hvc1.1.6.L93.B0' }), isTest: true }, []],
    ['far too much for 1080p60', video({ bitrateBps: 20_000_000 }), ['bitrate-high']],
    ['much for 1080p60', video({ bitrateBps: 11_000_000 }), []],
    ['the same for 1080p30', video({ bitrateBps: 11_000_000, frameRate: 30 }), ['bitrate-high']],
    ['the same for 2160p60', video({ bitrateBps: 11_000_000, width: 3840, height: 2160 }), []],
    ['too much for a phone held upright', video({ bitrateBps: 8_000_000, width: 720, height: 1280, frameRate: 30 }), ['bitrate-high']],
    ['too little', video({ bitrateBps: 600_000 }), ['bitrate-low']],
    ['too little, but not on the air yet', { ...video({ bitrateBps: 600_000 }), isPlayable: false }, []],
    ['a little of a newer codec', { ...video({ bitrateBps: 1_500_000, codec: 'av01.0.08M.08' }), rungs: rungs('running') }, ['codec']],
    ['one interruption', { ...good, interruptions: 1 }, []],
    ['three interruptions', { ...good, interruptions: 3 }, ['interruptions']],
    ['a frozen encoder', { ...good, publishers: [publisher({ silentMs: 4000 })] }, ['silent']],
    ['a frozen backup', { ...good, publishers: [publisher(), publisher({ isOnAir: false, silentMs: 4000 })] }, []],
    ['rungs refused, shed and lost', { ...good, rungs: rungs('refused', 'shed', 'lost') }, ['refused', 'shed', 'lost']],
  ])('of %s', (_name, health, ids) => {
    expect(said(health)).toEqual(ids);
  });

  it('says the worst first', () => {
    const health = video({ keyframeIntervalS: 10 });
    expect(adviceFor({ ...health, audio: { ...good.audio!, channels: 1 } }, []).map(({ level }) => level)).toEqual(['bad', 'warn']);
  });

  it('names the rungs it speaks of', () => {
    const [one] = adviceFor({ ...good, rungs: rungs('running', 'refused') }, []);
    expect(one!.cause).toBe('The rung 480p is not made: this server has no room for more.');
    const [two] = adviceFor({ ...good, rungs: rungs('refused', 'refused') }, []);
    expect(two!.cause).toContain('The rungs 720p, 480p are not made');
  });

  it('says round figures for what to set', () => {
    expect(adviceFor(video({ bitrateBps: 20_000_000 }), [])[0]!.fix).toContain('at most 12600 kb/s');
    expect(adviceFor(video({ bitrateBps: 600_000 }), [])[0]!.fix).toContain('4000 kb/s or more');
  });

  it('speaks of nothing but the wait while the publisher is awaited', () => {
    expect(said({ ...good, isWaiting: true, video: null, audio: null, interruptions: 5 })).toEqual(['awaited']);
  });

  it('speaks of what was dropped lately, not long ago', () => {
    const dropped = (...counts: number[]) => counts.map((droppedPackets) => sample({ droppedPackets }));
    expect(said(good, dropped(7, 7, 7))).toEqual([]);
    expect(said(good, dropped(7, 7, 9))).toEqual(['dropped']);
  });

  it('sees a clock that jumps, and does not take a return for one', () => {
    expect(said(good, [sample(), sample({ discontinuities: 1 })])).toEqual(['clock']);
    expect(said(good, [sample(), sample({ discontinuities: 1, interruptions: 1 })])).toEqual([]);
  });

  it('sees a bitrate that swings, once it has looked long enough, and does not count the time without a publisher', () => {
    const swing = rates(6e6, 1e6, 7e6, 5e5, 6e6, 1e6, 7e6, 1e6);
    expect(said(good, swing)).toEqual(['swings']);
    expect(said(good, swing.slice(0, 5))).toEqual([]);
    expect(said(good, rates(6e6, 6e6, 6e6, 0, 0, 0, 6e6, 6e6, 6e6, 6e6, 6e6))).toEqual([]);
  });

  it('sees a frame rate that varies', () => {
    const varying = [60, 40, 58, 33, 60, 45, 60, 38].map((frameRate) => sample({ frameRate }));
    expect(adviceFor(good, varying)[0]!.cause).toBe('The frame rate varies between 33 and 60.');
  });

  it('sees jitter that lasts, not one burst', () => {
    const jitter = (...ms: number[]) => ms.map((jitterMs) => sample({ jitterMs }));
    expect(said(good, jitter(10, 10, 10, 10, 500))).toEqual([]);
    expect(said(good, jitter(200, 180, 220, 300, 240))).toEqual(['jitter']);
    expect(said(good, jitter(200, 180))).toEqual([]);
  });
});

describe('samples', () => {
  it('adds picture and sound up, and takes the jitter of who is on the air', () => {
    expect(bitrateOf(good)).toBe(6_160_000);
    const publishers: PublisherHealth[] = [publisher({ isOnAir: false, jitterMs: 90 }), publisher({ jitterMs: 7 })];
    expect(sampleOf({ ...good, publishers }, 5)).toEqual({
      atMs: 5, bitrateBps: 6_160_000, frameRate: 60, jitterMs: 7, droppedPackets: 0, discontinuities: 0, interruptions: 0,
      rttMs: null, receivedPackets: 0, lostPackets: 0, givenUpPackets: 0,
    });
  });

  it('has nothing arrive while the publisher is awaited', () => {
    expect(sampleOf({ ...good, isWaiting: true }, 5)).toMatchObject({ bitrateBps: 0, frameRate: 0, jitterMs: 0 });
  });

  it('counts what was added, over all and from look to look', () => {
    const counted = [3, 3, 8, 2].map((droppedPackets) => sample({ droppedPackets }));
    expect(steps(counted, 'droppedPackets')).toEqual([0, 0, 5, 0]);
    expect(rise(counted.slice(0, 3), 'droppedPackets')).toBe(5);
    expect(rise([], 'droppedPackets')).toBe(0);
  });

  it('calls steady what does not vary', () => {
    expect(unsteadiness([5, 5, 5, 5], 4)).toBe(0);
    expect(unsteadiness([4, 6, 4, 6], 4)).toBeCloseTo(0.2);
    expect(unsteadiness([4, 6, 4, 6], 5)).toBe(0);
  });
});
