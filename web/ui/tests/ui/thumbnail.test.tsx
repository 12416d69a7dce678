import { act, render, screen } from '@testing-library/react';
import { beforeEach, expect, it, vi } from 'vitest';
import { Thumbnail } from '../../src/ui/Thumbnail';

class FakeImage {
  static made: FakeImage[] = [];
  onload: (() => void) | null = null;
  onerror: (() => void) | null = null;
  src = '';
  constructor() {
    FakeImage.made.push(this);
  }
  static get last() {
    return FakeImage.made.at(-1)!;
  }
}

let tellSight: (isIntersecting: boolean) => void;
const stopped = vi.fn();
const live = { name: 'demo', displayName: 'Demo', thumbnailUrl: '/hls/demo/thumbnail.jpg', isLive: true };
const shown = () => screen.queryByTestId('thumbnail')?.getAttribute('src') ?? null;
const arrives = () => act(() => FakeImage.last.onload?.());
const fails = () => act(() => FakeImage.last.onerror?.());
const later = (ms: number) => act(() => vi.advanceTimersByTime(ms));

beforeEach(() => {
  vi.useFakeTimers({ now: 1_700_000_000_000 });
  FakeImage.made = [];
  stopped.mockClear();
  vi.stubGlobal('Image', FakeImage);
  vi.stubGlobal('IntersectionObserver', class {
    constructor(tell: (entries: { isIntersecting: boolean }[]) => void) {
      tellSight = (isIntersecting) => tell([{ isIntersecting }]);
    }
    observe = () => undefined;
    disconnect = stopped;
  });
});

it('shows the test card until a picture has loaded, and keeps it until the next one has', () => {
  render(<Thumbnail channel={live} />);
  expect(shown()).toBeNull();
  expect(document.querySelector('.testcard')).toBeTruthy();
  arrives();
  expect(shown()).toBe('/hls/demo/thumbnail.jpg?t=170000000');
  later(10_000);
  expect(FakeImage.last.src).toBe('/hls/demo/thumbnail.jpg?t=170000001');
  expect(shown()).toBe('/hls/demo/thumbnail.jpg?t=170000000');
  arrives();
  expect(shown()).toBe('/hls/demo/thumbnail.jpg?t=170000001');
});

it('falls back to the test card where there is no picture, and finds the first one later', () => {
  render(<Thumbnail channel={live} />);
  fails();
  expect(shown()).toBeNull();
  later(10_000);
  arrives();
  expect(shown()).toContain('thumbnail.jpg');
  for (let miss = 0; miss < 3; miss++) {
    expect(shown()).toContain('thumbnail.jpg');
    later(10_000);
    fails();
  }
  expect(shown()).toBeNull();
});

it('asks for nothing while nobody can see it, and at once when it comes into sight', () => {
  render(<Thumbnail channel={live} />);
  tellSight(false);
  later(60_000);
  expect(FakeImage.made).toHaveLength(1);
  tellSight(true);
  expect(FakeImage.made).toHaveLength(2);
});

it('asks once for a channel that is off air, and never without an address', () => {
  const view = render(<Thumbnail channel={{ ...live, isLive: false }} />);
  later(60_000);
  expect(FakeImage.made).toHaveLength(1);
  view.rerender(<Thumbnail channel={{ ...live, thumbnailUrl: '' }} />);
  later(60_000);
  expect(FakeImage.made).toHaveLength(1);
});

it('is not put back by a picture that arrives after its successor, or after another channel has taken its place', () => {
  const view = render(<Thumbnail channel={live} />);
  const late = FakeImage.last;
  later(10_000);
  arrives();
  act(() => late.onload?.());
  expect(shown()).toContain('t=170000001');
  const last = FakeImage.last;
  view.rerender(<Thumbnail channel={{ ...live, thumbnailUrl: '/hls/other/thumbnail.jpg' }} />);
  act(() => last.onload?.());
  expect(shown()).toBeNull();
});

it('stops with its page', () => {
  const view = render(<Thumbnail channel={live} />);
  view.unmount();
  expect(stopped).toHaveBeenCalled();
  expect(vi.getTimerCount()).toBe(0);
});
