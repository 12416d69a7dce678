/** Whether the viewer wants it to play, and how the browser is brought to do so: it may want a click, or no sound. */

import type { PlayerEvent } from './state';

export class PlayWish {
  isPaused = false;
  private isOver = false;

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly onEvent: (event: PlayerEvent) => void,
  ) {}

  pause(): void {
    this.isPaused = true;
    this.video.pause();
    this.onEvent({ type: 'pause' });
  }

  /** Play, unless the viewer has paused. `byViewer`: he asks for it now. */
  async try(byViewer: boolean): Promise<void> {
    if (this.isPaused) return this.onEvent({ type: 'pause' });
    try {
      await this.video.play();
    } catch (error) {
      if (this.isOver || !(error instanceof DOMException) || error.name !== 'NotAllowedError') return;
      if (this.video.muted || byViewer) return this.onEvent({ type: 'blocked' });
      this.video.muted = true;
      this.onEvent({ type: 'muted-by-browser' });
      await this.try(false);
    }
  }

  /** The player is taken down: what the browser still answers is nothing to anybody. */
  forget(): void {
    this.isOver = true;
  }
}
