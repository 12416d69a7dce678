import { fireEvent, render, screen } from '@testing-library/react';
import { expect, it, vi } from 'vitest';
import { copyText } from '../../src/ui/copy';
import { ErrorBoundary } from '../../src/ui/ErrorBoundary';

it('keeps a broken part from taking the page with it, and lets it try again', () => {
  vi.spyOn(console, 'error').mockImplementation(() => undefined); // React tells of each caught error
  let isBroken = true;
  function Part() {
    if (isBroken) throw new Error('secret internals');
    return <p>works</p>;
  }
  render(<><p>rest</p><ErrorBoundary><Part /></ErrorBoundary></>);
  expect(screen.getByText('rest')).toBeTruthy();
  expect(screen.getByRole('alert').textContent).not.toContain('secret internals');
  isBroken = false;
  fireEvent.click(screen.getByRole('button', { name: 'Try again' }));
  expect(screen.getByText('works')).toBeTruthy();
});

it('forgets the trouble of one page on the next', () => {
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const Broken = (): never => {
    throw new Error('broken');
  };
  const view = render(<ErrorBoundary resetKey="/a"><Broken /></ErrorBoundary>);
  expect(screen.getByRole('alert')).toBeTruthy();
  view.rerender(<ErrorBoundary resetKey="/b"><p>next</p></ErrorBoundary>);
  expect(screen.getByText('next')).toBeTruthy();
});

it('copies on plain http, where there is no clipboard API', async () => {
  let selected = '';
  document.execCommand = vi.fn(() => {
    selected = document.querySelector('textarea')!.value;
    return true;
  });
  expect(await copyText('rtmp://host/live')).toBe(true);
  expect(selected).toBe('rtmp://host/live');
  expect(document.querySelector('textarea')).toBeNull();
});

it('says when copying is not allowed at all', async () => {
  document.execCommand = vi.fn(() => false);
  expect(await copyText('x')).toBe(false);
});
