import { fireEvent, render, screen } from '@testing-library/react';
import { beforeEach, expect, it, vi } from 'vitest';
import { expectAccessible } from '../axe';
import type { Axis } from '../../src/player/axis';
import { SeekBar } from '../../src/player/SeekBar';
import { formatDuration } from '../../src/format';

const seek = vi.fn();
const onAim = vi.fn();
const axis = (change: Partial<Axis> = {}): Axis => ({
  startS: 0, endS: 1000, valueS: 100, bufferedS: 130, isLive: false, isAtEdge: () => false, label: (atS) => formatDuration(atS * 1000), spoken: (atS) => `${atS} s`,
  mediaAt: (atS) => atS, ofMedia: (mediaS) => mediaS, seek, ...change,
});
const tiles = [0, 500].map((startS, index) => ({ startS, endS: startS + 500, url: 'http://x/sheet.jpg', x: index * 160, y: 0, width: 160, height: 90 }));

function show(change: Partial<Axis> = {}, marks: { atS: number; title: string }[] = []) {
  const view = render(<main><SeekBar axis={axis(change)} tiles={tiles} marks={marks} onAim={onAim} /></main>);
  const bar = screen.getByRole('slider', { name: 'Seek' });
  bar.getBoundingClientRect = () => ({ left: 100, width: 500 }) as DOMRect;
  return { ...view, bar };
}

beforeEach(() => {
  seek.mockClear();
  onAim.mockClear();
});

it('goes by ten seconds, a minute, and to the ends', () => {
  const { bar } = show();
  for (const key of ['ArrowLeft', 'ArrowRight', 'PageUp', 'Home', 'End']) fireEvent.keyDown(bar, { key });
  expect(seek.mock.calls.map(([to]) => to)).toEqual([90, 110, 160, 0, 1000]);
  fireEvent.keyDown(bar, { key: 'ArrowLeft', ctrlKey: true });
  fireEvent.keyDown(bar, { key: 'k' });
  expect(seek).toHaveBeenCalledTimes(5);
});

it('says where it is', async () => {
  const { bar } = show();
  expect(bar.getAttribute('aria-valuetext')).toBe('100 s');
  expect(bar.getAttribute('aria-valuemax')).toBe('1000');
  await expectAccessible();
});

it('shows what is under the pointer: its picture, time and chapter', () => {
  const { bar } = show({}, [{ atS: 0, title: 'Start' }, { atS: 700, title: 'After the break' }]);
  expect(screen.queryByTestId('seek-preview')).toBeNull();
  fireEvent.pointerEnter(bar);
  fireEvent.pointerMove(bar, { clientX: 500 });
  expect(onAim).toHaveBeenCalled();
  const preview = screen.getByTestId('seek-preview');
  expect(preview.textContent).toBe('After the break13:20');
  expect(preview.querySelector('svg')!.getAttribute('viewBox')).toBe('160 0 160 90');
  fireEvent.pointerLeave(bar);
  expect(screen.queryByTestId('seek-preview')).toBeNull();
});

it('seeks where it is let go, not where it is dragged over', () => {
  const { bar } = show();
  fireEvent.pointerDown(bar, { clientX: 200, button: 0 });
  fireEvent.pointerMove(bar, { clientX: 400 });
  expect(bar.getAttribute('aria-valuenow')).toBe('600');
  expect(seek).not.toHaveBeenCalled();
  fireEvent.pointerUp(bar, { clientX: 9999 });
  expect(seek.mock.calls).toEqual([[1000]]);
  fireEvent.pointerDown(bar, { clientX: 200, button: 2 });
  fireEvent.pointerUp(bar, { clientX: 200 });
  expect(seek).toHaveBeenCalledTimes(1);
});
