import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Still } from '../../src/player/still';

let frame: HTMLElement;
let video: HTMLVideoElement;
let still: Still;
const drawn = vi.fn();
const canvases = () => frame.querySelectorAll('canvas');

beforeEach(() => {
  vi.useFakeTimers();
  drawn.mockClear();
  vi.spyOn(HTMLCanvasElement.prototype, 'getContext').mockReturnValue({ drawImage: drawn } as never);
  frame = document.createElement('section');
  video = document.createElement('video');
  frame.append(video);
  Object.defineProperty(video, 'videoWidth', { value: 1280, configurable: true });
  Object.defineProperty(video, 'videoHeight', { value: 720 });
  still = new Still(video);
});

describe('a still', () => {
  it('covers the video with its last picture until the next one plays', () => {
    still.hold();
    const [canvas] = canvases();
    expect([canvas!.width, canvas!.height, canvas!.previousSibling, canvas!.getAttribute('aria-hidden')]).toEqual([1280, 720, video, 'true']);
    expect(drawn).toHaveBeenCalledWith(video, 0, 0);
    video.dispatchEvent(new Event('playing'));
    expect(canvases()).toHaveLength(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('waits for the frame where the browser tells of frames', () => {
    let present: () => void = () => undefined;
    Object.assign(video, { requestVideoFrameCallback: (callback: () => void) => ((present = callback), 1) });
    still.hold();
    video.dispatchEvent(new Event('playing'));
    expect(canvases()).toHaveLength(1);
    present();
    expect(canvases()).toHaveLength(0);
  });

  it('is one, and not for ever', () => {
    still.hold();
    still.hold();
    expect(canvases()).toHaveLength(1);
    vi.advanceTimersByTime(6000);
    expect(canvases()).toHaveLength(0);
  });

  it('is not of a picture that there is not', () => {
    Object.defineProperty(video, 'videoWidth', { value: 0 });
    still.hold();
    expect(canvases()).toHaveLength(0);
  });
});
