import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { ServerMessage } from '../../src/api/types';
import { ChannelSocket, CONNECT_WITHIN_MS, PING_EVERY_MS, PONG_WITHIN_MS, socketUrl, type SocketStatus } from '../../src/socket/socket';
import { joinedAs, said } from './events';
import { FakeSocket } from './fake-socket';

const joined = joinedAs();

let heard: ServerMessage[];
let statuses: SocketStatus[];
/** The numbers of what was said. */
const places = () => heard.flatMap((message) => (message.type === 'message' ? [message.seq] : []));

function connect(): ChannelSocket {
  const socket = new ChannelSocket({ url: 'ws://host/ws/chat', channelId: 'c1', random: () => 1 });
  socket.listen({ onMessage: (message) => heard.push(message), onStatus: (status) => statuses.push(status) });
  return socket;
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
    expect(FakeSocket.last.sent).toEqual([{ type: 'join', channelId: 'c1', lastSeq: 0, epoch: 'e1' }]);
  });

  it('goes on behind the last event that it heard', () => {
    connect();
    FakeSocket.last.open();
    FakeSocket.last.say(joinedAs({ lastSeq: 4 }));
    FakeSocket.last.say(JSON.stringify([said(5), said(6)]));
    FakeSocket.last.drop();
    vi.advanceTimersByTime(1000);
    FakeSocket.last.open();
    expect(FakeSocket.last.sent).toEqual([{ type: 'join', channelId: 'c1', lastSeq: 6, epoch: 'e1' }]);
    FakeSocket.last.say(joinedAs({ lastSeq: 6, isResumed: true }));
    FakeSocket.last.say(JSON.stringify([said(6), said(7)]));
    expect(places()).toEqual([5, 6, 7]);
  });

  it('starts anew where a reset says, also when numbers are lower there', () => {
    connect();
    FakeSocket.last.open();
    FakeSocket.last.say(joinedAs({ lastSeq: 900 }));
    FakeSocket.last.say({ type: 'reset', channelId: 'c1', epoch: 'e2', lastSeq: 40 });
    FakeSocket.last.say(said(41, { epoch: 'e2' }));
    expect(places()).toEqual([41]);
    FakeSocket.last.drop();
    vi.advanceTimersByTime(1000);
    FakeSocket.last.open();
    expect(FakeSocket.last.sent).toEqual([{ type: 'join', channelId: 'c1', lastSeq: 41, epoch: 'e2' }]);
  });

  it('takes an acknowledgement for no event, whatever its number', () => {
    connect();
    FakeSocket.last.open();
    FakeSocket.last.say(joinedAs({ lastSeq: 4 }));
    FakeSocket.last.say({ type: 'ack', channelId: 'c1', idempotencyKey: 'k', messageId: 'm6', seq: 6, epoch: 'e1' });
    FakeSocket.last.say(JSON.stringify([said(5), said(6)]));
    expect(places()).toEqual([5, 6]);
  });

  it('reads frames that hold several events, up to a goodbye', () => {
    connect();
    FakeSocket.last.open();
    FakeSocket.last.say(JSON.stringify([joined, said(1), 7, { type: 'reconnect', afterMs: 50 }, said(2)]));
    expect(heard.map(({ type }) => type)).toEqual(['joined', 'message', 'reconnect']);
  });

  it('tells who listens late what there is, by joining again where it is', () => {
    const socket = connect();
    FakeSocket.last.open();
    FakeSocket.last.say(joinedAs({ lastSeq: 4 }));
    const late: ServerMessage[] = [];
    const stop = socket.listen({ onMessage: (message) => late.push(message) });
    expect(FakeSocket.last.sent.at(-1)).toEqual({ type: 'join', channelId: 'c1', lastSeq: 4, epoch: 'e1' });
    FakeSocket.last.say(joinedAs({ lastSeq: 4, isResumed: true }));
    expect(late).toHaveLength(1);
    stop();
    FakeSocket.last.say(said(5));
    expect(late).toHaveLength(1);
    expect(places()).toEqual([5]);
  });

  it('sends once it is joined, and not before', () => {
    const socket = connect();
    FakeSocket.last.open();
    expect(socket.send({ type: 'ping' })).toBe(false);
    FakeSocket.last.say(joined);
    expect(socket.send({ type: 'ping' })).toBe(true);
    FakeSocket.last.drop();
    expect(socket.send({ type: 'ping' })).toBe(false);
  });

  it('joins with the token of a shared address', () => {
    new ChannelSocket({ url: 'ws://host/ws/chat', channelId: 'c1', key: 'shared' });
    FakeSocket.last.open();
    expect(FakeSocket.last.sent).toEqual([{ type: 'join', channelId: 'c1', key: 'shared' }]);
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

  it('comes back as nobody when a session has ended', () => {
    connect();
    FakeSocket.last.open();
    FakeSocket.last.say(joined);
    FakeSocket.last.drop(4001);
    vi.advanceTimersByTime(1000);
    expect(FakeSocket.made).toHaveLength(2);
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
  expect(socketUrl({ protocol: 'https:', host: 'tv.example' } as Location)).toBe('wss://tv.example/ws/chat?batch=1');
  expect(socketUrl({ protocol: 'http:', host: 'localhost:8080' } as Location)).toBe('ws://localhost:8080/ws/chat?batch=1');
});
