import type { PublisherHealth, RungHealth, SessionHealth, TranscoderHealth } from '../../src/api/types';

/** A stream about which there is nothing to say. */
export const health: SessionHealth = {
  sessionId: 's1', channelId: 'c1', protocol: 'rtmp', encoder: 'obs', startedAtMs: 0, isPlayable: true, durationMs: 61_000, receivedBytes: 5e6,
  droppedPackets: 0, discontinuities: 0, isWaiting: false, returnsUntilMs: null, interruptions: 0, publishers: [], rungs: [], transcoder: null, isTest: false,
  video: { codec: 'avc1.64001f', bitrateBps: 6_000_000, width: 1920, height: 1080, frameRate: 60, keyframeIntervalS: 2, sampleRate: null, channels: null },
  audio: { codec: 'mp4a.40.2', bitrateBps: 160_000, width: null, height: null, frameRate: null, keyframeIntervalS: null, sampleRate: 48_000, channels: 2 },
};

export const publisher = (change: Partial<PublisherHealth> = {}): PublisherHealth => ({
  protocol: 'rtmp', encoder: 'libobs version 30.2.3', priority: 0, isOnAir: true, connectedAtMs: 0, receivedBytes: 5e6, bitrateBps: 6_160_000, jitterMs: 12, silentMs: 20, network: null,
  ...change,
});

export const rung = (change: Partial<RungHealth> = {}): RungHealth => ({
  name: '720p', state: 'running', width: 1280, height: 720, frameRate: 30, targetBps: 3_000_000, bitrateBps: 2_800_000, droppedFrames: 0, lagMs: 64, reason: '', ...change,
});

export const transcoder = (change: Partial<TranscoderHealth> = {}): TranscoderHealth => ({
  encoder: 'libx264', cores: 1.42, memoryBytes: 210_000_000, restarts: 0, droppedPackets: 0, ...change,
});
