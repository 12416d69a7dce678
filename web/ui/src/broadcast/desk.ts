/**
 * What is on the air from this browser: one picture (camera, screen, or the slate) and one sound (microphone and the
 * screen's, mixed). It knows nothing of sending.
 */

import { hintFor, openDevices, openScreen, type Wanted } from './capture';
import { Mixer, SILENCE_DB, type Input } from './mixer';
import { widthOf, type Quality } from './quality';
import { Slate } from './slate';
import { captureTrouble, type Device, type Trouble } from './trouble';

export interface DeskState {
  shows: 'camera' | 'screen' | 'slate';
  hasMicrophone: boolean;
  isMuted: boolean;
  hasScreenSound: boolean;
  /** What is really in use, '' for none. */
  cameraId: string;
  microphoneId: string;
  isCleaned: boolean;
  opening: Device | 'both' | null;
  trouble: Trouble | null;
  /** What viewers see, or null before anything was turned on. */
  picture: MediaStreamTrack | null;
}

export const EMPTY_DESK: DeskState = {
  shows: 'slate', hasMicrophone: false, isMuted: false, hasScreenSound: false, cameraId: '', microphoneId: '', isCleaned: true, opening: null, trouble: null, picture: null,
};

const GONE: Record<Device, string> = { camera: 'Camera', microphone: 'Microphone', screen: 'Screen' };

export class Desk {
  private state = EMPTY_DESK;
  private readonly mixer = new Mixer();
  private camera: MediaStreamTrack | null = null;
  private microphone: MediaStreamTrack | null = null;
  private screen: { screen: MediaStreamTrack; sound: MediaStreamTrack | null } | null = null;
  private slate: Slate | null = null;
  private cameraAfterScreen = false;
  private isUsed = false;
  private isClosed = false;

  constructor(private readonly name: string, private quality: Quality, private readonly onState: (state: DeskState) => void) {}

  get picture(): MediaStreamTrack {
    return this.screen?.screen ?? this.camera ?? this.aSlate().track;
  }

  get sound(): MediaStreamTrack {
    return this.mixer.output;
  }

  level(input: Input): number {
    return this.isClosed ? SILENCE_DB : this.mixer.level(input);
  }

  wake(): Promise<void> {
    return this.mixer.wake();
  }

  /** Camera and microphone with one question; one of them is enough. */
  async turnOn(cameraId = '', microphoneId = ''): Promise<void> {
    const wanted = this.wanted({ cameraId, microphoneId });
    await this.opens('both', async () => {
      void this.wake();
      try {
        const { camera, microphone } = await openDevices(wanted, { camera: true, microphone: true });
        this.takeCamera(camera);
        this.takeMicrophone(microphone);
      } catch {
        // One of the two is missing or refused: which, and does the other work?
        const told = await this.tried('microphone', async () => this.takeMicrophone((await openDevices(wanted, { camera: false, microphone: true })).microphone));
        const cameraTold = await this.tried('camera', async () => this.takeCamera((await openDevices(wanted, { camera: true, microphone: false })).camera));
        this.say({ trouble: cameraTold ?? told });
      }
    });
  }

  async showCamera(cameraId = this.state.cameraId): Promise<void> {
    await this.opens('camera', async () => {
      // Some systems open a camera once only: the old one goes first.
      this.stopCamera();
      const trouble = await this.tried('camera', async () => this.takeCamera((await openDevices(this.wanted({ cameraId }), { camera: true, microphone: false })).camera));
      if (trouble?.id !== 'missing' || !cameraId) return this.say({ trouble });
      this.say({ trouble: await this.tried('camera', async () => this.takeCamera((await openDevices(this.wanted({ cameraId: '' }), { camera: true, microphone: false })).camera)) });
    });
  }

  /** Camera off: its lamp goes out, and viewers see the slate. */
  hideCamera(): void {
    this.stopCamera();
    this.cameraAfterScreen = false;
    this.say({ trouble: null });
  }

  async showScreen(): Promise<void> {
    await this.opens('screen', async () => {
      const trouble = await this.tried('screen', async () => {
        const opened = await openScreen(this.wanted());
        const hadCamera = this.camera !== null || (this.screen !== null && this.cameraAfterScreen);
        this.stopScreen();
        this.cameraAfterScreen = hadCamera;
        this.stopCamera();
        this.screen = opened;
        opened.screen.addEventListener('ended', () => this.screen === opened && void this.hideScreen(), { once: true });
        if (opened.sound) this.mixer.connect('screen', opened.sound);
        void this.wake();
      });
      this.say({ trouble });
    });
  }

  /** Back to the camera, where there was one. */
  async hideScreen(): Promise<void> {
    this.stopScreen();
    this.say({ trouble: null });
    if (this.cameraAfterScreen) await this.showCamera();
  }

  async openMicrophone(microphoneId = this.state.microphoneId): Promise<void> {
    await this.opens('microphone', async () => {
      this.stopMicrophone();
      void this.wake();
      this.say({ trouble: await this.tried('microphone', async () => this.takeMicrophone((await openDevices(this.wanted({ microphoneId }), { camera: false, microphone: true })).microphone)) });
    });
  }

  mute(isMuted: boolean): void {
    this.mixer.mute('microphone', isMuted);
    this.say({ isMuted });
  }

  async clean(isCleaned: boolean): Promise<void> {
    this.say({ isCleaned });
    if (this.microphone) await this.openMicrophone(); // browsers do not change it while a microphone runs
  }

  async setQuality(quality: Quality): Promise<void> {
    this.quality = quality;
    if (this.screen) this.screen.screen.contentHint = hintFor('screen', quality);
    // A camera that cannot do it keeps what it has; the encoder shrinks the rest.
    await this.camera?.applyConstraints({ width: { ideal: widthOf(quality.height) }, height: { ideal: quality.height }, frameRate: { ideal: quality.frameRate } }).catch(() => undefined);
  }

  forgive(): void {
    this.say({ trouble: null });
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.stopCamera();
    this.stopScreen();
    this.stopMicrophone();
    this.slate?.stop();
    await this.mixer.close();
  }

  private wanted(change: { cameraId?: string; microphoneId?: string } = {}): Wanted {
    const { cameraId, microphoneId, isCleaned } = this.state;
    return { cameraId, microphoneId, isCleaned, quality: this.quality, ...change };
  }

  /** One dialog of the browser at a time. */
  private async opens(opening: DeskState['opening'], work: () => Promise<void>): Promise<void> {
    if (this.state.opening) return;
    this.say({ opening, trouble: null });
    try {
      await work();
    } finally {
      this.say({ opening: null });
    }
  }

  private async tried(device: Device, work: () => Promise<void>): Promise<Trouble | null> {
    try {
      await work();
      return null;
    } catch (error) {
      return captureTrouble(error, device);
    }
  }

  private takeCamera(track: MediaStreamTrack | null): void {
    if (!track || this.isClosed) return track?.stop();
    this.stopCamera();
    this.camera = track;
    track.addEventListener('ended', () => this.camera === track && this.lose('camera'), { once: true });
    this.say({ cameraId: track.getSettings().deviceId ?? '' });
  }

  private takeMicrophone(track: MediaStreamTrack | null): void {
    if (!track || this.isClosed) return track?.stop();
    this.stopMicrophone();
    this.microphone = track;
    track.addEventListener('ended', () => this.microphone === track && this.lose('microphone'), { once: true });
    this.mixer.connect('microphone', track, this.state.isMuted);
    this.say({ microphoneId: track.getSettings().deviceId ?? '' });
  }

  /** Unplugged, or taken away in the browser's settings. What is sent goes on without it. */
  private lose(device: 'camera' | 'microphone'): void {
    if (device === 'camera') this.stopCamera();
    else this.stopMicrophone();
    this.say({ trouble: { id: 'gone', title: `${GONE[device]} gone`, text: 'It was unplugged, or this page may not use it any more.' } });
  }

  private stopCamera(): void {
    this.camera?.stop();
    this.camera = null;
    this.say({});
  }

  private stopMicrophone(): void {
    this.mixer.disconnect('microphone');
    this.microphone?.stop();
    this.microphone = null;
    this.say({});
  }

  private stopScreen(): void {
    this.mixer.disconnect('screen');
    this.screen?.screen.stop();
    this.screen?.sound?.stop();
    this.screen = null;
    this.say({});
  }

  private aSlate(): Slate {
    this.slate ??= new Slate(this.name, widthOf(this.quality.height), this.quality.height);
    return this.slate;
  }

  private say(change: Partial<DeskState>): void {
    this.isUsed ||= this.camera !== null || this.screen !== null || this.microphone !== null;
    this.state = {
      ...this.state,
      shows: this.screen ? 'screen' : this.camera ? 'camera' : 'slate',
      hasMicrophone: this.microphone !== null,
      hasScreenSound: this.screen?.sound != null,
      picture: this.isUsed && !this.isClosed ? this.picture : null,
      ...change,
    };
    if (this.slate && this.state.shows !== 'slate') {
      this.slate.stop();
      this.slate = null;
    }
    this.onState(this.state);
  }
}
