/**
 * Microphone and shared sound as one track that never changes: muting, other devices and a screen's sound need no
 * new negotiation, and what is sent goes on (as silence) when a device is gone.
 */

export type Input = 'microphone' | 'screen';

interface Strip {
  source: MediaStreamAudioSourceNode;
  meter: AnalyserNode;
  fader: GainNode;
}

/** Muting at once would click. */
const FADE_S = 0.015;
/** What a meter shows as nothing. */
export const SILENCE_DB = -60;
const METER_SAMPLES = 1024;

export class Mixer {
  private readonly context = new AudioContext({ latencyHint: 'interactive' });
  private readonly out = this.context.createMediaStreamDestination();
  private readonly strips = new Map<Input, Strip>();
  private readonly samples = new Float32Array(METER_SAMPLES);

  /** What is sent. */
  get output(): MediaStreamTrack {
    return this.out.stream.getAudioTracks()[0]!;
  }

  /** Browsers hold sound back until somebody has pressed something; call it when that has happened. */
  async wake(): Promise<void> {
    if (this.context.state !== 'running') await this.context.resume();
  }

  connect(input: Input, track: MediaStreamTrack, isMuted = false): void {
    this.disconnect(input);
    const source = this.context.createMediaStreamSource(new MediaStream([track]));
    const meter = new AnalyserNode(this.context, { fftSize: METER_SAMPLES });
    const fader = new GainNode(this.context, { gain: isMuted ? 0 : 1 });
    source.connect(meter);
    source.connect(fader).connect(this.out);
    this.strips.set(input, { source, meter, fader });
  }

  disconnect(input: Input): void {
    const strip = this.strips.get(input);
    if (!strip) return;
    strip.source.disconnect();
    strip.fader.disconnect();
    this.strips.delete(input);
  }

  mute(input: Input, isMuted: boolean): void {
    this.strips.get(input)?.fader.gain.setTargetAtTime(isMuted ? 0 : 1, this.context.currentTime, FADE_S);
  }

  /** The level at the input in dB below full scale, also while it is muted. */
  level(input: Input): number {
    const meter = this.strips.get(input)?.meter;
    if (!meter) return SILENCE_DB;
    meter.getFloatTimeDomainData(this.samples);
    return decibels(this.samples);
  }

  async close(): Promise<void> {
    for (const input of [...this.strips.keys()]) this.disconnect(input);
    await this.context.close();
  }
}

/** The highest sample of a block in dB, not below `SILENCE_DB`. */
export function decibels(samples: Float32Array): number {
  let peak = 0;
  for (const sample of samples) peak = Math.max(peak, Math.abs(sample));
  return peak === 0 ? SILENCE_DB : Math.max(SILENCE_DB, 20 * Math.log10(peak));
}
