/** What `RTCPeerConnection.getStats` says, as far as it is read. */

interface Counts {
  framesDecoded?: number;
  packetsReceived?: number;
  packetsLost?: number;
  audioPackets?: number;
  [name: string]: number | undefined;
}

export const report = ({ audioPackets = 0, ...video }: Counts = {}): Map<string, object> =>
  new Map<string, object>([
    ['V', { id: 'V', type: 'inbound-rtp', kind: 'video', codecId: 'C', frameWidth: 1280, frameHeight: 720, ...video }],
    ['A', { id: 'A', type: 'inbound-rtp', kind: 'audio', packetsReceived: audioPackets }],
    ['C', { id: 'C', type: 'codec', mimeType: 'video/H264' }],
    ['T', { id: 'T', type: 'transport', selectedCandidatePairId: 'P2' }],
    ['P1', { id: 'P1', type: 'candidate-pair', nominated: true, state: 'succeeded', currentRoundTripTime: 0.9 }],
    ['P2', { id: 'P2', type: 'candidate-pair', nominated: true, state: 'succeeded', currentRoundTripTime: 0.024 }],
  ]);
