"""SRT over a network that loses packets, and callers that come in numbers."""

import asyncio
import os
import threading
from collections.abc import Callable
from itertools import cycle, pairwise
from pathlib import Path

import pytest

from media.packets import TrackKind
from media.srt.caller import Caller, CallFailed
from tests.lossy import LossyProxy
from tests.media.srt.door import door, entry, transport_stream, until

pytestmark = pytest.mark.services

LATENCY_MS = 200
PASSPHRASE = "correct horse battery"


def send_in_real_time(caller: Caller, stream: bytes, mbps: float) -> None:
    """Seven transport packets at a time, evenly."""
    pause = threading.Event()
    for at in range(0, len(stream), 1316 * 4):
        caller.send(stream[at : at + 1316 * 4])
        pause.wait(1316 * 4 * 8 / mbps / 1e6)


async def test_nearly_all_that_is_lost_comes_again_and_nothing_is_out_of_order(redis_url: str) -> None:
    stream = transport_stream(seconds=6, kbps=4000)
    async with door(redis_url, entry("alice", "key_alice"), latency_ms=LATENCY_MS) as srt:
        with LossyProxy(srt.port, loss=0.05, delay_s=0.010) as proxy:
            caller = await asyncio.to_thread(
                Caller.connect, "127.0.0.1", proxy.port, streamid="key_alice", latency_ms=LATENCY_MS
            )
            proxy.is_lossy = True
            await asyncio.to_thread(send_in_real_time, caller, stream, 6.0)
            await until(lambda: srt.sessions.opened[0].networks, "measured")
            await asyncio.sleep(1.2)  # the next sample has all of it
            network = srt.sessions.opened[0].networks[-1]
            proxy.is_lossy = False
            caller.close()
            only = srt.sessions.opened[0]
            await until(lambda: only.is_lost is not None, "the goodbye")
    assert network.lost_packets > 60
    assert network.dropped_packets <= 0.02 * network.lost_packets
    assert network.recovered_packets >= 0.98 * network.lost_packets - network.dropped_packets
    assert 15 < network.rtt_ms < 200
    # One lost packet costs one access unit of each track at most.
    assert only.count(TrackKind.VIDEO) >= 6 * 30 - network.dropped_packets - 1
    stamps = [packet.dts for packet in only.packets if packet.kind is TrackKind.VIDEO]
    assert all(after > before for before, after in pairwise(stamps))


def open_things() -> tuple[int, int]:
    """Open files (sockets among them) and threads of this process."""
    return len(os.listdir("/proc/self/fd")), len(list(Path("/proc/self/task").iterdir()))


async def test_two_hundred_bad_attempts_leave_nothing_behind(redis_url: str) -> None:
    bad = [("wrong", ""), ("#!::x", ""), ("key_bob", "not the passphrase"), ("key_bob", ""), ("#!::r=no,m=request", "")]
    async with door(redis_url, entry("alice", "key_alice"), entry("bob", "key_bob", PASSPHRASE)) as srt:
        good = await asyncio.to_thread(Caller.connect, "127.0.0.1", srt.port, streamid="key_alice")
        stop = threading.Event()
        keep_alive = asyncio.create_task(asyncio.to_thread(keep_sending, good, stop))
        await asyncio.to_thread(attempt, srt.port, bad * 2)  # what is made once and stays
        await until(settled(), "libsrt has let go of the first")
        before, tasks = open_things(), len(asyncio.all_tasks())
        await asyncio.to_thread(attempt, srt.port, bad * 40)
        await until(lambda: open_things()[1] <= before[1], f"threads are back at {before[1]}")
        await until(lambda: open_things()[0] <= before[0], f"files are back at {before[0]}")
        assert len(asyncio.all_tasks()) <= tasks
        assert srt.server.connections == 1
        assert not srt.server.closed
        stop.set()
        await keep_alive
        assert sum(srt.server.rejected.values()) >= 120  # the others were libsrt's own to turn away
        good.close()


def attempt(port: int, callers: list[tuple[str, str]]) -> None:
    for streamid, passphrase in callers:
        with pytest.raises(CallFailed):
            Caller.connect("127.0.0.1", port, streamid=streamid, passphrase=passphrase)


def keep_sending(caller: Caller, stop: threading.Event) -> None:
    stream = transport_stream()
    for at in cycle(range(0, len(stream) - 8 * 1316, 8 * 1316)):
        caller.send(stream[at : at + 8 * 1316])
        if stop.wait(0.1):
            return


def settled() -> Callable[[], bool]:
    """Say yes when the number of threads has not changed for a while."""
    seen: list[tuple[int, int]] = []

    def is_settled() -> bool:
        seen.append(open_things())
        return len(seen) > 60 and len(set(seen[-60:])) == 1

    return is_settled
