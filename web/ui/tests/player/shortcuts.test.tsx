import { fireEvent, render } from '@testing-library/react';
import { expect, it, vi } from 'vitest';
import { useShortcuts } from '../../src/player/useShortcuts';

const act = vi.fn();
function Page({ isOn = true }: { isOn?: boolean }) {
  useShortcuts([{ keys: [' ', 'k'], label: 'k', what: '', act: () => act('play') }, { keys: ['ArrowUp'], label: '', what: '', act: () => act('up') }], isOn);
  return (
    <>
      <input aria-label="text" />
      <input type="range" aria-label="slider" />
      <button type="button">press</button>
    </>
  );
}
const press = (target: Element | Document, key: string, more: object = {}) => {
  act.mockClear();
  fireEvent.keyDown(target, { key, ...more });
  return act.mock.calls.map(([what]) => what as string);
};

it('hears the page’s keys, but not those meant for a control', () => {
  const { getByLabelText, getByRole, rerender, unmount } = render(<Page />);
  expect(press(document.body, 'k')).toEqual(['play']);
  expect(press(document.body, 'K')).toEqual(['play']);
  expect(press(document.body, ' ')).toEqual(['play']);
  expect(press(document.body, 'k', { ctrlKey: true })).toEqual([]);
  expect(press(document.body, 'x')).toEqual([]);
  expect(press(getByLabelText('text'), 'k')).toEqual([]);
  expect(press(getByRole('button'), ' ')).toEqual([]);
  expect(press(getByRole('button'), 'k')).toEqual(['play']);
  expect(press(getByLabelText('slider'), 'ArrowUp')).toEqual([]);
  expect(press(getByLabelText('slider'), 'k')).toEqual(['play']);
  rerender(<Page isOn={false} />);
  expect(press(document.body, 'k')).toEqual([]);
  rerender(<Page />);
  unmount();
  expect(press(document.body, 'k')).toEqual([]);
});
