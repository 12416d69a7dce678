/** One WebRTC connection to the server, from the offer to the first picture and to its end. */

import { figuresOf, type Figures } from './figures';
import { preferH264, withBetterSound } from './offer';
import { leavePlace, takePlace, type Resource } from './resource';
import { NotJoined, why } from './why';

/** The browser looks for its own addresses; the server finds it without those that come later. */
const GATHER_MS = 400;
/** For ICE and DTLS. */
const CONNECT_MS = 5000;
const FIRST_PICTURE_MS = 5000;
const LOOK_EVERY_MS = 100;
/** A connection that comes back within this has not been lost; what is seen meanwhile, `health.ts` judges. */
const LOST_AFTER_MS = 3000;

/** What older browsers call `jitterBufferTarget`, in seconds. */
interface OldReceiver extends RTCRtpReceiver {
  playoutDelayHint?: number;
}

export class WhepSession {
  readonly stream = new MediaStream();
  /** The connection is gone, though nobody here closed it; or the server has said goodbye. */
  onLost: (isGoodbye: boolean) => void = () => undefined;
  private readonly peer = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  private readonly listeners = new AbortController();
  private resource: Resource | null = null;
  private last: Figures | null = null;
  private lostTimer: ReturnType<typeof setTimeout> | undefined;

  /** Resolves with the first picture decoded; throws `NotJoined`, or nothing of interest once `signal` has aborted. */
  static async open(url: string, signal: AbortSignal): Promise<WhepSession> {
    const session = new WhepSession();
    signal.addEventListener('abort', () => session.close(), { signal: session.listeners.signal });
    try {
      await session.join(url);
      return session;
    } catch (error) {
      session.close();
      throw error;
    }
  }

  /** Gives the place on the server back; also while the page goes away. */
  close(): void {
    if (this.isClosed) return;
    this.listeners.abort();
    clearTimeout(this.lostTimer);
    if (this.resource) leavePlace(this.resource);
    this.peer.close();
  }

  /** The figures that were asked for last. */
  get latest(): Figures | null {
    return this.last;
  }

  async figures(): Promise<Figures> {
    this.last = figuresOf(await this.peer.getStats(), Date.now(), this.last);
    return this.last;
  }

  private get isClosed(): boolean {
    return this.listeners.signal.aborted;
  }

  private async join(url: string): Promise<void> {
    this.receive('video');
    this.receive('audio');
    await this.describe();
    await this.gathered();
    const resource = await takePlace(url, this.peer.localDescription!.sdp);
    if (this.isClosed) return leavePlace(resource); // the viewer has turned away meanwhile
    this.resource = resource;
    await this.accept(resource.answer);
    await this.connected();
    await this.pictured();
    this.watch();
  }

  private async describe(): Promise<void> {
    const offer = await this.peer.createOffer();
    try {
      await this.peer.setLocalDescription({ type: 'offer', sdp: withBetterSound(offer.sdp ?? '') });
    } catch {
      await this.peer.setLocalDescription(offer); // a browser that takes no changed description: mono
    }
  }

  private receive(kind: 'video' | 'audio'): void {
    const transceiver = this.peer.addTransceiver(kind, { direction: 'recvonly' });
    if (kind === 'video') this.prefer(transceiver);
    const receiver: OldReceiver = transceiver.receiver;
    // Nothing waits that need not: both hold as minima, and the buffer still grows with what the line needs.
    receiver.jitterBufferTarget = 0;
    receiver.playoutDelayHint = 0;
    this.stream.addTrack(receiver.track); // at hand before the answer: Safari tells `track` late
  }

  /** Before the offer is made: later it has no effect. */
  private prefer(transceiver: RTCRtpTransceiver): void {
    const codecs = RTCRtpReceiver.getCapabilities?.('video')?.codecs;
    if (!codecs) return; // an older Firefox: it offers what it has, and the server chooses
    const wanted = preferH264(codecs);
    if (wanted.length === 0) throw new NotJoined(why('format'));
    transceiver.setCodecPreferences?.(wanted);
  }

  private async accept(sdp: string): Promise<void> {
    try {
      await this.peer.setRemoteDescription({ type: 'answer', sdp });
    } catch {
      throw new NotJoined(why('format')); // an answer that this browser does not understand
    }
  }

  private gathered(): Promise<boolean> {
    return this.becomes('icegatheringstatechange', GATHER_MS, () => this.peer.iceGatheringState === 'complete');
  }

  private async connected(): Promise<void> {
    const is = (...states: RTCPeerConnectionState[]) => states.includes(this.peer.connectionState);
    await this.becomes('connectionstatechange', CONNECT_MS, () => is('connected', 'failed', 'closed'));
    if (!is('connected')) throw new NotJoined(why('network'));
  }

  /** Counted and not shown: the <video> belongs to what plays until then. */
  private async pictured(): Promise<void> {
    for (const endsAt = performance.now() + FIRST_PICTURE_MS; performance.now() < endsAt && !this.isClosed;) {
      if ((await this.figures()).framesDecoded > 0) return;
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
    throw new NotJoined(why('no-picture'));
  }

  /** Resolves once it is so, or after the deadline; to whether it is so. */
  private becomes(event: string, withinMs: number, isSo: () => boolean): Promise<boolean> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.peer.removeEventListener(event, look);
        resolve(isSo());
      };
      const look = () => isSo() && done();
      const timer = setTimeout(done, withinMs);
      this.listeners.signal.addEventListener('abort', done, { once: true });
      this.peer.addEventListener(event, look);
      look();
    });
  }

  private watch(): void {
    const { signal } = this.listeners;
    const look = () => this.look();
    this.peer.addEventListener('connectionstatechange', look, { signal });
    // A server that says goodbye closes DTLS; ICE would notice much later.
    for (const { transport } of this.peer.getReceivers()) transport?.addEventListener('statechange', look, { signal });
    this.look();
  }

  private look(): void {
    const transports = this.peer.getReceivers().map(({ transport }) => transport?.state);
    if (transports.includes('closed')) return this.lose(true);
    if (['failed', 'closed'].includes(this.peer.connectionState) || transports.includes('failed')) return this.lose(false);
    clearTimeout(this.lostTimer);
    if (this.peer.connectionState === 'disconnected') this.lostTimer = setTimeout(() => this.lose(false), LOST_AFTER_MS);
  }

  private lose(isGoodbye: boolean): void {
    if (this.isClosed) return;
    this.close();
    this.onLost(isGoodbye);
  }
}
