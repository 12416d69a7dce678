"""Many sockets that read: `python -m tests.bench.chat_crowd PORT COUNT KIND CHANNEL`, KIND `chat`, `ws` or `socket.io`.

Prints `ready` once all are open. For every line on its input it prints, as JSON, what came since the last one: bytes of
the socket that got the fewest and the most, messages of one socket, and percentiles of the time from `sent:NANOSECONDS`
in a message to its reading (of every tenth socket).
"""

import json
import os
import re
import selectors
import socket
import sys
import time

SAMPLED = 10
BUFFER = 1 << 18
DEADLINE_S = 60.0
SENT = re.compile(rb"sent:(\d+)")
HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
PATHS = {
    "chat": "/ws/chat",
    "chat batch": "/ws/chat?batch=1",
    "ws": "/",
    "socket.io": "/socket.io/?EIO=4&transport=websocket",
}


def frame(opcode: int, payload: bytes) -> bytes:
    """Return a client's frame, masked with zeros."""
    assert len(payload) < 126
    return bytes((0x80 | opcode, 0x80 | len(payload))) + bytes(4) + payload


class Reader:
    """One open socket."""

    def __init__(self, connection: socket.socket, *, is_sampled: bool) -> None:
        self.connection = connection
        self.is_sampled = is_sampled
        self.size = 0
        self.count = 0
        self.delays_ms: list[float] = []

    def read(self, view: memoryview) -> None:
        """Take what is there."""
        size = self.connection.recv_into(view)
        assert size, "the server closed a socket"
        self.size += size
        if size == 2:
            self.size -= 2  # a ping, perhaps
            self.connection.send(frame(0xA, b""))
        if self.is_sampled:
            now = time.monotonic_ns()
            for sent in SENT.findall(view[:size]):
                self.count += 1
                self.delays_ms.append((now - int(sent)) / 1e6)


def connect(port: int, kind: str, channel: str) -> socket.socket:
    """Open a socket and have it follow the channel."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)
    connection.sendall(HANDSHAKE.format(path=PATHS[kind]).encode())
    answer = connection.recv(4096)
    assert b"101" in answer.split(b"\r\n", 1)[0], answer
    if kind == "socket.io":
        if answer.endswith(b"\r\n\r\n"):
            connection.recv(4096)
        connection.sendall(frame(1, b"40"))
        connection.recv(4096)
    elif kind != "ws":
        connection.sendall(frame(1, json.dumps({"type": "join", "channelId": channel}).encode()))
        assert b'"joined"' in connection.recv(4096)
    connection.setblocking(False)
    return connection


def report(readers: list[Reader]) -> dict[str, float]:
    """Return what came, and begin anew."""
    sizes = [reader.size for reader in readers]
    delays = sorted(delay for reader in readers for delay in reader.delays_ms)
    counts = [reader.count for reader in readers if reader.is_sampled]
    for reader in readers:
        reader.size = reader.count = 0
        reader.delays_ms.clear()
    if not delays:
        return {"least": min(sizes), "most": max(sizes), "count": 0, "p50": 0.0, "p99": 0.0}
    p50, p99 = delays[len(delays) // 2], delays[int(len(delays) * 0.99)]
    return {"least": min(sizes), "most": max(sizes), "count": min(counts), "p50": p50, "p99": p99}


def main() -> None:
    """Read until the input ends."""
    port, count, kind, channel = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
    selector = selectors.EpollSelector()
    readers = []
    for number in range(count):
        reader = Reader(connect(port, kind, channel), is_sampled=number % SAMPLED == 0)
        readers.append(reader)
        selector.register(reader.connection, selectors.EVENT_READ, reader)
    selector.register(sys.stdin.fileno(), selectors.EVENT_READ, None)
    print("ready", flush=True)
    view = memoryview(bytearray(BUFFER))
    while True:
        for key, _ in selector.select():
            if key.data is not None:
                key.data.read(view)
            elif not os.read(sys.stdin.fileno(), 64):
                return
            else:
                print(json.dumps(report(readers)), flush=True)


if __name__ == "__main__":
    main()
