/** Jumps to the live picture that nobody asked for, after a slow start, a stall, or a time in the background. */

/** Not more often, so that on a poor line something is still seen between them. */
const JUMP_EVERY_MS = 10_000;

interface CatchUpActs {
  /** The viewer watches live, and is late. */
  isDue: () => boolean;
  goLive: () => void;
}

export class CatchUp {
  private jumpedAt = Number.NEGATIVE_INFINITY;
  private timer: ReturnType<typeof setTimeout> | null = null;

  constructor(private readonly acts: CatchUpActs) {}

  check(): void {
    if (!this.acts.isDue()) return;
    const now = performance.now();
    const waitMs = this.jumpedAt + JUMP_EVERY_MS - now;
    if (waitMs > 0) return this.checkIn(waitMs); // late again soon after a jump: nothing else would ever make up for it
    this.jumpedAt = now;
    this.acts.goLive();
  }

  stop(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }

  private checkIn(waitMs: number): void {
    this.timer ??= setTimeout(() => {
      this.timer = null;
      this.check();
    }, waitMs);
  }
}
