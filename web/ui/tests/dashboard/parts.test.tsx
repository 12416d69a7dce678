import { fireEvent, render, screen } from '@testing-library/react';
import { useState } from 'react';
import { describe, expect, it } from 'vitest';
import { tidyLadder, wayOf } from '../../src/dashboard/LadderField';
import { axisTop, Plot, plotPath } from '../../src/dashboard/Plot';
import { addTags, TagInput } from '../../src/dashboard/TagInput';

describe('addTags', () => {
  it('splits, trims, drops repetitions and stops at ten', () => {
    expect(addTags(['a'], ' b , c,,A')).toEqual(['a', 'b', 'c']);
    expect(addTags([], 'x'.repeat(40))).toEqual(['x'.repeat(25)]);
    expect(addTags(Array.from({ length: 9 }, (_, n) => `t${n}`), 'y,z')).toHaveLength(10);
  });
});

it('edits tags by keyboard', () => {
  function Page() {
    const [tags, setTags] = useState<string[]>(['one']);
    return <><TagInput tags={tags} onChange={setTags} /><output>{tags.join('|')}</output></>;
  }
  render(<Page />);
  const input = screen.getByLabelText('Tags');
  fireEvent.change(input, { target: { value: 'two' } });
  fireEvent.keyDown(input, { key: 'Enter' });
  expect(screen.getByRole('status').textContent).toBe('one|two');
  fireEvent.change(input, { target: { value: 'three' } });
  fireEvent.blur(input);
  expect(screen.getByRole('status').textContent).toBe('one|two|three');
  fireEvent.keyDown(input, { key: 'Backspace' });
  expect(screen.getByRole('status').textContent).toBe('one|two');
  fireEvent.click(screen.getByRole('button', { name: 'Remove one' }));
  expect(screen.getByRole('status').textContent).toBe('two');
});

describe('plot', () => {
  it('keeps the newest at the right edge and the values between the axes', () => {
    expect(plotPath([0, 115], 3, 230)).toBe('M120.0 44.0L240.0 22.0');
    expect(plotPath([], 3, 1)).toBe('');
    expect(plotPath([0, 0], 2, 10)).toBe('M0.0 44.0L240.0 44.0');
  });

  it.each([[5_600_000, 1e6, 7.5e6], [1_400_000, 1e6, 1.5e6], [8_000_000, 1e6, 1e7], [59.9, 50, 75], [30, 50, 50], [0, 10, 10], [1000, 1, 1000]])('ends the axis of %d (at least %d) at %d', (highest, least, top) => {
    expect(axisTop(highest, least)).toBe(top);
  });

  it('says its figures in words', () => {
    render(<Plot name="Jitter" values={[4, 40, 7]} slots={60} least={100} format={(ms) => `${ms} ms`} since="2 min" />);
    expect(screen.getByRole('img', { name: 'Jitter: now 7 ms, between 4 ms and 40 ms in the last 2 min' })).toBeTruthy();
    expect(screen.getByText('100 ms')).toBeTruthy();
  });

  it('says that there are none yet', () => {
    render(<Plot name="Jitter" values={[]} slots={60} least={100} format={String} since="2 min" />);
    expect(screen.getByRole('img', { name: 'Jitter: no figures yet' })).toBeTruthy();
  });
});

describe('ladder choice', () => {
  it('is written as the server takes it', () => {
    expect(['720p, 480P', ' 720p 480p ', 'auto', 'off', null, ' ', '720p,,480p,'].map(tidyLadder)).toEqual(['720p,480p', '720p,480p', 'auto', 'off', null, null, '720p,480p']);
    expect([null, 'auto', 'off', '720p', ''].map(wayOf)).toEqual(['instance', 'auto', 'off', 'names', 'names']);
  });
});
