"""What a delivery to one socket costs: our event sockets beside `ws` and socket.io on Node, in the same run.

A delivery is one message to one socket. Loopback: the kernel's part (most of it) includes the way up to the reader.
Trust CPU and ratios; the crowd and the server share this machine's cores, which wall time shows. Who has not got all
1.5 s after the last message did not keep up.
"""

import asyncio
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from chat.entry import head_of_message
from chat.log.lines import Line
from chat.log.log import ChatLog
from config.embedded import EmbeddedValkey
from schemas.chat import Authored
from schemas.ids import ChannelId, UserId, make_id
from tests.bench.chat_process import recall
from tests.bench.processes import cpu_s, rss_mb, table

CHANNEL = ChannelId("bench")
USER = UserId("u1")
SOCKETS = 1_000
MANY = 4_000
RUN_S = 6.0
SETTLE_S = 1.5
DEADLINE_S = 120.0
PAYLOAD = 268
"""Bytes of one event as JSON, about."""
PEERS = Path(__file__).parent / "peers"
TOOLS = Path(__file__).parents[2] / ".tools" / "chat-peers"
Send = Callable[[], Awaitable[None]]


@dataclass
class Result:
    """One run: CPU of the server per delivery, and how late messages were."""

    name: str
    cpu_us: float
    p50_ms: float
    p99_ms: float
    is_complete: bool


@dataclass
class Cost:
    """What one socket costs a server that nobody writes to."""

    memory_kb: float
    cpu_us: float


@dataclass
class Server:
    """A server under measurement."""

    kind: str
    port: int
    pid: int
    send: Send


@dataclass
class Crowd:
    """The process with the readers."""

    process: subprocess.Popen[str]

    def report(self) -> dict[str, float]:
        """Return what came since the last report."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        found: dict[str, float] = json.loads(self.process.stdout.readline())
        return found


def main() -> None:
    """Print the tables."""
    _allow_files()
    asyncio.run(_measure())


async def _measure() -> None:
    modules = _install_peers()
    with _valkey() as url:
        rows = []
        async with _ours(url) as server:
            one, _ = await _run(server, "chat", SOCKETS, 10)
            rows += [
                one,
                (await _run(server, "chat batch", SOCKETS, 10))[0],
                (await _run(server, "chat", SOCKETS, 100))[0],
            ]
        async with _ours(url, tick_ms=50) as server:
            rows += [(await _run(server, "chat", SOCKETS, 100, "tick of 50 ms"))[0]]
            rows += [(await _run(server, "chat batch", SOCKETS, 100, "tick of 50 ms"))[0]]
        for kind in ("ws", "socket.io") if modules else ():
            async with _peer(kind, modules or Path()) as server:
                rows += [(await _run(server, kind, SOCKETS, rate))[0] for rate in (10, 100)]
        header = ("server, messages per s", "CPU us per delivery", "p50 ms", "p99 ms", "all got all")
        print(
            table(
                f"Chat fan-out: {SOCKETS} sockets (targets: 9 us at 10/s, 2.5 us at 100/s and 50 ms)",
                header,
                _cells(rows),
            )
        )
        async with _ours(url) as server:
            many, per_socket = await _run(server, "chat", MANY, 50)
            passes_ms = await asyncio.to_thread(_mean_pass_ms, server.port)
        print(table(f"Chat fan-out: {MANY} sockets (target: p99 100 ms)", header, _cells([many])))
        print(f"Mean pass over {MANY} sockets: {passes_ms:.0f} ms")
        print(f"One socket: {per_socket.memory_kb:.1f} KB (target 16), {per_socket.cpu_us:.0f} us to open and join")


def _mean_pass_ms(port: int) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/counters", timeout=DEADLINE_S) as answer:
        text = str(answer.read().decode())
    total, count = (
        float(found.group(1))
        for name in ("sum", "count")
        if (found := re.search(rf"^tally_chat_flush_seconds_{name} (\S+)", text, re.MULTILINE))
    )
    return total / count * 1000


def _cells(rows: list[Result]) -> list[tuple[str, ...]]:
    return [
        (row.name, f"{row.cpu_us:.2f}", f"{row.p50_ms:.1f}", f"{row.p99_ms:.1f}", "yes" if row.is_complete else "NO")
        for row in rows
    ]


async def _run(server: Server, kind: str, count: int, rate: int, note: str = "") -> tuple[Result, Cost]:
    """Have so many sockets read so many messages per second; also return what one socket is of memory and of CPU."""
    before_mb, before_s = rss_mb(server.pid), cpu_s(server.pid)
    with _crowd(server.port, count, kind) as crowd:
        await asyncio.sleep(SETTLE_S)
        one = Cost((rss_mb(server.pid) - before_mb) * 1024 / count, (cpu_s(server.pid) - before_s) * 1e6 / count)
        await _send_at(server, rate, 1.0)
        await asyncio.sleep(SETTLE_S)
        crowd.report()
        began = cpu_s(server.pid)
        sent = await _send_at(server, rate, RUN_S)
        await asyncio.sleep(SETTLE_S)
        used = cpu_s(server.pid) - began
        found = await asyncio.to_thread(crowd.report)
    is_complete = found["least"] == found["most"] > 0 and found["count"] == sent
    name = f"{kind}, {rate}" + (f", {note}" if note else "")
    return Result(name, used * 1e6 / (sent * count), found["p50"], found["p99"], is_complete), one


async def _send_at(server: Server, rate: int, duration_s: float) -> int:
    """Send evenly; what is late because the machine is busy is sent late, not left out."""
    loop = asyncio.get_running_loop()
    began, number = loop.time(), 0
    count = round(rate * duration_s)
    while number < count:
        await server.send()
        number += 1
        await asyncio.sleep(max(0.0, began + number / rate - loop.time()))
    return count


def _content() -> str:
    return f"sent:{time.monotonic_ns()} and some words that make this line about as long as people write them"


@asynccontextmanager
async def _ours(redis_url: str, tick_ms: int = 0) -> AsyncIterator[Server]:
    log = ChatLog(redis_url, recall, lambda subject, error: print(subject, repr(error), file=sys.stderr))
    running = asyncio.create_task(log.run())

    async def send() -> None:
        message = Authored(make_id(), CHANNEL, USER, "bench", "Bench", _content(), [], [], "#FFFFFF")
        await log.say(
            Line(
                channel=CHANNEL,
                user=USER,
                key=make_id(),
                id=message.id,
                head=head_of_message(message),
                digest="",
                characters=0,
                is_privileged=True,
                interval_ms=0,
                burst=1,
            )
        )

    try:
        with _process([sys.executable, "-m", "tests.bench.chat_process", redis_url, str(tick_ms)]) as (process, line):
            yield Server("chat", int(line), process.pid, send)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@asynccontextmanager
async def _peer(kind: str, modules: Path) -> AsyncIterator[Server]:
    environment = {**os.environ, "NODE_PATH": str(modules)}
    command = ["node", str(PEERS / "fanout.js"), kind]
    with _process(command, environment) as (process, line):
        assert process.stdin is not None
        into = process.stdin

        async def send() -> None:
            padded = {"type": "message", "content": _content()}
            padded["rest"] = "x" * (PAYLOAD - len(json.dumps(padded)) - 12)
            into.write(json.dumps(padded) + "\n")
            into.flush()

        yield Server(kind, int(line), process.pid, send)


@contextmanager
def _crowd(port: int, count: int, kind: str) -> Iterator[Crowd]:
    command = [sys.executable, "-m", "tests.bench.chat_crowd", str(port), str(count), kind, CHANNEL]
    with _process(command) as (process, line):
        assert line == "ready", line
        yield Crowd(process)


@contextmanager
def _process(
    command: list[str], environment: dict[str, str] | None = None
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a program and return the first line it prints."""
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


@contextmanager
def _valkey() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="tally-b-", dir="/tmp") as name:
        server = EmbeddedValkey(Path(name) / "data", Path(name), durable=False)
        server.start()
        try:
            yield server.url
        finally:
            server.stop()


def _install_peers() -> Path | None:
    """Install what is compared with, once; None (and a line that says so) where that can't be."""
    npm = shutil.which("npm")
    if npm is None:
        print("no Node.js here: only our own sockets are measured")
        return None
    TOOLS.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(PEERS / name, TOOLS / name)
    done = subprocess.run([npm, "ci", "--silent"], cwd=TOOLS, timeout=DEADLINE_S, check=False)
    if done.returncode:
        print("npm can't install the peers: only our own sockets are measured")
        return None
    return TOOLS / "node_modules"


def _allow_files() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    main()
