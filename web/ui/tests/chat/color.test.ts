import { expect, it } from 'vitest';
import { contrastOf, readable } from '../../src/chat/color';

it.each(['#000000', '#FFFFFF', '#0000FF', '#FF0000', '#FFFF00', '#1E90FF', '#2E2E2E', '#00FF7F', '#808080'])('%s can be read on both grounds', (color) => {
  const { onDark, onLight } = readable(color);
  expect(contrastOf(onDark, '#1d2026')).toBeGreaterThanOrEqual(4.5);
  expect(contrastOf(onLight, '#ebe9e4')).toBeGreaterThanOrEqual(4.5);
});

it('leaves a colour alone that can be read as it is', () => {
  expect(readable('#5ccb8f').onDark).toBe('#5ccb8f');
  expect(readable('#16744a').onLight).toBe('#16744a');
});

it('keeps the hue', () => {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(readable('#000080').onDark.slice(at, at + 2), 16)) as [number, number, number];
  expect(blue).toBeGreaterThan(red);
  expect(red).toBe(green);
});

it('takes the text’s colour for what is none', () => {
  for (const color of ['', 'red', '#12345', 'url(x)']) expect(readable(color)).toEqual({ onDark: 'var(--text)', onLight: 'var(--text)' });
});
