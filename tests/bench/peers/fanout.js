// Sends every line of its input to all sockets: `node fanout.js ws|socket.io`; prints its port. No compression.
const http = require('node:http');
const readline = require('node:readline');

const server = http.createServer();
let send;
if (process.argv[2] === 'ws') {
  const { WebSocketServer, WebSocket } = require('ws');
  const sockets = new WebSocketServer({ server, perMessageDeflate: false });
  send = (line) => {
    for (const socket of sockets.clients) if (socket.readyState === WebSocket.OPEN) socket.send(line);
  };
} else {
  const { Server } = require('socket.io');
  const io = new Server(server, { transports: ['websocket'], pingInterval: 600000, perMessageDeflate: false });
  send = (line) => io.emit('message', line);
}
readline.createInterface({ input: process.stdin }).on('line', send).on('close', () => process.exit(0));
server.listen(0, '127.0.0.1', 4096, () => console.log(server.address().port));
