/**
 * Where it plays: one place on the clocks of `timeline.ts`, read from hls.js's playlist or from the browser's own
 * player. Times are null while unknown.
 */

import type { LevelDetails } from 'hls.js';
import type { Feed } from './feed';
import { mediaZero, positionOf, programAt, type FragmentLike } from './timeline';

/** The buffer may begin this much behind the position that it belongs to. */
const BUFFER_SLACK_S = 0.1;

export interface Place {
  positionS: number;
  startS: number;
  endS: number;
  /** To where it has loaded. */
  bufferedS: number;
  programMs: number | null;
  /** The first and the newest picture of this playlist. */
  firstMs: number | null;
  lastMs: number | null;
  /** The program time of media time 0. */
  zeroMs: number | null;
  /** Plays the playlist of what can be rewound to. */
  isPast: boolean;
  /** The playlist may still grow. */
  isGrowing: boolean;
}

export class Whereabouts {
  /** How far the newest live picture is behind this device's clock, ms; lasts while the past plays. */
  private edgeLagMs: number | null = null;

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly feed: Feed,
    private readonly isRecorded: boolean,
    private zeroMs: number | null,
  ) {}

  /** `askedMs`: the moment of the past that was asked for and does not play yet. */
  read(isPast: boolean, askedMs: number | null): Place {
    const details = this.details();
    const { currentTime, seekable, duration } = this.video;
    const hasRange = seekable.length > 0;
    const startS = details?.fragmentStart ?? (hasRange ? seekable.start(0) : 0);
    const endS = details?.edge ?? (Number.isFinite(duration) ? duration : hasRange ? seekable.end(seekable.length - 1) : 0);
    const lastMs = this.programOf(endS);
    if (!isPast && !this.isRecorded) this.noteEdge(lastMs);
    return {
      positionS: currentTime,
      startS,
      endS,
      bufferedS: currentTime + this.bufferAhead(),
      programMs: askedMs ?? this.programOf(currentTime),
      firstMs: this.programOf(startS),
      lastMs,
      zeroMs: this.zero(),
      isPast,
      isGrowing: details?.live ?? !Number.isFinite(duration),
    };
  }

  details(): LevelDetails | null {
    return this.feed.hls?.latestLevelDetails ?? null;
  }

  positionAt(programMs: number): number | null {
    if (this.feed.hls) return positionOf(this.details()?.fragments ?? [], programMs);
    const start = this.nativeStart();
    return start === null ? null : (programMs - start) / 1000;
  }

  programOf(positionS: number): number | null {
    const start = this.feed.hls ? null : this.nativeStart();
    return start === null ? programAt(this.details()?.fragments ?? [], positionS) : start + positionS * 1000;
  }

  /** The media says which media time a fragment begins with: `initS` beyond the zero of decode times. */
  learnZero(fragment: FragmentLike, initS: number): void {
    this.zeroMs = mediaZero(fragment, initS) ?? this.zeroMs;
  }

  mediaAt(positionS: number): number | null {
    const zeroMs = this.zero();
    const programMs = this.programOf(positionS);
    return zeroMs === null || programMs === null ? null : (programMs - zeroMs) / 1000;
  }

  positionOfMedia(mediaS: number): number | null {
    const zeroMs = this.zero();
    return zeroMs === null ? null : this.positionAt(zeroMs + mediaS * 1000);
  }

  /** The program time of the newest live picture, also while the past plays. */
  edgeMs(): number | null {
    return this.edgeLagMs === null ? null : Date.now() - this.edgeLagMs;
  }

  livePosition(): number | null {
    if (this.feed.hls) return this.feed.hls.liveSyncPosition;
    const { seekable } = this.video;
    return seekable.length > 0 ? seekable.end(seekable.length - 1) : null;
  }

  playingDate(): Date | null {
    if (this.feed.hls) return this.feed.hls.playingDate;
    const start = this.nativeStart();
    return start === null ? null : new Date(start + this.video.currentTime * 1000);
  }

  bufferAhead(): number {
    const { buffered, currentTime } = this.video;
    for (let index = 0; index < buffered.length; index++) {
      if (buffered.start(index) <= currentTime + BUFFER_SLACK_S && currentTime < buffered.end(index)) return buffered.end(index) - currentTime;
    }
    return 0;
  }

  /** The program time of media time 0; a recording begins with it. */
  zero(): number | null {
    return this.zeroMs ?? (this.isRecorded ? this.programOf(0) : null);
  }

  /** Safari: the program time of position 0. */
  private nativeStart(): number | null {
    const start = (this.video as HTMLVideoElement & { getStartDate?: () => Date }).getStartDate?.().getTime();
    return start !== undefined && Number.isFinite(start) ? start : null;
  }

  private noteEdge(edgeMs: number | null): void {
    if (edgeMs !== null) this.edgeLagMs = Date.now() - edgeMs;
  }
}
