/**
 * The end of a stream for a viewer who is behind it. What he was going back in answers 404 from then on; its recording,
 * if there is one, has the same moments. The page finds it and tells; until then, what is buffered plays.
 */

/** What is left of a stream: it runs; it is over, and its recording is looked for, is there, or is not. */
export type Rest = 'running' | 'asking' | 'kept' | 'lost';

/** The page hears of an end by another way, which may be the slower one; then it was none. */
const HEARSAY_MS = 5000;
/** With less than this ahead the picture stands. */
const DRY_S = 0.5;

interface EndingActs {
  /** The past plays, or is about to. */
  isPast: () => boolean;
  /** Start again at the same moment. */
  goOn: () => void;
  goLive: () => void;
  bufferAhead: () => number;
  /** The page is to look whether the stream is over. */
  onPastMissing: () => void;
  /** The last picture has been shown, and it was not the last of the stream. */
  onCutShort: () => void;
}

export class Ending {
  private rest: Rest = 'running';
  private isGone = false;
  private timer: ReturnType<typeof setTimeout> | null = null;

  constructor(private readonly acts: EndingActs) {}

  get isOver(): boolean {
    return this.rest !== 'running';
  }

  learn(rest: Rest): void {
    const isNew = rest !== this.rest;
    this.rest = rest;
    if (!isNew || !this.acts.isPast()) return;
    if (rest === 'kept') this.acts.goOn();
    if (rest === 'lost') this.isCutShort();
  }

  /** The past that played answers 404. */
  gone(): void {
    this.isGone = true;
    if (this.rest === 'kept') this.rest = 'lost'; // it was deleted meanwhile
    if (this.isCutShort() || this.rest !== 'running' || this.timer !== null) return;
    this.acts.onPastMissing();
    this.timer = setTimeout(() => {
      this.timer = null;
      if (this.rest === 'running') this.acts.goLive();
    }, HEARSAY_MS);
  }

  /** Says so, once nothing is left to show. */
  isCutShort(): boolean {
    const isCut = this.isGone && this.rest === 'lost' && this.acts.bufferAhead() < DRY_S;
    if (isCut) this.acts.onCutShort();
    return isCut;
  }

  /** Another source begins. */
  stop(): void {
    this.isGone = false;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }
}
