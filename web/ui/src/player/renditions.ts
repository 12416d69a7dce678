/** Which rendition plays: the viewer's choice, kept through new starts and through what hls.js does by itself. */

import type { Feed } from './feed';
import { PENALTY_MS } from './config';
import type { Whereabouts } from './place';
import { pickQuality, qualitiesOf, type Quality, type QualityChoice } from './quality';

/** With more than this ahead a change of quality throws away what is buffered; below, that would stall the picture. */
const DEEP_BUFFER_S = 6;

export class Renditions {
  private choice: QualityChoice = 'auto';
  private qualities: Quality[] = [];
  private penaltyTimer: ReturnType<typeof setTimeout> | null = null;

  constructor(
    private readonly feed: Feed,
    private readonly where: Whereabouts,
    private readonly onQualities: ((qualities: Quality[]) => void) | undefined,
  ) {}

  /** Play this one from the next part on, without a stall. */
  choose(choice: QualityChoice): void {
    this.choice = choice;
    this.apply();
  }

  /** What there is may have changed. */
  list(): void {
    this.qualities = qualitiesOf(this.feed.hls?.levels ?? []);
    this.onQualities?.(this.qualities);
    this.apply();
  }

  /** The name of the one that plays. */
  playing(): string | null {
    const index = this.feed.hls?.currentLevel;
    return this.qualities.find((quality) => quality.index === index)?.label ?? null;
  }

  /** hls.js leaves a chosen rendition that fails or has a gap, and goes on by itself: take the viewer back later. */
  applyLater(): void {
    if (this.choice === 'auto' || !this.feed.hls?.autoLevelEnabled || this.penaltyTimer !== null) return;
    this.penaltyTimer = setTimeout(() => {
      this.penaltyTimer = null;
      this.apply();
    }, PENALTY_MS);
  }

  stop(): void {
    if (this.penaltyTimer !== null) clearTimeout(this.penaltyTimer);
    this.penaltyTimer = null;
  }

  private apply(): void {
    const { hls } = this.feed;
    if (!hls || this.qualities.length === 0) return;
    const index = pickQuality(this.choice, this.qualities)?.index ?? -1;
    if (index === -1 ? hls.autoLevelEnabled : !hls.autoLevelEnabled && hls.loadLevel === index) return;
    if (index === -1 || this.where.bufferAhead() < DEEP_BUFFER_S) hls.loadLevel = index;
    else hls.nextLevel = index;
  }
}
