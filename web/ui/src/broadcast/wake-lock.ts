/** Keeps a phone's screen on while it sends: a locked phone stops its camera. */

export class WakeLock {
  private isWanted = false;
  private lock: WakeLockSentinel | null = null;

  hold(isWanted: boolean): void {
    if (isWanted === this.isWanted) return;
    this.isWanted = isWanted;
    if (isWanted) document.addEventListener('visibilitychange', this.renew);
    else document.removeEventListener('visibilitychange', this.renew);
    void this.take();
  }

  /** Browsers take it back when the page is hidden. */
  private readonly renew = () => void this.take();

  private async take(): Promise<void> {
    if (!this.isWanted) {
      await this.lock?.release();
      this.lock = null;
    } else if (document.visibilityState === 'visible') {
      // A low battery may refuse it: the stream runs all the same.
      this.lock = (await navigator.wakeLock?.request('screen').catch(() => null)) ?? null;
    }
  }
}
