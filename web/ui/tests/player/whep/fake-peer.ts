/** `RTCPeerConnection` as far as the player uses it; the test says what happens. */

import { vi } from 'vitest';
import { report } from './reports';

class FakeTransport extends EventTarget {
  state: RTCDtlsTransportState = 'connected';
}

export class FakePeer extends EventTarget {
  static made: FakePeer[] = [];
  /** What the server answers to the POST. */
  static status = 201;
  static body = 'answer';
  /** The requests, as "POST /path". */
  static requests: string[] = [];
  /** What becomes of a connection by itself. */
  static connects = true;
  static pictures = true;
  static codecs = [{ mimeType: 'video/VP8' }, { mimeType: 'video/H264', sdpFmtpLine: 'packetization-mode=1' }, { mimeType: 'video/rtx' }];

  connectionState: RTCPeerConnectionState = 'new';
  iceGatheringState: RTCIceGatheringState = 'complete';
  localDescription: RTCSessionDescriptionInit | null = null;
  transport = new FakeTransport();
  transceivers: { kind: string; direction: string; preferred: string[]; receiver: object }[] = [];
  counts = { framesDecoded: 0, packetsReceived: 0 };

  constructor() {
    super();
    FakePeer.made.push(this);
  }

  static install(): void {
    Object.assign(FakePeer, { made: [], status: 201, body: 'answer', requests: [], connects: true, pictures: true });
    vi.stubGlobal('RTCPeerConnection', FakePeer);
    vi.stubGlobal('RTCRtpReceiver', { getCapabilities: () => ({ codecs: FakePeer.codecs }) });
    vi.stubGlobal('MediaStream', class { tracks: object[] = []; addTrack = (track: object) => void this.tracks.push(track); });
  }

  /** `fetch` that answers for the WHEP server, and hands on the rest. */
  static serve(otherwise: typeof fetch = () => Promise.reject(new Error('no such address'))): void {
    vi.stubGlobal('fetch', async (input: string, init: RequestInit = {}) => {
      if (!String(input).includes('/whep/')) return otherwise(input, init);
      FakePeer.requests.push(`${init.method} ${new URL(input, 'http://localhost:3000').pathname}`);
      const isPost = init.method === 'POST';
      return new Response(isPost ? FakePeer.body : '', { status: isPost ? FakePeer.status : 200, headers: { Location: '/whep/session/n.1' } });
    });
  }

  static get last(): FakePeer {
    const peer = FakePeer.made.at(-1);
    if (!peer) throw new Error('no connection was made');
    return peer;
  }

  addTransceiver = (kind: string, { direction }: { direction: string }) => {
    const transceiver = {
      kind, direction, preferred: [] as string[], receiver: { track: { kind }, transport: this.transport },
      setCodecPreferences: (codecs: { mimeType: string }[]) => (transceiver.preferred = codecs.map(({ mimeType }) => mimeType)),
    };
    this.transceivers.push(transceiver);
    return transceiver;
  };
  getReceivers = () => this.transceivers.map(({ receiver }) => receiver);
  createOffer = async () => ({ type: 'offer', sdp: 'a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10\r\n' });
  setLocalDescription = async (description: RTCSessionDescriptionInit) => void (this.localDescription = description);
  setRemoteDescription = async () => void (FakePeer.connects && this.becomes('connected'));
  getStats = async () => {
    if (FakePeer.pictures && this.connectionState === 'connected') this.receive();
    return report(this.counts);
  };
  close = () => void (this.connectionState = 'closed');

  receive(): void {
    this.counts = { framesDecoded: this.counts.framesDecoded + 15, packetsReceived: this.counts.packetsReceived + 100 };
  }

  becomes(state: RTCPeerConnectionState): void {
    this.connectionState = state;
    this.dispatchEvent(new Event('connectionstatechange'));
  }

  /** The server says goodbye. */
  closesDtls(): void {
    this.transport.state = 'closed';
    this.transport.dispatchEvent(new Event('statechange'));
  }
}
