/** A part that is played again and again, in seconds of media time. */

import type { Whereabouts } from './place';

/** A seek may land this much before where it was sent to. */
const SLACK_S = 0.5;

export interface Loop {
  startS: number;
  endS: number;
}

export class LoopKeeper {
  private loop: Loop | null = null;

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly where: Whereabouts,
  ) {}

  /** Null: play all of it. */
  set(loop: Loop | null): void {
    this.loop = loop;
    if (loop) this.keep(true);
  }

  /** Back to the part's start at its end, or when the part itself has changed. */
  keep(isNew: boolean): void {
    if (!this.loop) return;
    const start = this.where.positionOfMedia(this.loop.startS);
    const end = this.where.positionOfMedia(this.loop.endS);
    if (start === null || end === null) return;
    const { currentTime, seeking } = this.video;
    if (isNew || currentTime > end || (!seeking && currentTime < start - SLACK_S)) this.video.currentTime = start;
  }
}
