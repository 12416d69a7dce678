import { describe, expect, it } from 'vitest';
import { applyQuality, recallQuality, rememberQuality, shrinkBy, USUAL, videoBps, widthOf, type Quality } from '../../src/broadcast/quality';

const quality = (change: Partial<Quality> = {}): Quality => ({ ...USUAL, ...change });

it.each<[Partial<Quality>, number]>([
  [{}, 2_500_000], [{ height: 1080 }, 4_500_000], [{ height: 1080, frameRate: 60 }, 6_300_000], [{ frameRate: 15 }, 1_875_000], [{ height: 360, bitrateKbps: 8000 }, 8_000_000],
])('sends %j with %d b/s', (change, bps) => expect(videoBps(quality(change))).toBe(bps));

it.each([[1080, 1920], [720, 1280], [480, 854], [360, 640]])('knows %d lines as %d wide', (height, width) => expect(widthOf(height)).toBe(width));

it.each([[1920, 1080, 1.5], [1080, 1920, 1.5], [1280, 720, 1], [640, 480, 1], [undefined, undefined, 1]])('shrinks %s x %s by %d for 720 lines, and blows nothing up', (width, height, by) => {
  expect(shrinkBy(quality(), { width, height })).toBe(by);
});

describe('remembered', () => {
  it('comes back on the next visit', () => {
    rememberQuality(quality({ height: 480, bitrateKbps: 1000 }));
    expect(recallQuality()).toEqual({ height: 480, frameRate: 30, bitrateKbps: 1000 });
  });

  it.each(['{"height":4320,"frameRate":30,"bitrateKbps":null}', '"720p"', 'null', '{'])('is the usual one instead of %s', (stored) => {
    localStorage.setItem('tally.broadcast', stored);
    expect(recallQuality()).toEqual(USUAL);
  });
});

it('is applied to the encoder that runs, which keeps the size on a thin line', async () => {
  const set: RTCRtpSendParameters[] = [];
  const sender = { getParameters: () => ({ encodings: [{}] }), setParameters: async (parameters: RTCRtpSendParameters) => void set.push(parameters) } as unknown as RTCRtpSender;
  const track = { getSettings: () => ({ width: 1920, height: 1080 }) } as MediaStreamTrack;
  await applyQuality(sender, quality({ height: 480 }), track);
  expect(set).toEqual([{ encodings: [{ maxBitrate: 1_200_000, maxFramerate: 30, scaleResolutionDownBy: 2.25 }], degradationPreference: 'maintain-resolution' }]);
});
