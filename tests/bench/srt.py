"""What SRT costs and what it mends: CPU by thread of a 6 Mb/s publisher, and a network that loses 5 %."""

import asyncio
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from config.embedded import EmbeddedValkey
from media.packets import CodecConfig, Packet
from media.srt.caller import Caller
from media.ts.demux import Demuxer
from tests.bench.processes import table
from tests.lossy import LossyProxy
from tests.media.srt.door import Door, door, entry, transport_stream

KBPS = 5_800
PICTURE = "size=640x360:rate=30,noise=alls=60:allf=t"
"""Noise fills the bitrate."""
SECONDS = 20
SETTLE_S, WINDOW_S = 2.0, 6.0
"""Together less than `NO_MEDIA_S`: without a demuxer there is no media."""
TARGET = "1.3"
CASES = ((0.0, 0.010, 200), (0.05, 0.010, 200), (0.05, 0.010, 120), (0.05, 0.040, 400))


def main() -> None:
    """Print both tables."""
    with tempfile.TemporaryDirectory(prefix="tally-b-", dir="/tmp") as name:
        redis = EmbeddedValkey(Path(name) / "valkey", Path(name), durable=False)
        redis.start()
        try:
            asyncio.run(_run(redis.url, Path(name) / "stream.ts"))
        finally:
            redis.stop()


async def _run(redis_url: str, source: Path) -> None:
    stream = transport_stream(seconds=SECONDS, kbps=KBPS, picture=PICTURE)
    source.write_bytes(stream)
    mbit = len(stream) * 8 / 1e6
    rows = [await _cost(redis_url, source, passphrase) for passphrase in ("", "correct horse battery")]
    began = time.process_time()
    demuxed = _demux(stream)
    used = time.process_time() - began
    rows.append(("reading the transport stream", f"{used / SECONDS * 100:.2f}", "", "", f"{demuxed} packets"))
    title = f"SRT: one publisher of {mbit / SECONDS:.1f} Mb/s, % of a core"
    print(table(title, ("part", "% of a core", "target", "libsrt's threads", "ours"), rows))
    losses = [await _loss(redis_url, stream, *case) for case in CASES]
    header = ("loss each way, delay, latency", "lost", "not recovered", "recovered %", "target", "damaged units")
    print(table("SRT over a bad network", header, losses))


def _demux(stream: bytes) -> int:
    demuxer, count = Demuxer(), 0
    for at in range(0, len(stream), 1316 * 6):
        count += len(demuxer.receive_data(stream[at : at + 1316 * 6]))
    return count


def _send(caller: Caller, stream: bytes) -> None:
    """A picture's worth at a time, in real time, from a thread whose cost is not counted."""
    step = 1316 * 18
    began, pause = time.monotonic(), threading.Event()
    for number, at in enumerate(range(0, len(stream), step), 1):
        caller.send(stream[at : at + step])
        pause.wait(max(began + number * step * SECONDS / len(stream) - time.monotonic(), 0))


def _threads() -> dict[int, tuple[str, float]]:
    """CPU-seconds of every thread of this process, to the nanosecond."""
    found = {}
    for task in Path("/proc/self/task").iterdir():
        try:
            name, used = (task / "comm").read_text().strip(), int((task / "schedstat").read_text().split()[0]) / 1e9
        except OSError:  # it has ended
            continue
        found[int(task.name)] = (name, used)
    return found


async def _cost(redis_url: str, source: Path, passphrase: str) -> tuple[str, ...]:
    """Measure the receiving end; the sender is another process."""
    async with door(redis_url, entry("alice", "key_alice", passphrase), latency_ms=200) as made:
        restore = _without_demuxer()
        sender = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _SENDER, str(made.port), passphrase, str(source)
        )
        while not made.sessions.opened:
            await asyncio.sleep(0.05)
        await asyncio.sleep(SETTLE_S)
        before, since = _threads(), time.monotonic()
        await asyncio.sleep(WINDOW_S)
        after, passed = _threads(), time.monotonic() - since
        sender.terminate()
        await sender.wait()
        restore()
    parts = {True: 0.0, False: 0.0}  # whether the thread is libsrt's
    for thread, (thread_name, used) in after.items():
        parts[thread_name.startswith("SRT")] += used - before.get(thread, ("", 0.0))[1]
    theirs, ours = (parts[is_theirs] / passed * 100 for is_theirs in (True, False))
    name = "encrypted, without the demuxer" if passphrase else "without the demuxer"
    return name, f"{theirs + ours:.2f}", TARGET, f"{theirs:.2f}", f"{ours:.2f}"


_SENDER = """
import sys
from pathlib import Path
from media.srt.caller import Caller
from tests.bench.srt import _send
stream = Path(sys.argv[3]).read_bytes()
caller = Caller.connect("127.0.0.1", int(sys.argv[1]), streamid="key_alice", passphrase=sys.argv[2])
_send(caller, stream)
"""


def _without_demuxer() -> Callable[[], None]:
    """Let the bytes come as far as the demuxer and no further."""
    whole = Demuxer.receive_data

    def nothing(self: Demuxer, data: bytes) -> list[CodecConfig | Packet]:
        return []

    setattr(Demuxer, "receive_data", nothing)  # noqa: B010 -- mypy knows that it is a method
    return partial(setattr, Demuxer, "receive_data", whole)


async def _loss(redis_url: str, stream: bytes, loss: float, delay_s: float, latency_ms: int) -> tuple[str, ...]:
    async with door(redis_url, entry("alice", "key_alice"), latency_ms=latency_ms) as made:
        with LossyProxy(made.port, loss=loss, delay_s=delay_s) as proxy:
            caller = await asyncio.to_thread(
                Caller.connect, "127.0.0.1", proxy.port, streamid="key_alice", latency_ms=latency_ms
            )
            proxy.is_lossy = True
            await asyncio.to_thread(_send, caller, stream)
            await asyncio.sleep(1.2)
            network = made.sessions.opened[0].networks[-1]
            damaged = _damaged(made)
            caller.close()
    share = f"{100 * (1 - network.dropped_packets / network.lost_packets):.1f}" if network.lost_packets else ""
    case = f"{loss:.0%}, {delay_s * 1000:g} ms, {latency_ms} ms"
    return case, str(network.lost_packets), str(network.dropped_packets), share, "98" if loss else "", damaged


def _damaged(made: Door) -> str:
    publishers: dict[int, Any] = made.server._publishers
    return str(sum(each._demuxer.counts.damaged_units for each in publishers.values()))


if __name__ == "__main__":
    main()
