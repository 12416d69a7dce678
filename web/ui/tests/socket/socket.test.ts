import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { ServerMessage } from '../../src/api/types';
import { ChannelSocket, CONNECT_WITHIN_MS, PING_EVERY_MS, PONG_WITHIN_MS, socketUrl, type SocketStatus } from '../../src/socket/socket';
import { joinedAs } from './events';
import { FakeSocket } from './fake-socket';

const joined = joinedAs();

let heard: ServerMessage[];
let statuses: SocketStatus[];

function connect(): ChannelSocket {
  return new ChannelSocket({
    url: 'ws://host/ws/chat',
    channelId: 'c1',
    random: () => 1,
    onMessage: (message) => heard.push(message),
    onStatus: (status) => statuses.push(status),
  });
}

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.install();
  heard = [];
  statuses = [];
});

describe('ChannelSocket', () => {
  it('joins as soon as it is open', () => {
    connect();
    expect(FakeSocket.last.sent).toEqual([]);
    FakeSocket.last.open();
    expect(FakeSocket.last.sent).toEqual([{ type: 'join', channelId: 'c1' }]);
    FakeSocket.last.say(joined);
    expect(heard).toEqual([joined]);
    expect(statuses).toEqual(['connecting', 'open']);
  });

  it('comes back after a loss and joins again, so that the state is fresh', () => {
    connect();
    FakeSocket.last.open();
    FakeSocket.last.say(joined);
    FakeSocket.last.drop();
    expect(statuses.at(-1)).toBe('waiting');
    vi.advanceTimersByTime(1000);
    expect(FakeSocket.made).toHaveLength(2);
    FakeSocket.last.open();
    expect(FakeSocket.last.sent).toEqual([{ type: 'join', channelId: 'c1' }]);
  });

  it('waits twice as long after each failure, at most 30 s', () => {
    connect();
    for (const waitMs of [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]) {
      const count = FakeSocket.made.length;
      FakeSocket.last.drop();
      vi.advanceTimersByTime(waitMs - 1);
      expect(FakeSocket.made).toHaveLength(count);
      vi.advanceTimersByTime(1);
      expect(FakeSocket.made).toHaveLength(count + 1);
    }
  });

  it('does not take an open socket for a healthy server: only "joined" resets the wait', () => {
    connect();
    FakeSocket.last.open();
    FakeSocket.last.drop();
    vi.advanceTimersByTime(1000);
    FakeSocket.last.open();
    FakeSocket.last.say({ type: 'pong' });
    FakeSocket.last.drop();
    vi.advanceTimersByTime(1999);
    expect(FakeSocket.made).toHaveLength(2);
    vi.advanceTimersByTime(1);
    FakeSocket.last.open();
    FakeSocket.last.say(joined);
    FakeSocket.last.drop();
    vi.advanceTimersByTime(1000);
    expect(FakeSocket.made).toHaveLength(4);
  });

  it('never reconnects after close()', () => {
    const socket = connect();
    FakeSocket.last.open();
    socket.close();
    expect(FakeSocket.last.sent.at(-1)).toEqual({ type: 'leave', channelId: 'c1' });
    expect(FakeSocket.last.closedWith).toBe(1000);
    vi.advanceTimersByTime(120_000);
    expect(FakeSocket.made).toHaveLength(1);
    expect(statuses.at(-1)).toBe('closed');
    FakeSocket.last.say(joined);
    expect(heard).toEqual([]);
  });

  it('closes a socket that is still connecting, without sending into it', () => {
    const socket = connect();
    socket.close();
    FakeSocket.last.open();
    expect(FakeSocket.last.sent).toEqual([]);
    expect(FakeSocket.last.closedWith).toBe(1000);
    vi.advanceTimersByTime(120_000);
    expect(FakeSocket.made).toHaveLength(1);
  });

  it('stops waiting when it is closed while it waits', () => {
    const socket = connect();
    FakeSocket.last.drop();
    socket.close();
    vi.advanceTimersByTime(120_000);
    expect(FakeSocket.made).toHaveLength(1);
  });

  it('stays away after 4001', () => {
    connect();
    FakeSocket.last.open();
    FakeSocket.last.drop(4001);
    vi.advanceTimersByTime(120_000);
    expect(FakeSocket.made).toHaveLength(1);
    expect(statuses.at(-1)).toBe('refused');
  });

  it('pings every 25 s and gives up a server that does not answer', () => {
    connect();
    FakeSocket.last.open();
    vi.advanceTimersByTime(PING_EVERY_MS);
    expect(FakeSocket.last.sent.at(-1)).toEqual({ type: 'ping' });
    FakeSocket.last.say({ type: 'pong' });
    vi.advanceTimersByTime(PING_EVERY_MS);
    expect(FakeSocket.last.sent.filter((message) => (message as { type: string }).type === 'ping')).toHaveLength(2);
    const silent = FakeSocket.last;
    vi.advanceTimersByTime(PONG_WITHIN_MS);
    expect(silent.closedWith).toBe(1000);
    expect(statuses.at(-1)).toBe('waiting');
    vi.advanceTimersByTime(1000);
    expect(FakeSocket.made).toHaveLength(2);
  });

  it('gives up a connection that never opens', () => {
    connect();
    vi.advanceTimersByTime(CONNECT_WITHIN_MS);
    expect(statuses.at(-1)).toBe('waiting');
    vi.advanceTimersByTime(1000);
    expect(FakeSocket.made).toHaveLength(2);
  });

  it('comes back when the server says, and once only', () => {
    connect();
    FakeSocket.last.open();
    FakeSocket.last.say(joined);
    FakeSocket.last.say({ type: 'reconnect', afterMs: 3500 });
    vi.advanceTimersByTime(3499);
    expect(FakeSocket.made).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(FakeSocket.made).toHaveLength(2);
    vi.advanceTimersByTime(5000);
    expect(FakeSocket.made).toHaveLength(2);
  });

  it.each(['', 'nonsense', 'null', '42', '{"no":"type"}', '[]'])('passes over a frame that is no message: %j', (frame) => {
    connect();
    FakeSocket.last.open();
    FakeSocket.last.say(frame);
    expect(heard).toEqual([]);
    expect(statuses.at(-1)).toBe('open');
  });
});

it('uses the scheme and host of the page', () => {
  expect(socketUrl({ protocol: 'https:', host: 'tv.example' } as Location)).toBe('wss://tv.example/ws/chat');
  expect(socketUrl({ protocol: 'http:', host: 'localhost:8080' } as Location)).toBe('ws://localhost:8080/ws/chat');
});
