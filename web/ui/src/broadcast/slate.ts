/** The picture in the place of a camera that is off: the encoder goes on, and viewers see that this is meant. */

import { hueOf, initialOf } from '../format';

/** Enough for players to take it for a running stream. */
const PICTURES_PER_S = 10;

export class Slate {
  private readonly canvas = document.createElement('canvas');
  private readonly pen = this.canvas.getContext('2d');
  private readonly timer: ReturnType<typeof setInterval>;
  readonly track: MediaStreamTrack;

  constructor(private readonly name: string, width: number, height: number) {
    this.canvas.width = width;
    this.canvas.height = height;
    this.draw();
    this.track = this.canvas.captureStream(PICTURES_PER_S).getVideoTracks()[0]!;
    // A canvas gives pictures only when it is drawn on.
    this.timer = setInterval(() => this.draw(), 1000 / PICTURES_PER_S);
  }

  stop(): void {
    clearInterval(this.timer);
    this.track.stop();
  }

  private draw(): void {
    const { pen, canvas: { width, height } } = this;
    if (!pen) return;
    const unit = Math.min(width, height);
    pen.fillStyle = '#0d0e11';
    pen.fillRect(0, 0, width, height);
    pen.textAlign = 'center';
    pen.textBaseline = 'middle';
    pen.fillStyle = `oklch(0.42 0.085 ${hueOf(this.name)})`;
    pen.beginPath();
    pen.arc(width / 2, height / 2, unit * 0.16, 0, 2 * Math.PI);
    pen.fill();
    pen.fillStyle = `oklch(0.95 0.03 ${hueOf(this.name)})`;
    pen.font = `650 ${unit * 0.15}px system-ui, sans-serif`;
    pen.fillText(initialOf(this.name), width / 2, height / 2 + unit * 0.008);
    pen.fillStyle = '#9ba2af';
    pen.font = `${unit * 0.045}px system-ui, sans-serif`;
    pen.fillText('The camera is off', width / 2, height / 2 + unit * 0.27);
  }
}
