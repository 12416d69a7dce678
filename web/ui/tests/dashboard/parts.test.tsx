import { fireEvent, render, screen } from '@testing-library/react';
import { useState } from 'react';
import { describe, expect, it } from 'vitest';
import { sparkPath } from '../../src/dashboard/Sparkline';
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

describe('sparkPath', () => {
  it('keeps the newest at the right edge and the highest below the top', () => {
    expect(sparkPath([0, 115], 3)).toBe('M120.0 44.0L240.0 5.7');
    expect(sparkPath([], 3)).toBe('');
    expect(sparkPath([0, 0], 2)).toBe('M0.0 44.0L240.0 44.0');
  });
});
