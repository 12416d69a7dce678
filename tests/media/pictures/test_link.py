"""The link with a real pictures process: what it takes, what comes back, and what happens when it falls."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from config import processes
from media.packets import CodecConfig, Packet
from media.pictures import child, link
from media.pictures.link import Pictures
from media.pictures.slates import SlateProfile, profile_of
from media.pictures.stream import StreamPictures
from media.spool import Spool
from schemas.ids import SessionId
from tests.media.pictures.material import ORANGE, TEAL, is_near, keyframe, seen

pytestmark = pytest.mark.services
DEADLINE_S = 20.0
FAST = (("preset", "veryfast"),)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    made = Spool(tmp_path / "spool")
    yield made
    made.close()


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(link, "LONGEST_PAUSE_S", 0.01)


@asynccontextmanager
async def running(pictures: Pictures) -> AsyncIterator[None]:
    task = asyncio.create_task(pictures.run(), name="pictures")
    try:
        yield
    finally:
        pid = pictures.pid
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled(), task
        assert pid is None or not processes.is_alive(pid)


async def until(pictures: Pictures, *, stills: int = 0, failed: int = 0, restarts: int = 0) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while pictures.stills < stills or pictures.failed_stills < failed or pictures.restarts < restarts:
            await asyncio.sleep(0.005)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def good() -> tuple[CodecConfig, Packet]:
    return keyframe("libx264", "avc1", options=FAST)


def offer(pictures: StreamPictures, pts_s: float = 0.0, config: CodecConfig | None = None) -> None:
    usual, packet = good()
    pictures.offer(config or usual, packet, pts_s)


DEADLY = "dead"


@pytest.fixture
def deadly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A pictures process that a keyframe of the codec "dead" kills, as a hole in a decoder would."""
    script = tmp_path / "deadly.py"
    script.write_text(
        "import os, signal\n"
        "from media.pictures import stills, worker\n"
        "take = stills.take\n"
        "def fall(config, data, sheets, session):\n"
        "    if config.fourcc == 'dead':\n"
        "        os.kill(os.getpid(), signal.SIGSEGV)\n"
        "    if config.fourcc == 'hang':\n"
        "        signal.pause()\n"
        "    return take(config, data, sheets, session)\n"
        "stills.take = fall\n"
        "worker.main()\n"
    )
    monkeypatch.setattr(child, "COMMAND", (child.COMMAND[0], str(script)))
    monkeypatch.setenv("PYTHONPATH", str(Path.cwd()))


def codec(name: str) -> CodecConfig:
    return msgspec.structs.replace(good()[0], fourcc=name)


async def test_a_keyframe_becomes_thumbnail_and_storyboard(spool: Spool) -> None:
    pictures = Pictures(spool)
    stream = pictures.open(SessionId("a"))
    async with running(pictures):
        offer(stream, 4.0)
        await until(pictures, stills=1)
    size, left, right = seen(await stream.get("thumbnail.jpg") or b"")
    assert size == (640, 360)
    assert is_near(left, ORANGE)
    assert is_near(right, TEAL)
    assert seen(await stream.get("storyboard-0-1.jpg") or b"")[0] == (1600, 90)
    assert b"00:00:04.000 --> 00:00:14.000\nstoryboard-0-1.jpg#xywh=0,0,160,90" in await stream.get("storyboard.vtt")  # type: ignore[operator]


async def test_one_keyframe_in_ten_seconds_is_taken(spool: Spool) -> None:
    clock = Clock()
    pictures = Pictures(spool, clock=clock)
    stream = pictures.open(SessionId("a"))
    async with running(pictures):
        for second in range(0, 31, 2):
            clock.now = second + (second % 4) / 10
            offer(stream, float(second))
            await until(pictures, stills=second // 10 + 1)
        assert pictures.stills == 4
    text = (await stream.get("storyboard.vtt") or b"").decode()
    assert [line for line in text.splitlines() if "-->" in line] == [
        "00:00:00.000 --> 00:00:10.000",
        "00:00:10.000 --> 00:00:20.000",
        "00:00:20.000 --> 00:00:30.000",
        "00:00:30.000 --> 00:00:40.000",
    ]


async def test_damage_is_counted_and_keeps_the_process(spool: Spool) -> None:
    pictures = Pictures(spool)
    bad, fine = pictures.open(SessionId("bad")), pictures.open(SessionId("fine"))
    config, packet = good()
    async with running(pictures):
        bad.offer(config, msgspec.structs.replace(packet, data=packet.data[:20]), 0)
        await until(pictures, failed=1)
        pid = pictures.pid
        offer(fine)
        await until(pictures, stills=1)
        assert pictures.pid == pid is not None
    assert await bad.get("thumbnail.jpg") is None


async def test_a_killed_process_is_followed_by_another(spool: Spool) -> None:
    clock = Clock()
    pictures = Pictures(spool, clock=clock)
    stream = pictures.open(SessionId("a"))
    async with running(pictures):
        offer(stream, 0)
        await until(pictures, stills=1)
        assert pictures.pid is not None
        os.kill(pictures.pid, signal.SIGKILL)
        while processes.is_alive(pictures.pid):
            await asyncio.sleep(0.005)
        for _ in range(3):  # a keyframe that went down with it is no reason to leave the session out
            clock.now += 10
            offer(stream, clock.now)
            await asyncio.sleep(0.2)
        await until(pictures, stills=2)
    text = await stream.get("storyboard.vtt") or b""
    assert b"storyboard-1-" in text, "the new process began a new sheet"


@pytest.mark.usefixtures("deadly")
async def test_a_session_that_fells_the_process_twice_is_left_out_and_others_go_on(spool: Spool) -> None:
    clock = Clock()
    pictures = Pictures(spool, clock=clock)
    evil, fine = pictures.open(SessionId("evil")), pictures.open(SessionId("fine"))
    async with running(pictures):
        for fall in (1, 2):
            clock.now += 10
            offer(evil, config=codec("dead"))
            await until(pictures, restarts=fall)
            offer(fine, clock.now)
            await until(pictures, stills=fall)
        clock.now += 10
        offer(evil, config=codec("dead"))
        offer(fine, clock.now)
        await until(pictures, stills=3)
        assert pictures.restarts == 2
    assert await fine.get("thumbnail.jpg") is not None


@pytest.mark.usefixtures("deadly")
async def test_a_hanging_process_is_ended(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = Pictures(spool)
    evil, fine = pictures.open(SessionId("evil")), pictures.open(SessionId("fine"))
    async with running(pictures):
        offer(fine)
        await until(pictures, stills=1)
        monkeypatch.setattr(child, "ANSWER_DEADLINE_S", 0.2)
        offer(evil, config=codec("hang"))
        await until(pictures, restarts=1)
        monkeypatch.setattr(child, "ANSWER_DEADLINE_S", 10.0)
        assert await pictures.slate(profile_of(320, 180, 10)) is not None


async def test_a_slate_is_made_once_for_all_who_ask(spool: Spool) -> None:
    pictures = Pictures(spool)
    async with running(pictures):
        first, second = await asyncio.gather(
            pictures.slate(SlateProfile(640, 360, 30)), pictures.slate(SlateProfile(639, 360, 30.1))
        )
        assert first is not None
        assert first is second is await pictures.slate(SlateProfile(640, 360, 30))
    assert await pictures.slate(SlateProfile(640, 360, 30)) is first, "needs no process"


async def test_a_slate_that_nobody_makes_ends_with_none(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "SLATE_DEADLINE_S", 0.05)
    assert await Pictures(spool).slate(SlateProfile(640, 360, 30)) is None


async def test_slates_are_kept_up_to_a_number(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "MAX_SLATES", 2)
    pictures = Pictures(spool)
    async with running(pictures):
        first = await pictures.slate(SlateProfile(64, 64, 10))
        await pictures.slate(SlateProfile(66, 64, 10))
        assert await pictures.slate(SlateProfile(64, 64, 10)) is first
        await pictures.slate(SlateProfile(68, 64, 10))
        assert await pictures.slate(SlateProfile(64, 64, 10)) is first, "asked for last"
        assert len(pictures._clips) == 2


async def test_the_newest_keyframe_of_a_session_wins_and_the_queue_is_bounded(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "MAX_WAITING_STILLS", 2)
    clock = Clock()
    pictures = Pictures(spool, clock=clock)
    a, b, c = (pictures.open(SessionId(name)) for name in "abc")
    offer(a, 1)
    clock.now = 10
    offer(a, 11)
    offer(b, 10)
    offer(c, 10)
    assert pictures.dropped_stills == 2
    async with running(pictures):
        await until(pictures, stills=2)
    assert await a.get("thumbnail.jpg") is None
    assert await c.get("thumbnail.jpg") is not None


async def test_a_forgotten_session_gets_nothing_more(spool: Spool) -> None:
    clock = Clock()
    pictures = Pictures(spool, clock=clock)
    stream, other = pictures.open(SessionId("a")), pictures.open(SessionId("b"))
    async with running(pictures):
        offer(stream)
        await until(pictures, stills=1)
        pictures.forget(SessionId("a"))
        clock.now = 20
        offer(stream)
        offer(other)
        await until(pictures, stills=2)
    assert await stream.get("storyboard-0-1.jpg") is not None, "what was there stays"
    assert b"-->" in (await other.get("storyboard.vtt") or b"")


async def test_the_process_has_no_secrets_and_yields_to_all_others(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALLY_SECRET", "do not tell")
    pictures = Pictures(spool)
    stream = pictures.open(SessionId("a"))
    async with running(pictures):
        offer(stream)
        await until(pictures, stills=1)
        pid = pictures.pid
        assert pid is not None
        assert b"TALLY_SECRET" not in Path(f"/proc/{pid}/environ").read_bytes()
        assert os.getpriority(os.PRIO_PROCESS, pid) == os.getpriority(os.PRIO_PROCESS, 0) + 10
        limits = Path(f"/proc/{pid}/limits").read_text()
        assert f"{1536 << 20}" in next(line for line in limits.splitlines() if line.startswith("Max data size"))


async def test_an_8k_keyframe_fits_the_memory(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    config, packet = keyframe("libx264", "avc1", size=(8192, 4320), options=(("preset", "ultrafast"),))
    pictures = Pictures(spool)
    stream = pictures.open(SessionId("a"))
    async with running(pictures):
        stream.offer(config, packet, 0)
        await until(pictures, stills=1)
    assert seen(await stream.get("thumbnail.jpg") or b"")[0] == (640, 338)


async def test_the_operators_picture_is_used_and_a_bad_one_is_said(
    spool: Spool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours = Pictures(spool)
    broken = tmp_path / "away.png"
    broken.write_bytes(b"no picture")
    theirs = Pictures(spool, slate_picture=broken)
    async with running(ours), running(theirs):
        wanted = SlateProfile(320, 180, 10)
        assert await theirs.slate(wanted) == await ours.slate(wanted)
    assert "TALLY_SLATE cannot be shown" in capsys.readouterr().out


async def test_a_process_that_cannot_be_started_costs_pictures_only(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = child.COMMAND
    monkeypatch.setattr(child, "COMMAND", ("/nowhere/python",))
    pictures = Pictures(spool)
    stream = pictures.open(SessionId("a"))
    async with running(pictures):
        offer(stream)
        await until(pictures, restarts=3)
        monkeypatch.setattr(child, "COMMAND", usual)
        await until(pictures, stills=1)
    assert await stream.get("thumbnail.jpg") is not None, "the session is not to blame"
