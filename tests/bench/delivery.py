"""Delivery per CPU-second of one web process: playlists, parts, and blocked reloads woken by one part.

Real processes on loopback: an origin, a Valkey, the public port with aiohttp behind it, and this load generator,
which keeps one request in flight on each connection, as players do.
"""

import json
import re
import resource
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import redis

from config.embedded import EmbeddedValkey
from schemas.ids import ChannelId, NodeId, SessionId
from schemas.ingest import LiveEntry
from tests.bench.processes import cpu_s, rss_mb, table
from tests.web.hls.origin_app import registry_writes

CONNECTIONS = 64
RUN_S = 5.0
WARM_S = 0.5
WAITERS = 3_000
ROUNDS = 5
DEADLINE_S = 30.0
HEADERS = (
    "Host: tallylight.example:8080\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/141.0.0.0 Safari/537.36\r\n"
    "Accept: */*\r\nAccept-Language: en-GB,en;q=0.9\r\n"
    "Referer: http://tallylight.example:8080/demo\r\nCookie: viewer=abcdefghijkl\r\n"
)
GZIP = "Accept-Encoding: gzip, deflate, br\r\n"


class Delivery:
    """The processes of one measurement."""

    def __init__(self, port: int, pid: int) -> None:
        self.port = port
        self.pid = pid

    def counters(self) -> str:
        """Return what the process counts."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/counters", timeout=DEADLINE_S) as answer:
            return str(answer.read().decode())

    def loop_s(self) -> float:
        """Return the CPU-seconds of the main thread, to the microsecond: a fan-out takes few ticks of `cpu_s`."""
        return int(Path(f"/proc/{self.pid}/schedstat").read_text().split()[0]) / 1e9

    def waiters(self) -> int:
        """Return how many requests wait."""
        found = re.search(r"^tally_hls_waiters (\d+)", self.counters(), re.MULTILINE)
        assert found is not None
        return int(found.group(1))


def main() -> None:
    """Print the tables."""
    _allow_sockets()
    with _valkey() as redis_url, _origin() as origin_url:
        _register(redis_url, origin_url)
        with _delivery(redis_url) as delivery:
            rows = [
                _steady(delivery, "plain playlist, 3 KB", "video.m3u8", "", "50,000"),
                _steady(delivery, "the same, gzip", "video.m3u8", GZIP, "50,000"),
                _steady(delivery, "the same, with a tag that is old", "video.m3u8", 'If-None-Match: "x"\r\n', ""),
                _steady(delivery, "directed playlist, 3 KB", "video.m3u8?_HLS_msn=9&_HLS_part=1", "", "50,000"),
                _steady(delivery, "part, 60 KB", "video-9-1.m4s", "", "25,000"),
            ]
            print(table(f"Delivery: {CONNECTIONS} connections", ("answer", "per CPU-s", "target", "per s"), rows))
            fan_out = [_fan_out(delivery, origin_url, number) for number in range(ROUNDS)]
            header = (
                "blocked reloads",
                "at the origin",
                "CPU us to block",
                "CPU us to wake",
                "both",
                "first ms",
                "last ms",
            )
            print(table("Delivery: one part wakes them (target: 1 at the origin, 30 us per waiter)", header, fan_out))
            print(f"RSS of the web process: {rss_mb(delivery.pid):.0f} MB")


def _steady(delivery: Delivery, name: str, file: str, headers: str, target: str) -> tuple[str, ...]:
    """Ask for one thing on all connections, in rounds, and count what the server's CPU made of it."""
    request = f"GET /hls/bench/s1/{file} HTTP/1.1\r\n{HEADERS}{headers}\r\n".encode()
    connections = [_connect(delivery.port) for _ in range(CONNECTIONS)]
    buffer = bytearray(1 << 17)
    for connection in connections:
        connection.sendall(request)
        _take_answer(connection)
    _run(connections, request, buffer, WARM_S)
    before = cpu_s(delivery.pid)
    count, elapsed = _run(connections, request, buffer, RUN_S)
    used = cpu_s(delivery.pid) - before
    for connection in connections:
        connection.close()
    return name, f"{count / used:,.0f}", target, f"{count / elapsed:,.0f}"


def _run(connections: list[socket.socket], request: bytes, buffer: bytearray, duration_s: float) -> tuple[int, float]:
    """Keep one request in flight on each connection. The size of an answer may change by its Age line only."""
    started = time.monotonic()
    count = 0
    view = memoryview(buffer)
    while time.monotonic() - started < duration_s:
        for connection in connections:
            connection.sendall(request)
        for connection in connections:
            size = connection.recv_into(buffer)
            end = buffer.find(b"\r\n\r\n", 0, size)
            start = buffer.find(b"Content-Length: ", 0, end)
            assert buffer.startswith(b"HTTP/1.1 200"), bytes(view[:200])
            left = end + 4 + int(buffer[start + 16 : buffer.find(b"\r", start)]) - size
            while left > 0:
                left -= connection.recv_into(buffer)
            assert left == 0
        count += len(connections)
    return count, time.monotonic() - started


def _fan_out(delivery: Delivery, origin_url: str, number: int) -> tuple[str, ...]:
    """Block many reloads of the next position on connections that are open already, publish the part, read all."""
    connections = [_connect(delivery.port) for _ in range(WAITERS)]
    warm = f"GET /hls/bench/s1/video.m3u8 HTTP/1.1\r\n{HEADERS}\r\n".encode()
    for connection in connections:
        connection.sendall(warm)
        newest = re.search(rb"#NEWEST:(\d+)\.(\d+)", _take_answer(connection))
    assert newest is not None
    msn, part = (int(field) for field in newest.groups())
    query = f"_HLS_msn={msn}&_HLS_part={part + 1}"  # past the end is part 0 of the next segment
    request = f"GET /hls/bench/s1/video.m3u8?{query} HTTP/1.1\r\n{HEADERS}\r\n".encode()
    before = delivery.loop_s()
    for connection in connections:
        connection.sendall(request)
    deadline = time.monotonic() + DEADLINE_S
    while delivery.waiters() < WAITERS:
        assert time.monotonic() < deadline, "not everyone is blocked"
        time.sleep(0.05)
    blocked = delivery.loop_s()
    order = urllib.request.Request(f"{origin_url}/control/advance/s1", method="POST")
    released = time.monotonic()
    with urllib.request.urlopen(order, timeout=DEADLINE_S):
        answers = [_take_answer(connections[0])]
    first_ms = (time.monotonic() - released) * 1000
    answers += [_take_answer(connection) for connection in connections[1:]]
    last_ms = (time.monotonic() - released) * 1000
    done = delivery.loop_s()
    assert len({answer.partition(b"\r\n\r\n")[2] for answer in answers}) == 1, "they did not all get the same"
    with urllib.request.urlopen(f"{origin_url}/control/requests", timeout=DEADLINE_S) as answer:
        asked = json.load(answer)[f"/s1/video.m3u8?{query}"]
    for connection in connections:
        connection.close()
    to_block, to_wake = ((after - start) / WAITERS * 1e6 for start, after in ((before, blocked), (blocked, done)))
    name = f"{WAITERS:,} (round {number + 1})"
    sums = f"{to_block:.1f}", f"{to_wake:.1f}", f"{to_block + to_wake:.1f}"
    return name, str(asked), *sums, f"{first_ms:.0f}", f"{last_ms:.0f}"


def _take_answer(connection: socket.socket) -> bytes:
    """Read one whole answer."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(1 << 17)
        assert more, f"closed after {data!r}"
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    length = re.search(rb"Content-Length: (\d+)", head)
    assert length is not None
    while len(body) < int(length.group(1)):
        body += connection.recv(1 << 17)
    return head + b"\r\n\r\n" + body


def _connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _allow_sockets() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, WAITERS * 3)), hard))


@contextmanager
def _valkey() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="tally-b-", dir="/tmp") as name:
        server = EmbeddedValkey(Path(name) / "data", Path(name), durable=False)
        server.start()
        try:
            yield server.url
        finally:
            server.stop()


@contextmanager
def _origin() -> Iterator[str]:
    with _process("tests.web.hls.origin_app") as (_, line):
        yield line


@contextmanager
def _delivery(redis_url: str) -> Iterator[Delivery]:
    with _process("tests.bench.delivery_process", redis_url) as (pid, line):
        yield Delivery(int(line), pid)


@contextmanager
def _process(module: str, *arguments: str) -> Iterator[tuple[int, str]]:
    """Run a module that prints one line when it is ready, and give its pid and the line."""
    process = subprocess.Popen([sys.executable, "-m", module, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        assert line, f"{module} did not start"
        yield process.pid, line
    finally:
        process.terminate()
        process.communicate()


def _register(redis_url: str, origin_url: str) -> None:
    entry = LiveEntry(
        channel_id=ChannelId("c1"),
        channel_name="bench",
        session_id=SessionId("s1"),
        node_id=NodeId("n1"),
        origin_url=origin_url,
        started_at_ms=0,
    )
    with redis.Redis.from_url(redis_url) as client:
        for key, value in registry_writes(entry, msgspec.json.encode(entry)).items():
            client.set(key, value)


if __name__ == "__main__":
    main()
