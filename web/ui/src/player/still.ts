/** The last picture, held over the <video> while another delivery takes it: a change without a black moment. */

/** Then what lies below, whatever it is, says more than an old picture. */
const HELD_AT_MOST_MS = 6000;

export class Still {
  private canvas: HTMLCanvasElement | null = null;
  private listening: AbortController | null = null;

  constructor(private readonly video: HTMLVideoElement) {}

  hold(): void {
    this.drop();
    const { videoWidth, videoHeight } = this.video;
    if (videoWidth === 0 || !this.video.parentElement) return; // there is no picture
    const canvas = document.createElement('canvas');
    Object.assign(canvas, { className: 'still', width: videoWidth, height: videoHeight });
    canvas.setAttribute('aria-hidden', 'true');
    canvas.getContext('2d')?.drawImage(this.video, 0, 0);
    this.video.after(canvas);
    this.canvas = canvas;
    this.dropLater();
  }

  drop(): void {
    this.listening?.abort();
    this.canvas?.remove();
    this.listening = this.canvas = null;
  }

  private dropLater(): void {
    const listening = (this.listening = new AbortController());
    const { signal } = listening;
    const drop = () => signal.aborted || this.drop();
    const timer = setTimeout(drop, HELD_AT_MOST_MS);
    signal.addEventListener('abort', () => clearTimeout(timer));
    const shown = () => (this.video.requestVideoFrameCallback ? void this.video.requestVideoFrameCallback(drop) : drop());
    this.video.addEventListener('playing', shown, { signal });
  }
}
