import { describe, expect, it } from 'vitest';
import { candidateFragment, iceServers, preferH264, tuneAnswer } from '../../src/broadcast/sdp';
import { ANSWER, CODECS } from './fake-peer';

describe('codecs', () => {
  it('offers H.264 alone, split into packets before whole, with its retransmission', () => {
    expect(preferH264(CODECS).map(({ mimeType, sdpFmtpLine = '' }) => mimeType + (/mode=\d/.exec(sdpFmtpLine)?.[0] ?? ''))).toEqual(['video/H264mode=1', 'video/H264mode=0', 'video/rtx']);
  });

  it('offers nothing where there is no H.264: retransmission alone is no picture', () => {
    expect(preferH264(CODECS.filter(({ mimeType }) => mimeType !== 'video/H264'))).toEqual([]);
  });
});

describe('the answer', () => {
  it('asks Chromium to begin near the wanted rate, and Opus for stereo', () => {
    const tuned = tuneAnswer(ANSWER, { videoBps: 2_500_000, audioBps: 128_000 });
    expect(tuned).toContain('a=fmtp:96 packetization-mode=1;profile-level-id=42e01f;x-google-start-bitrate=1500;x-google-max-bitrate=2500\r\n');
    expect(tuned).toContain('a=rtpmap:111 opus/48000/2\r\na=fmtp:111 stereo=1;maxaveragebitrate=128000;usedtx=0\r\n');
  });

  it('leaves everything else as it is', () => {
    expect(tuneAnswer('v=0\r\na=rtpmap:97 rtx/90000\r\n', { videoBps: 1, audioBps: 1 })).toBe('v=0\r\na=rtpmap:97 rtx/90000\r\n');
  });
});

it('writes late candidates as a fragment of the offer', () => {
  const offer = ['v=0', 'm=video 9 UDP/TLS/RTP/SAVPF 96', 'a=ice-ufrag:abcd', 'a=ice-pwd:pw/+1', 'a=mid:0', 'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'a=mid:1', ''].join('\r\n');
  const candidates = [{ candidate: 'candidate:1 1 udp 2 192.0.2.1 5000 typ host' }] as RTCIceCandidate[];
  expect(candidateFragment(offer, candidates, true).split('\r\n')).toEqual([
    'a=ice-ufrag:abcd', 'a=ice-pwd:pw/+1', 'm=video 9 UDP/TLS/RTP/SAVPF 96', 'a=mid:0', 'a=candidate:1 1 udp 2 192.0.2.1 5000 typ host', 'a=end-of-candidates', '',
  ]);
});

it('reads the servers that Link headers name', () => {
  const link = '<stun:stun.example:3478>; rel="ice-server", <turn:turn.example?transport=udp>; rel="ice-server"; username="ann"; credential="a,b"; credential-type="password", </terms>; rel="terms"';
  expect(iceServers(link)).toEqual([{ urls: 'stun:stun.example:3478' }, { urls: 'turn:turn.example?transport=udp', username: 'ann', credential: 'a,b' }]);
  expect(iceServers(null)).toEqual([]);
});
