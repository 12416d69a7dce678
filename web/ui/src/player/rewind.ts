/**
 * Going back and forth. A live stream has two playlists: the live one, with the last minute, and the one of what can be
 * rewound to. A seek to before the first plays the second from there; going live leads back. Both say program times, by
 * which they meet.
 */

import type { Feed } from './feed';
import type { Place, Whereabouts } from './place';
import { tokenOf, withToken } from './token';

/** A seek to within this of the newest picture is a wish to be live. */
export const LIVE_WITHIN_MS = 3000;

interface RewindActs {
  /** Start the source again, which is another one now. */
  restart: () => void;
  /** The picture is to move, after a seek. */
  play: () => void;
  /** It plays, or would if nothing kept it. */
  isWanted: () => boolean;
  wake: () => void;
  /** The stream is over: there is no live picture to go to. */
  isOver: () => boolean;
}

export class Rewind {
  rewindUrl: string | null = null;
  /** The viewer went back himself: he is not late. */
  isByViewer = false;
  /** Something of this source has been shown. */
  hasShown = false;
  /** The program time at which the past plays or is about to; null: live. */
  private pastMs: number | null = null;
  /** The past has been shown since it was asked for, whatever started again meanwhile. */
  private hasShownPast = false;

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly feed: Feed,
    private readonly where: Whereabouts,
    private readonly isRecorded: boolean,
    public url: string,
    private readonly acts: RewindActs,
  ) {}

  get isPast(): boolean {
    return this.pastMs !== null;
  }

  /** The past plays or did so, and is not merely asked for. */
  get isSettled(): boolean {
    return this.isPast && this.hasShownPast;
  }

  /** Of the source that plays, or is to. */
  get sourceUrl(): string {
    return (this.isPast ? this.rewindUrl : null) ?? this.url;
  }

  place(): Place {
    return this.where.read(this.isPast, this.isSwitching() ? this.pastMs : null);
  }

  shown(): void {
    this.hasShown = true;
    if (this.isPast) this.hasShownPast = true;
  }

  goLive(): void {
    if (this.isRecorded || (this.isPast && this.acts.isOver())) return;
    this.acts.wake();
    this.isByViewer = false;
    if (this.isPast) {
      this.pastMs = null;
      return this.acts.restart();
    }
    const position = this.where.livePosition();
    if (position !== null) this.video.currentTime = position;
    if (this.video.paused) this.acts.play();
  }

  /** Go back or forward, never out of what can be played. */
  by(seconds: number): void {
    const { programMs, startS } = this.place();
    const { currentTime } = this.video;
    if (this.pastMs !== null) return this.toProgram((programMs ?? this.pastMs) + seconds * 1000);
    if (!this.isRecorded && programMs !== null && this.rewindUrl && currentTime + seconds < startS) {
      return this.toProgram(programMs + seconds * 1000);
    }
    this.to(currentTime + seconds);
  }

  /** Go to a position of this playlist. */
  to(positionS: number): void {
    const { seekable } = this.video;
    if (seekable.length === 0) return;
    const end = seekable.end(seekable.length - 1);
    const latest = this.isRecorded || this.isPast ? end : (this.where.livePosition() ?? end);
    this.isByViewer = positionS < latest;
    const isOver = this.video.ended;
    this.video.currentTime = Math.min(latest, Math.max(seekable.start(0), positionS));
    if (isOver && this.acts.isWanted()) this.acts.play();
  }

  /** Go to a moment of a live stream, in whichever of its playlists it is. */
  toProgram(programMs: number): void {
    const { firstMs, lastMs, isPast } = this.place();
    const edgeMs = this.where.edgeMs();
    const isLive = edgeMs !== null && programMs > edgeMs - LIVE_WITHIN_MS;
    if (isLive && !(isPast && this.acts.isOver())) return this.goLive();
    const isListed = firstMs !== null && lastMs !== null && programMs >= firstMs && programMs <= lastMs;
    if (isListed || isPast || !this.rewindUrl) return this.toListed(programMs);
    this.leaveFor(programMs);
  }

  /** To a moment of the past, out of what plays; where no past is listed, by what the source begins with. */
  leaveFor(programMs: number): void {
    this.acts.wake();
    this.isByViewer = true;
    this.hasShownPast = false;
    if (this.rewindUrl) return this.playPast(programMs);
    this.hasShown = false;
    this.acts.restart();
  }

  /** Go to a moment of this playlist; before anything of it has played, by loading from there. */
  toListed(programMs: number): void {
    if (this.isPast) this.pastMs = programMs;
    if (this.feed.hls && this.isSwitching()) return this.feed.loadFrom(programMs);
    const position = this.where.positionAt(programMs);
    if (position !== null) this.to(position);
  }

  /** Play on where the viewer is, unless that has gone from the live playlist meanwhile. */
  rejoin(): void {
    const { programMs, positionS, startS, isPast } = this.place();
    if (this.isRecorded || isPast || positionS >= startS || programMs === null || !this.rewindUrl) return;
    this.playPast(programMs);
  }

  /** The playlist has come: where what was asked for is in it. `beginMs`: what the source is to begin with by itself. */
  listed(beginMs: number | null): void {
    const programMs = this.pastMs ?? beginMs;
    if (this.feed.hls) this.feed.loadFrom(programMs);
    else if (this.pastMs !== null) this.toListed(this.pastMs);
  }

  /** A past that starts again goes on where it was. */
  keepPlace(): void {
    if (this.isPast && this.where.details()) this.pastMs = this.place().programMs;
  }

  /** The playlists hand on the token with which they were fetched; it may have run out since. */
  renew(request: XMLHttpRequest, url: string): void {
    const fresh = withToken(url, tokenOf(this.sourceUrl));
    if (fresh !== url) request.open('GET', fresh, true);
  }

  private playPast(programMs: number): void {
    this.pastMs = programMs;
    this.hasShown = false;
    this.acts.restart();
  }

  /** Whether the past was asked for and does not play yet. */
  private isSwitching(): boolean {
    return this.isPast && !this.hasShown;
  }
}
