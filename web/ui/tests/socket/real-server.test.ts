// @vitest-environment node
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import WebSocket, { WebSocketServer } from 'ws';
import type { ServerMessage } from '../../src/api/types';
import { ChannelSocket } from '../../src/socket/socket';

let server: WebSocketServer;
let url: string;

beforeEach(async () => {
  vi.stubGlobal('WebSocket', WebSocket);
  server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await new Promise((resolve) => server.once('listening', resolve));
  url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/ws/chat`;
});

afterEach(async () => {
  for (const client of server.clients) client.terminate();
  await new Promise((resolve) => server.close(resolve));
});

it('joins, hears, loses the server, joins again, and leaves', async () => {
  const received: string[] = [];
  let connections = 0;
  server.on('connection', (peer) => {
    connections++;
    peer.on('message', (data) => {
      received.push(String(data));
      if (!String(data).includes('"join"')) return;
      peer.send(JSON.stringify({ type: 'joined', channelId: 'c1', isLive: true, sessionId: 's1', startedAt: null, viewerCount: connections }));
      if (connections === 1) peer.terminate();
    });
  });
  const heard: ServerMessage[] = [];
  const socket = new ChannelSocket({ url, channelId: 'c1', random: () => 0.01 });
  socket.listen({ onMessage: (message) => heard.push(message) });
  await vi.waitFor(() => expect(heard.some((message) => message.type === 'joined' && message.viewerCount === 2)).toBe(true));
  expect(connections).toBe(2);
  socket.close();
  await vi.waitFor(() => expect(received.at(-1)).toBe('{"type":"leave","channelId":"c1"}'));
  await vi.waitFor(() => expect(server.clients.size).toBe(0));
});

it('obeys a real close with 4001', async () => {
  server.on('connection', (peer) => peer.close(4001, 'Unauthorized'));
  const statuses: string[] = [];
  const socket = new ChannelSocket({ url, channelId: 'c1' });
  socket.listen({ onMessage: () => undefined, onStatus: (status) => statuses.push(status) });
  await vi.waitFor(() => expect(statuses.at(-1)).toBe('refused'));
  socket.close();
});
