"""The parent's link to a child that works, and to children that do what they should not."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from config import processes
from media.packets import CodecConfig, Packet, TrackKind
from media.transcode.admission import Admission
from media.transcode.messages import AudioJob, Begin
from media.transcode.rungs import Rung, Source
from media.transcode.transcoder import Deadlines, Transcoder

pytestmark = pytest.mark.services

CHILD = Path(__file__).with_name("strange_child.py")
RUNGS = [Rung("720p", 1280, 720, 30.0, 3_000_000), Rung("360p", 640, 360, 30.0, 800_000)]
BEGIN = Begin(RUNGS, None, "libx264", "veryfast")
VIDEO = CodecConfig(TrackKind.VIDEO, "avc1", b"avcC", 1920, 1080)
SOUND = CodecConfig(TrackKind.AUDIO, "Opus", b"dOps", sample_rate=48_000, channels=2)
FRAME = 3000
QUICK = Deadlines(
    ready_s=5.0, progress_s=0.4, finish_s=0.4, first_pause_s=0.05, longest_pause_s=0.2, falls=3, look_s=0.05
)
WAIT_S = 15.0


class Heard:
    """An outlet that writes down."""

    def __init__(self) -> None:
        self.packets: dict[str, list[Packet]] = {}
        self.configs: list[str] = []
        self.lost: list[tuple[str, str, bool]] = []

    def rung_config(self, name: str, config: CodecConfig) -> None:
        self.configs.append(name)

    def rung_packets(self, name: str, packets: list[Packet]) -> None:
        assert name in self.configs
        self.packets.setdefault(name, []).extend(packets)

    def rung_lost(self, name: str, reason: str, *, for_ever: bool) -> None:
        self.lost.append((name, reason, for_ever))


class Feed:
    """A stream of 30 frames a second with a keyframe every ten."""

    def __init__(self, transcoder: Transcoder, size: int = 200) -> None:
        self.number = 0
        self._transcoder, self._size = transcoder, size

    def frames(self, count: int) -> None:
        for _ in range(count):
            stamp = self.number * FRAME
            packet = Packet(TrackKind.VIDEO, stamp, stamp, self.number % 10 == 0, bytes(self._size))
            self._transcoder.feed(packet, is_boundary=packet.is_keyframe)
            self.number += 1

    async def until(self, holds: Callable[[], bool], *, count: int = 1, pause_s: float = 0.01) -> None:
        """Feed on until this holds."""
        async with asyncio.timeout(WAIT_S):
            while not holds():
                self.frames(count)
                await asyncio.sleep(pause_s)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not holds():
            await asyncio.sleep(0.01)


def command(kind: str) -> list[str]:
    return [sys.executable, str(CHILD), kind]


@asynccontextmanager
async def running(
    kind: str, begin: Begin = BEGIN, deadlines: Deadlines = QUICK, memory_bytes: int = 1_500_000_000
) -> AsyncIterator[tuple[Transcoder, Heard, Feed, "asyncio.Task[None]"]]:
    heard = Heard()
    transcoder = Transcoder(begin, heard, command=command(kind), deadlines=deadlines, memory_bytes=memory_bytes)
    transcoder.feed_config(VIDEO)
    task = asyncio.create_task(transcoder.run())
    pids: set[int] = set()
    feed = Feed(transcoder)
    try:
        yield transcoder, heard, feed, task
    finally:
        pids.add(transcoder.pid or 0)
        task.cancel()
        await asyncio.wait({task}, timeout=WAIT_S)
        assert task.done()
        assert transcoder.pid is None
        assert not any(processes.is_alive(pid) for pid in pids - {0})


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The strange child imports `media` though it lies elsewhere; none may see what ingest knows."""
    monkeypatch.setenv("TALLY_SECRET", "not for children")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))


def stamps(heard: Heard, name: str) -> list[int]:
    return [packet.pts for packet in heard.packets.get(name, [])]


async def test_what_a_child_makes_comes_back_in_order_with_nothing_lost() -> None:
    async with running("works") as (transcoder, heard, feed, _):
        feed.frames(60)
        await until(lambda: len(stamps(heard, "360p")) == 60)
        assert stamps(heard, "720p") == stamps(heard, "360p") == [number * FRAME for number in range(60)]
        assert heard.configs == ["720p", "360p"]
        assert [packet.is_keyframe for packet in heard.packets["720p"]][:11] == [True] + [False] * 9 + [True]
        rungs, child = transcoder.health()
        assert [(one.name, one.state, one.lag_ms, one.dropped_frames) for one in rungs] == [
            ("720p", "running", 0, 3),
            ("360p", "running", 0, 3),
        ]
        assert rungs[0].bitrate_bps == 30 * 200 * 8
        assert (child.restarts, child.dropped_packets) == (0, 0)
        assert child.memory_bytes > 5_000_000
        assert b"TALLY_SECRET" not in Path(f"/proc/{transcoder.pid}/environ").read_bytes()
        assert heard.lost == []
        # The kernel counts in hundredths of a second, which a child that makes nothing of 60 frames may not need.
        await feed.until(lambda: transcoder.health()[1].cores > 0, count=20)


async def test_lag_is_told_against_the_source() -> None:
    async with running("is slow") as (transcoder, _, feed, _):
        feed.frames(30)
        await until(lambda: transcoder.health()[0][0].state == "running")
        assert 300 < transcoder.health()[0][0].lag_ms < 1000


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("crashes", "the transcoder was ended by SIGSEGV"),
        ("exits", "the transcoder ended with exit code 3: out of luck"),
        ("hangs", "the transcoder made no progress for 0.4 s"),
        ("talks nonsense", "the transcoder sent a message that cannot be read"),
        ("talks at length", "the transcoder sent a message of 1073741824 bytes"),
        ("invents a rung", "the transcoder sent something of '4320p', which it does not make"),
        ("forgets its configuration", "the transcoder sent something of 'audio', which it does not make"),
    ],
)
async def test_a_child_that_falls_takes_its_rungs_along_and_another_brings_them_back(kind: str, reason: str) -> None:
    async with running(kind) as (transcoder, heard, feed, _):
        feed.frames(25)
        await until(lambda: len(heard.lost) == 2)
        assert [(name, for_ever) for name, _, for_ever in heard.lost] == [("720p", False), ("360p", False)]
        assert heard.lost[0][1].startswith(reason)
        assert {one.state for one in transcoder.health()[0]} == {"lost"}
        made = len(stamps(heard, "720p"))
        await feed.until(lambda: len(stamps(heard, "720p")) > made)
        assert transcoder.restarts >= 1
        assert heard.packets["720p"][made].is_keyframe
        assert heard.configs[-2:] == ["720p", "360p"]  # configured again, without being told again


async def test_a_killed_child_is_gone_and_its_successor_goes_on_from_a_keyframe() -> None:
    async with running("works") as (transcoder, heard, feed, _):
        feed.frames(15)
        await until(lambda: len(stamps(heard, "720p")) == 15)
        assert transcoder.pid is not None
        os.kill(transcoder.pid, 9)
        await until(lambda: len(heard.lost) == 2)
        assert heard.lost[0][1] == "the transcoder was ended by SIGKILL"
        await feed.until(lambda: len(stamps(heard, "720p")) > 15)
        assert heard.packets["720p"][15].is_keyframe
        assert stamps(heard, "720p") == sorted(set(stamps(heard, "720p")))


async def test_a_child_that_is_never_ready_is_ended() -> None:
    deadlines = Deadlines(ready_s=0.5, first_pause_s=0.05, look_s=0.05)
    async with running("is never ready", deadlines=deadlines) as (_, heard, feed, _):
        feed.frames(5)
        await until(lambda: len(heard.lost) == 2)
        assert heard.lost[0][1] == "the transcoder was not ready after 0.5 s"


async def test_a_child_that_hoards_memory_is_ended_and_reported() -> None:
    deadlines = Deadlines(first_pause_s=0.05, look_s=0.05)
    async with running("hoards", deadlines=deadlines, memory_bytes=150_000_000) as (_, heard, feed, _):
        feed.frames(15)
        await until(lambda: len(heard.lost) == 2)
        assert "MB of memory, more than 150" in heard.lost[0][1]


async def test_a_child_that_is_not_fed_is_not_ended() -> None:
    async with running("works") as (transcoder, heard, feed, _):
        feed.frames(15)
        await until(lambda: len(stamps(heard, "360p")) == 15)
        await asyncio.sleep(3 * QUICK.progress_s)
        assert transcoder.restarts == 0
        assert heard.lost == []


async def test_after_too_many_falls_the_rungs_are_given_up() -> None:
    async with running("exits") as (transcoder, heard, feed, task):
        await feed.until(task.done)
        assert [for_ever for _, _, for_ever in heard.lost] == [False] * 4 + [True] * 2
        assert {one.state for one in transcoder.health()[0]} == {"lost"}
        before = transcoder.dropped_packets
        feed.frames(10)
        assert transcoder.dropped_packets == before + 10


async def test_a_child_that_cannot_be_started_is_given_up() -> None:
    heard = Heard()
    transcoder = Transcoder(BEGIN, heard, command=["/nowhere/at/all"], deadlines=QUICK)
    async with asyncio.timeout(WAIT_S):
        await transcoder.run()
    assert heard.lost[-1] == ("360p", "the transcoder ended with exit code 127", True)


async def test_a_slow_child_loses_up_to_a_keyframe_and_the_source_never_waits() -> None:
    deadlines = Deadlines(look_s=0.05)
    async with running("is slow", deadlines=deadlines) as (transcoder, heard, feed, _):
        await feed.until(lambda: len(stamps(heard, "720p")) > 5)
        feed.frames(300)  # ten seconds of media at once
        assert transcoder.dropped_packets > 150
        behind = feed.number * FRAME
        await feed.until(lambda: any(stamp >= behind for stamp in stamps(heard, "720p")), count=1, pause_s=0.1)
        made = stamps(heard, "720p")
        holes = [at for at in range(1, len(made)) if made[at] - made[at - 1] > FRAME]
        assert holes
        assert all(heard.packets["720p"][at].is_keyframe for at in holes)
        assert heard.lost == []


async def test_a_child_that_does_not_read_costs_bounded_memory() -> None:
    async with running("hangs", deadlines=Deadlines(progress_s=30, look_s=0.05)) as (transcoder, _, _, _):
        feed = Feed(transcoder, size=1 << 20)
        await feed.until(lambda: transcoder.health()[0][0].state == "running")
        feed.frames(100)
        assert transcoder.dropped_packets > 50
        assert transcoder._child is not None
        assert transcoder._child.waiting_bytes <= 34 << 20


async def test_a_stream_of_which_nothing_can_be_decoded_does_not_block_what_follows() -> None:
    async with running("decodes nothing", deadlines=Deadlines(look_s=0.05)) as (transcoder, heard, feed, _):
        feed.frames(150)
        await until(lambda: transcoder._is_ready)
        feed.frames(60)
        dropped = transcoder.dropped_packets
        assert dropped > 0
        await until(lambda: transcoder._backlog.behind_s == 0)
        feed.frames(20)
        assert transcoder.dropped_packets < dropped + 20
        assert heard.lost == []


async def test_after_a_break_a_child_gets_a_keyframe_first() -> None:
    async with running("works") as (transcoder, heard, feed, _):
        feed.frames(13)
        transcoder.break_()
        feed.frames(10)
        await until(lambda: len(stamps(heard, "720p")) == 16)
        assert stamps(heard, "720p") == [number * FRAME for number in (*range(13), 20, 21, 22)]
        assert transcoder.dropped_packets == 7


async def test_an_orderly_end_gives_out_all_that_was_fed() -> None:
    async with running("works", deadlines=Deadlines(look_s=0.05, finish_s=15)) as (transcoder, heard, feed, task):
        feed.frames(40)
        transcoder.finish()
        feed.frames(5)  # too late
        async with asyncio.timeout(WAIT_S):
            await task
        assert stamps(heard, "360p") == [number * FRAME for number in range(40)]
        assert heard.lost == []


async def test_a_child_that_does_not_finish_is_killed_in_time() -> None:
    async with running("does not finish") as (transcoder, heard, feed, task):
        feed.frames(10)
        await until(lambda: len(stamps(heard, "360p")) == 10)
        pid = transcoder.pid
        assert pid is not None
        transcoder.finish()
        began = asyncio.get_running_loop().time()
        async with asyncio.timeout(WAIT_S):
            await task
        assert asyncio.get_running_loop().time() - began < 2
        assert not processes.is_alive(pid)


async def test_a_finish_between_two_children_ends_at_once() -> None:
    deadlines = Deadlines(first_pause_s=60, look_s=0.05)
    async with running("exits", deadlines=deadlines) as (transcoder, heard, feed, task):
        feed.frames(15)
        await until(lambda: len(heard.lost) == 2)
        transcoder.finish()
        async with asyncio.timeout(1):
            await task


async def test_cancelling_leaves_nothing_behind() -> None:
    for moment_s in (0.0, 0.005, 0.02, 0.05, 0.2):
        before = _children()
        async with running("works") as (_, _, feed, task):
            feed.frames(10)
            await asyncio.sleep(moment_s)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert _children() <= before


PARENT = """
import asyncio, sys
from tests.media.transcode.test_transcoder import BEGIN, VIDEO, Feed, Heard, Transcoder, command

async def main():
    transcoder = Transcoder(BEGIN, Heard(), command=command("hangs"))
    transcoder.feed_config(VIDEO)
    life = asyncio.create_task(transcoder.run())
    Feed(transcoder).frames(20)
    while transcoder.health()[0][0].state != "running":
        await asyncio.sleep(0.01)
    print(transcoder.pid, flush=True)
    await life

asyncio.run(main())
"""


async def test_a_killed_parent_takes_a_hanging_child_along() -> None:
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", PARENT, stdout=asyncio.subprocess.PIPE)
    try:
        assert parent.stdout is not None
        async with asyncio.timeout(WAIT_S):
            pid = int(await parent.stdout.readline())
        assert processes.is_alive(pid)
    finally:
        parent.kill()
        await parent.communicate()
    await until(lambda: not processes.is_alive(pid))


async def test_a_shed_rung_is_lost_for_ever_and_does_not_come_back_with_another_child() -> None:
    async with running("sheds") as (transcoder, heard, feed, _):
        feed.frames(20)
        await until(lambda: len(heard.lost) == 1)
        assert heard.lost == [("720p", "the machine was too slow for all rungs", True)]
        await until(lambda: len(stamps(heard, "360p")) == 20)
        assert [one.state for one in transcoder.health()[0]] == ["shed", "running"]
        assert transcoder.pid is not None
        os.kill(transcoder.pid, 9)
        await until(lambda: len(heard.lost) == 2)
        heard.configs.clear()
        await feed.until(lambda: len(stamps(heard, "360p")) > 20)
        assert heard.configs == ["360p"]


async def test_the_log_of_a_child_is_bounded(capfd: pytest.CaptureFixture[str]) -> None:
    async with running("chatters") as (_, heard, feed, _):
        feed.frames(30)
        await until(lambda: len(stamps(heard, "360p")) == 30)
        await asyncio.sleep(0.1)
    shown = capfd.readouterr().err
    assert "line 0\n" in shown
    assert "line 199\n" not in shown
    assert "150 lines of a transcoder are not shown" in shown


async def test_another_encoder_than_was_asked_for_is_told() -> None:
    with capture_logs() as lines:
        async with running("uses another encoder") as (transcoder, heard, feed, _):
            feed.frames(5)
            await until(lambda: len(stamps(heard, "360p")) == 5)
            assert transcoder.health()[1].encoder == "h264_nvenc"
    assert [line["event"] for line in lines].count("encoder not able") == 1


async def test_only_what_is_made_is_given() -> None:
    async with running("works", begin=Begin([], AudioJob(48_000, 2, 128_000), "libx264", "veryfast")) as (
        transcoder,
        _,
        feed,
        _,
    ):
        feed.frames(10)
        assert transcoder._written == 0
        transcoder.feed_config(SOUND)
        transcoder.feed(Packet(TrackKind.AUDIO, 960, 960, True, b"x"))
        assert transcoder._written == 1
    async with running("works") as (transcoder, _, _, _):
        transcoder.feed(Packet(TrackKind.AUDIO, 960, 960, True, b"x"))
        assert transcoder._written == 0


async def test_a_fault_of_ours_comes_out_of_run() -> None:
    async with running("works") as (_, heard, feed, task):
        heard.rung_packets = _fail  # type: ignore[method-assign]
        feed.frames(10)
        with pytest.raises(ZeroDivisionError):
            async with asyncio.timeout(WAIT_S):
                await task


async def test_the_lease_learns_the_cost_and_ends_with_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("media.transcode.transcoder.SETTLED_S", 0.1)
    admission = Admission(2.0, capacity=0.75)
    lease = admission.admit(Source("avc1", 1920, 1080, 30.0, 0), RUNGS, "libx264", "veryfast")
    assert [refusal.rung.name for refusal in lease.refused] == ["720p"]
    transcoder = Transcoder(
        Begin(lease.rungs, None, "libx264", "veryfast"), Heard(), lease=lease, command=command("works"), deadlines=QUICK
    )
    transcoder.feed_config(VIDEO)
    task = asyncio.create_task(transcoder.run())
    estimate = admission.used
    await Feed(transcoder).until(
        lambda: admission.used > estimate
    )  # this child says that it takes a core for each packet
    shown = transcoder.health()[0]
    assert [(one.name, one.state) for one in shown] == [("720p", "refused"), ("360p", "running")]
    assert "TALLY_TRANSCODE_CORES" in shown[0].reason
    transcoder.finish()
    async with asyncio.timeout(WAIT_S):
        await task
    assert admission.used == 0


def _fail(name: str, packets: list[Packet]) -> None:
    raise ZeroDivisionError


def _children() -> set[int]:
    """The processes that this one has started and that run."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return {int(pid) for pid in children if processes.is_alive(int(pid))}
