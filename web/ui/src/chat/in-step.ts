/**
 * Chat in step with the picture: who is behind the others reads what they wrote when his own picture gets there.
 *
 * Bounded: who is further behind than `MAX_BEHIND_MS`, or has more waiting than `MAX_WAITING`, reads it as it comes.
 */

import type { ServerMessage } from '../api/types';

export const MAX_BEHIND_MS = 120_000;
export const MAX_WAITING = 2000;
/** How far behind the camera the picture of an author is who did not say which one he saw. */
export const USUAL_LATENCY_MS = 2000;
/** A place that is older than this tells nothing any more. */
const PLACE_FRESH_MS = 3000;

/** What the player last said of its picture. */
export interface PicturePlace {
  programMs: number;
  readAtMs: number;
  isPlaying: boolean;
}

/** Which moment is on the screen, ms since the epoch by the publisher's clock; null: not known. */
export class PictureClock {
  private place: PicturePlace | null = null;

  constructor(private readonly now: () => number = Date.now) {}

  set(programMs: number | null, isPlaying: boolean): void {
    this.place = programMs === null ? null : { programMs, readAtMs: this.now(), isPlaying };
  }

  read(): number | null {
    if (!this.place) return null;
    const ageMs = this.now() - this.place.readAtMs;
    if (ageMs > PLACE_FRESH_MS) return null;
    return this.place.programMs + (this.place.isPlaying ? ageMs : 0);
  }
}

/** Events that wait for their picture. */
type Timed = Extract<ServerMessage, { type: 'message' | 'announcement' | 'new_subscriber' | 'raid' }>;

function isTimed(event: ServerMessage): event is Timed {
  return event.type === 'message' || event.type === 'announcement' || event.type === 'new_subscriber' || (event.type === 'raid' && event.direction === 'in');
}

/** The moment whose picture an event belongs to. */
function momentOf(event: Timed): number {
  const usual = event.timestamp - USUAL_LATENCY_MS;
  return 'message' in event ? (event.message.pictureAt ?? usual) : usual;
}

export class InStep {
  private queue: Timed[] = [];
  isOn = false;

  constructor(
    private readonly clock: PictureClock,
    private readonly release: (event: ServerMessage) => void,
    private readonly now: () => number = Date.now,
  ) {}

  get waiting(): number {
    return this.queue.length;
  }

  /** How far the picture is behind the camera; null: not known. */
  get behindMs(): number | null {
    const programMs = this.clock.read();
    return programMs === null ? null : Math.max(0, this.now() - programMs);
  }

  get isTooFar(): boolean {
    return (this.behindMs ?? 0) > MAX_BEHIND_MS;
  }

  /** Take an event that is to wait; false: it is to be shown now. What I said myself never waits. */
  take(event: ServerMessage, meId: string | null): boolean {
    if (!this.isOn || !isTimed(event) || this.isTooFar) return false;
    const programMs = this.clock.read();
    if (programMs === null || ('message' in event && event.message.userId === meId)) return false;
    if (this.queue.length === 0 && momentOf(event) <= programMs) return false;
    this.queue.push(event);
    if (this.queue.length > MAX_WAITING) this.release(this.queue.shift()!);
    return true;
  }

  /** Let go what is due; in order, so a message never overtakes one before it. */
  tick(): void {
    const programMs = this.clock.read();
    const isAll = !this.isOn || programMs === null || this.isTooFar;
    while (this.queue.length > 0 && (isAll || momentOf(this.queue[0]!) <= programMs)) this.release(this.queue.shift()!);
  }

  /** What moderators took away is not shown later. */
  drop(isTaken: (message: { id: string; userId: string }) => boolean): void {
    this.queue = this.queue.filter((event) => !('message' in event && isTaken(event.message)));
  }

  clear(): void {
    this.queue = [];
  }
}
