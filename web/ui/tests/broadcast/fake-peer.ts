import { vi } from 'vitest';
import type { FakeTrack } from './fake-media';

const OFFER = ['v=0', 'm=video 9 UDP/TLS/RTP/SAVPF 96', 'a=ice-ufrag:abcd', 'a=ice-pwd:secret', 'a=mid:0', ''].join('\r\n');
const H264 = (mode: number): RTCRtpCodec => ({ mimeType: 'video/H264', clockRate: 90_000, sdpFmtpLine: `level-asymmetry-allowed=1;packetization-mode=${mode};profile-level-id=42e01f` });

export const CODECS: RTCRtpCodec[] = [{ mimeType: 'video/VP8', clockRate: 90_000 }, H264(0), { mimeType: 'video/rtx', clockRate: 90_000 }, H264(1)];

class FakeSender {
  transport = { state: 'connected', onstatechange: null as (() => void) | null };
  parameters = { encodings: [{}] as RTCRtpEncodingParameters[], degradationPreference: undefined as string | undefined };

  constructor(public track: FakeTrack | null) {}

  getParameters(): object {
    return this.parameters;
  }

  async setParameters(parameters: FakeSender['parameters']): Promise<void> {
    this.parameters = parameters;
  }

  async replaceTrack(track: FakeTrack | null): Promise<void> {
    this.track = track;
  }
}

/** A peer connection that does what the test says. */
export class FakePeer {
  static made: FakePeer[] = [];
  static codecs = CODECS;
  /** What becomes of it once it has its answer. */
  static becomes: RTCPeerConnectionState | null = 'connected';

  connectionState: RTCPeerConnectionState = 'new';
  iceGatheringState: RTCIceGatheringState = 'complete';
  localDescription: { type: string; sdp: string } | null = null;
  remoteDescription: { type: string; sdp: string } | null = null;
  onicecandidate: ((event: { candidate: { candidate: string } | null }) => void) | null = null;
  onicegatheringstatechange: (() => void) | null = null;
  onconnectionstatechange: (() => void) | null = null;
  senders: FakeSender[] = [];
  preferences: RTCRtpCodec[] = [];
  report = new Map<string, object>();

  constructor(readonly configuration: RTCConfiguration) {
    FakePeer.made.push(this);
  }

  addTransceiver(track: FakeTrack): object {
    const sender = new FakeSender(track);
    this.senders.push(sender);
    return { sender, setCodecPreferences: (codecs: RTCRtpCodec[]) => void (this.preferences = codecs) };
  }

  async createOffer(): Promise<object> {
    return { type: 'offer', sdp: OFFER };
  }

  async setLocalDescription(description: { type: string; sdp: string }): Promise<void> {
    this.localDescription = description;
  }

  async setRemoteDescription(description: { type: string; sdp: string }): Promise<void> {
    this.remoteDescription = description;
    if (FakePeer.becomes) this.turn(FakePeer.becomes);
  }

  async getStats(): Promise<Map<string, object>> {
    return this.report;
  }

  turn(state: RTCPeerConnectionState): void {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }

  getSenders(): FakeSender[] {
    return this.senders;
  }

  /** As a browser does it: no event tells of what the page itself does. */
  close(): void {
    this.connectionState = 'closed';
  }

  static get last(): FakePeer {
    const peer = FakePeer.made.at(-1);
    if (!peer) throw new Error('no connection was opened');
    return peer;
  }

  static install(): void {
    FakePeer.made = [];
    FakePeer.codecs = CODECS;
    FakePeer.becomes = 'connected';
    vi.stubGlobal('RTCPeerConnection', FakePeer);
    vi.stubGlobal('RTCRtpSender', { getCapabilities: () => ({ codecs: FakePeer.codecs }) });
  }
}

export const ANSWER = [
  'v=0', 'm=video 9 UDP/TLS/RTP/SAVPF 96', 'a=rtpmap:96 H264/90000', 'a=fmtp:96 packetization-mode=1;profile-level-id=42e01f',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'a=rtpmap:111 opus/48000/2', '',
].join('\r\n');

export const created = (headers: Record<string, string> = {}) =>
  new Response(ANSWER, { status: 201, headers: { 'Content-Type': 'application/sdp', Location: 'http://tv.example/whip/session/n1.abc', ETag: '"e1"', ...headers } });
