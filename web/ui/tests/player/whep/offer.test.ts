import { describe, expect, it } from 'vitest';
import { preferH264, withBetterSound } from '../../../src/player/whep/offer';

const codec = (mimeType: string, sdpFmtpLine?: string) => ({ mimeType, sdpFmtpLine });
const BASELINE = codec('video/H264', 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f');
const SINGLE_NAL = codec('video/H264', 'level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42001f');
const HIGH = codec('video/H264', 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=64001f');
const RTX = codec('video/rtx');

/** The fmtp lines of Chromium 141, Safari 18 and Firefox 140. */
const CHROMIUM = 'v=0\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n';
const FIREFOX = 'v=0\r\na=fmtp:109 maxplaybackrate=48000;stereo=1;useinbandfec=1\r\na=rtpmap:109 opus/48000/2\r\n';

describe('the codecs', () => {
  it('are H.264 and what mends it, never VP8', () => {
    expect(preferH264([codec('video/VP8'), RTX, codec('video/VP9'), HIGH, codec('video/ulpfec')])).toEqual([HIGH, RTX, codec('video/ulpfec')]);
  });

  it('keep the browser’s order, with cut pictures first', () => {
    expect(preferH264([SINGLE_NAL, HIGH, BASELINE])).toEqual([HIGH, BASELINE, SINGLE_NAL]);
  });

  it('are none where the browser has no H.264, not even what mends', () => {
    expect(preferH264([codec('video/VP8'), RTX])).toEqual([]);
  });
});

describe('sound', () => {
  it('is asked for in stereo, and again where it is lost, in the lines of Opus alone', () => {
    const wanted = CHROMIUM.replace('useinbandfec=1', 'useinbandfec=1;stereo=1').replace('opus/48000/2\r\n', 'opus/48000/2\r\na=rtcp-fb:111 nack\r\n');
    expect(withBetterSound(CHROMIUM)).toBe(wanted);
  });

  it('is not asked for twice, nor without Opus', () => {
    const once = withBetterSound(FIREFOX);
    expect(once).toBe(`${FIREFOX}a=rtcp-fb:109 nack\r\n`);
    expect(withBetterSound(once)).toBe(once);
    expect(withBetterSound('v=0\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 x=1\r\n')).toBe('v=0\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 x=1\r\n');
  });
});
