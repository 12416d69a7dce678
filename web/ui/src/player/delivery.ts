/** How the picture comes to the viewer: HLS, which can always be had, or WebRTC. One at a time has the <video>. */

import type { Stats } from './stats';

export interface Delivery {
  /** Take the <video>. */
  begin(): void;
  /** Leave the <video> to another. */
  end(): void;
  /** The publisher is awaited, or back. */
  setInterrupted(isInterrupted: boolean): void;
  /** The viewer wants it to play, which the wish knows already. */
  play(): void;
  goLive(): void;
  seekBy(seconds: number): void;
  /** To a moment of a live stream, ms since the epoch. */
  seekToProgram(programMs: number): void;
  stats(): Stats;
  /** The program time of the newest live picture. */
  edgeMs(): number | null;
}
