import { beforeEach, expect, it, vi } from 'vitest';
import { shareSocket } from '../../src/socket/shared';
import { FakeSocket } from './fake-socket';

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.install();
});

it('opens one socket for all who listen to a channel, and closes it with the last', () => {
  const one = shareSocket('c1');
  const other = shareSocket('c1');
  expect(other.socket).toBe(one.socket);
  expect(FakeSocket.made).toHaveLength(1);
  FakeSocket.last.open();
  one.release();
  one.release();
  expect(FakeSocket.last.closedWith).toBeUndefined();
  other.release();
  expect(FakeSocket.last.closedWith).toBe(1000);
});

it('opens a new one after that, and another for another channel or key', () => {
  shareSocket('c1').release();
  const releases = [shareSocket('c1'), shareSocket('c2'), shareSocket('c1', 'key')].map(({ release }) => release);
  expect(FakeSocket.made).toHaveLength(4);
  for (const release of releases) release();
});
