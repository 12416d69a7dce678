/** Cameras, sound and peer connections whose other end is the test: jsdom has none of them. */

import { vi } from 'vitest';

export class FakeTrack extends EventTarget {
  static made: FakeTrack[] = [];
  contentHint = '';
  readyState: 'live' | 'ended' = 'live';
  constraints: MediaTrackConstraints | null = null;

  constructor(readonly kind: 'video' | 'audio', readonly label: string, private readonly settings: MediaTrackSettings = {}) {
    super();
    FakeTrack.made.push(this);
  }

  stop(): void {
    this.readyState = 'ended'; // by ourselves: no event
  }

  /** The device is gone, or the browser's own "stop sharing" was pressed. */
  lose(): void {
    this.readyState = 'ended';
    this.dispatchEvent(new Event('ended'));
  }

  getSettings(): MediaTrackSettings {
    return this.settings;
  }

  async applyConstraints(constraints: MediaTrackConstraints): Promise<void> {
    this.constraints = constraints;
  }
}

export class FakeStream {
  constructor(private readonly tracks: FakeTrack[] = []) {}

  getTracks(): FakeTrack[] {
    return this.tracks;
  }

  getVideoTracks(): FakeTrack[] {
    return this.tracks.filter(({ kind }) => kind === 'video');
  }

  getAudioTracks(): FakeTrack[] {
    return this.tracks.filter(({ kind }) => kind === 'audio');
  }
}

class FakeNode {
  fftSize = 0;
  gain = { value: 1, setTargetAtTime: (value: number) => void (this.gain.value = value) };

  constructor(_context?: unknown, options: { gain?: number } = {}) {
    this.gain.value = options.gain ?? 1;
    if (options.gain !== undefined) FakeAudio.faders.push(this);
  }

  connect(node: FakeNode): FakeNode {
    return node;
  }

  disconnect(): void {}

  getFloatTimeDomainData(samples: Float32Array): void {
    samples.fill(FakeAudio.loudness);
  }
}

export class FakeAudio {
  static loudness = 0.5;
  static faders: FakeNode[] = [];
  static sources: FakeTrack[] = [];
  state = 'running';
  currentTime = 0;

  createMediaStreamDestination(): object {
    return Object.assign(new FakeNode(), { stream: new FakeStream([new FakeTrack('audio', 'mix')]) });
  }

  createMediaStreamSource(stream: FakeStream): FakeNode {
    FakeAudio.sources.push(stream.getAudioTracks()[0]!);
    return new FakeNode();
  }

  async resume(): Promise<void> {
    this.state = 'running';
  }

  async close(): Promise<void> {
    this.state = 'closed';
  }
}

type Opening = (constraints: MediaStreamConstraints) => FakeStream | Promise<FakeStream>;

const camera = () => new FakeTrack('video', 'camera', { deviceId: 'cam1', width: 1280, height: 720 });
const microphone = () => new FakeTrack('audio', 'microphone', { deviceId: 'mic1' });

/** What the machine has; a test puts other answers in. */
export const machine = {
  asked: [] as MediaStreamConstraints[],
  open: ((constraints) => new FakeStream([...(constraints.video ? [camera()] : []), ...(constraints.audio ? [microphone()] : [])])) as Opening,
  share: (() => new FakeStream([new FakeTrack('video', 'screen', { width: 1920, height: 1080 }), new FakeTrack('audio', 'screen sound')])) as Opening,
};
const usual = { open: machine.open, share: machine.share };

export const denied = (name: string, message = ''): never => {
  throw new DOMException(message, name);
};

export function installMedia(): void {
  Object.assign(machine, usual, { asked: [] });
  FakeTrack.made = [];
  FakeAudio.loudness = 0.5;
  FakeAudio.faders = [];
  FakeAudio.sources = [];
  const devices = [{ kind: 'videoinput', deviceId: 'cam1', label: 'Front camera' }, { kind: 'videoinput', deviceId: 'cam2', label: 'Capture card' }, { kind: 'audioinput', deviceId: 'mic1', label: 'Headset' }];
  const mediaDevices = Object.assign(new EventTarget(), {
    getUserMedia: async (constraints: MediaStreamConstraints) => (machine.asked.push(constraints), machine.open(constraints)),
    getDisplayMedia: async (constraints: MediaStreamConstraints) => (machine.asked.push(constraints), machine.share(constraints)),
    enumerateDevices: async () => devices,
  });
  Object.defineProperty(navigator, 'mediaDevices', { configurable: true, value: mediaDevices });
  vi.stubGlobal('isSecureContext', true);
  vi.stubGlobal('MediaStream', FakeStream);
  vi.stubGlobal('AudioContext', FakeAudio);
  vi.stubGlobal('AnalyserNode', FakeNode);
  vi.stubGlobal('GainNode', FakeNode);
  HTMLCanvasElement.prototype.getContext = (() => null) as never;
  HTMLCanvasElement.prototype.captureStream = () => new FakeStream([new FakeTrack('video', 'slate', { width: 1280, height: 720 })]) as never;
}
