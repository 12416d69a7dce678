/**
 * The lowest latency: WebRTC instead of HLS, for as long as the viewer wants it and it works.
 *
 * HLS plays until WebRTC has a picture, and again as soon as WebRTC has none: nobody looks at a black screen because a
 * network lets no UDP through. Whoever seeks back is with HLS, and returns with the live picture.
 */

import type { Delivery } from './delivery';
import type * as Whep from './whep';
import type { Why, WhyKind } from './whep/why';

/** idle: not wanted, or not now · joining: HLS still plays · on · resting: it does not work here, HLS plays. */
export type LowestPhase = 'idle' | 'joining' | 'on' | 'resting';

export interface LowestState {
  phase: LowestPhase;
  /** Why it rests. */
  why: Why | null;
}

export const NOT_LOWEST: LowestState = { phase: 'idle', why: null };

/** The chunk with all that speaks WebRTC. */
export type WhepModule = typeof Whep;

interface LowestActs {
  load: () => Promise<WhepModule>;
  deliver: (whep: WhepModule, session: Whep.WhepSession, onLost: (why: Why) => void) => Whep.WhepDelivery;
  /** The viewer is with the live picture, and it is to play. */
  isDue: () => boolean;
  /** WebRTC has a picture: it gets the <video>. */
  take: (delivery: Delivery) => void;
  /** HLS is to play the live picture again. */
  giveBack: () => void;
  onState: (state: LowestState) => void;
}

/** Who has had it for this long may try again at once when it breaks. */
const STEADY_MS = 30_000;
const ASK_AGAIN_MS = 2500;
/** A paused viewer keeps the place on the server for so long. */
const KEPT_WHILE_PAUSED_MS = 20_000;

export class LowestLatency {
  delivery: Whep.WhepDelivery | null = null;
  private isWanted = false;
  private url: string | null = null;
  private state = NOT_LOWEST;
  private joining: AbortController | null = null;
  private hasTriedAgain = false;
  private hasAskedAgain = false;
  private begunAt = 0;
  private pauseTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly acts: LowestActs) {
    acts.onState(this.state); // whatever the player before this one had to say
  }

  /** `url`: a newer one is for the next time; null: it cannot be had. */
  want(isWanted: boolean, url: string | null): void {
    const isNew = isWanted && !this.isWanted;
    this.isWanted = isWanted;
    this.url = url;
    if (isNew && this.state.phase === 'resting') this.tell('idle'); // the viewer asks for another try
    if (!isWanted) return this.stop();
    this.consider();
  }

  /** The viewer asks for another try. */
  again(): void {
    this.hasTriedAgain = false;
    if (this.state.phase === 'resting') this.tell('idle');
    this.consider();
  }

  /** Join, if that is wanted and possible now. */
  consider(): void {
    if (this.state.phase === 'idle' && this.isPossible()) void this.join();
  }

  /** Leave the <video> to HLS, which the caller starts: the viewer goes where WebRTC cannot. */
  leave(): void {
    clearTimeout(this.pauseTimer);
    this.joining?.abort();
    this.joining = null;
    this.delivery?.end();
    this.delivery = null;
    if (this.state.phase !== 'resting') this.tell('idle');
  }

  paused(): void {
    if (this.state.phase === 'joining') this.leave();
    clearTimeout(this.pauseTimer);
    if (this.delivery) this.pauseTimer = setTimeout(() => this.delivery?.letGo(), KEPT_WHILE_PAUSED_MS);
  }

  played(): void {
    clearTimeout(this.pauseTimer);
    if (this.delivery?.isGone) this.back();
    this.consider();
  }

  /** The publisher is back: what rests because nothing came has a reason to try again. */
  resumed(): void {
    if (this.state.why && PUBLISHERS_FAULT.includes(this.state.why.kind)) this.again();
  }

  /** Not wanted any more; HLS goes on with the live picture. */
  private stop(): void {
    const had = this.delivery !== null;
    this.leave();
    this.hasTriedAgain = false;
    if (this.state.phase !== 'idle') this.tell('idle');
    if (had) this.acts.giveBack();
  }

  /** The page goes away, and with it the place on the server. */
  pageGone(): void {
    this.joining?.abort();
    this.delivery?.letGo();
  }

  private isPossible(): boolean {
    return this.isWanted && this.url !== null && !document.hidden && this.acts.isDue();
  }

  private async join(): Promise<void> {
    const joining = (this.joining = new AbortController());
    this.tell('joining');
    let whep: WhepModule | null = null;
    try {
      whep = await this.acts.load();
      const session = await whep.WhepSession.open(this.url!, joining.signal);
      if (joining.signal.aborted || !this.acts.isDue()) session.close();
      if (joining.signal.aborted) return;
      this.joining = null;
      if (this.acts.isDue()) this.take(whep, session);
      else this.tell('idle'); // the viewer has paused or gone elsewhere meanwhile
    } catch (error) {
      if (!joining.signal.aborted) this.refused(whep ? whep.whyOf(error) : CHUNK_LOST);
    }
  }

  /** A full server is asked twice: the place that is missing may be the one this page had before it was loaded again. */
  private refused(why: Why): void {
    if (why.kind !== 'refused' || this.hasAskedAgain) return this.rest(why);
    this.hasAskedAgain = true;
    const { signal } = this.joining!;
    const timer = setTimeout(() => void this.join(), ASK_AGAIN_MS);
    signal.addEventListener('abort', () => clearTimeout(timer));
  }

  private take(whep: WhepModule, session: Whep.WhepSession): void {
    const delivery: Whep.WhepDelivery = this.acts.deliver(whep, session, (why) => this.lost(delivery, why));
    this.delivery = delivery;
    this.hasAskedAgain = false;
    this.begunAt = performance.now();
    this.acts.take(delivery);
    this.tell('on');
  }

  private lost(delivery: Delivery, why: Why): void {
    if (delivery !== this.delivery) return;
    const isSteady = performance.now() - this.begunAt > STEADY_MS;
    const isBroken = why.kind === 'lost' || why.kind === 'silent'; // the line is not too bad for it
    const mayTryAgain = isBroken && (isSteady || !this.hasTriedAgain);
    this.hasTriedAgain = isBroken;
    this.back();
    if (mayTryAgain) this.consider();
    else this.rest(why);
  }

  private back(): void {
    this.leave();
    this.acts.giveBack();
  }

  private rest(why: Why): void {
    this.joining = null;
    this.hasAskedAgain = false;
    this.tell('resting', why);
  }

  private tell(phase: LowestPhase, why: Why | null = null): void {
    this.state = { phase, why };
    this.acts.onState(this.state);
  }
}

/** What a publisher's absence looks like from here. */
const PUBLISHERS_FAULT: readonly WhyKind[] = ['silent', 'over', 'lost', 'no-picture'];
/** Without the chunk there are no words of its own. */
const CHUNK_LOST: Why = { kind: 'network', sentence: 'The part of this page for the lowest latency did not load.' };
