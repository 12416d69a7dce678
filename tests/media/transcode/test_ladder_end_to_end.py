"""The parent's link with the real child, in the loop that ingest runs."""

import asyncio
import os
import time
from collections.abc import Callable

import msgspec
import pytest
import uvloop

from config import processes
from media.packets import VIDEO_TIMESCALE, CodecConfig, Packet
from media.transcode.messages import AUDIO, AudioJob, Begin
from media.transcode.rungs import Rung
from media.transcode.transcoder import Deadlines, Transcoder
from tests.media.material import Material
from tests.media.transcode import clips

pytestmark = pytest.mark.services

RUNGS = [Rung("180p", 320, 180, 30.0, 400_000), Rung("90p", 160, 90, 15.0, 100_000)]
FRAMES, GOP = 60, 15
QUICK = Deadlines(first_pause_s=0.1, look_s=0.1, finish_s=20)
WAIT_S = 30.0


class Heard:
    """An outlet that writes down, and when."""

    def __init__(self) -> None:
        self.packets: dict[str, list[Packet]] = {}
        self.configs: dict[str, CodecConfig] = {}
        self.lost: list[tuple[str, str, bool]] = []

    def rung_config(self, name: str, config: CodecConfig) -> None:
        self.configs[name] = config

    def rung_packets(self, name: str, packets: list[Packet]) -> None:
        assert name in self.configs
        self.packets.setdefault(name, []).extend(packets)

    def rung_lost(self, name: str, reason: str, *, for_ever: bool) -> None:
        self.lost.append((name, reason, for_ever))

    def newest(self, name: str) -> int:
        return self.packets[name][-1].pts if name in self.packets else -1


class Player:
    """Feeds a clip at its own speed, over and over, in one media time."""

    def __init__(self, transcoder: Transcoder, clip: Material) -> None:
        self.dts = 0
        self._transcoder, self._clip = transcoder, clip
        transcoder.feed_config(clip.config)

    async def play(self) -> None:
        began = time.monotonic()
        length = FRAMES * VIDEO_TIMESCALE // 30
        for turn in range(1000):
            for packet in self._clip.packets:
                shift = turn * length
                late_s = (packet.dts + shift) / VIDEO_TIMESCALE - (time.monotonic() - began)
                if late_s > 0:
                    await asyncio.sleep(late_s)
                self.dts = packet.dts + shift
                moved = msgspec.structs.replace(packet, dts=self.dts, pts=packet.pts + shift)
                self._transcoder.feed(moved, is_boundary=packet.is_keyframe)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not holds():
            await asyncio.sleep(0.02)


@pytest.fixture(scope="module")
def clip() -> Material:
    """Two seconds of pictures with B-frames left out and a keyframe each half second."""
    return clips.video(size="640x360", frames=FRAMES, gop=GOP)


async def killed_and_back(clip: Material) -> None:
    heard = Heard()
    transcoder = Transcoder(Begin(RUNGS, None, "libx264", "ultrafast"), heard, deadlines=QUICK)
    life = asyncio.create_task(transcoder.run())
    player = Player(transcoder, clip)
    playing = asyncio.create_task(player.play())
    try:
        await until(lambda: heard.newest("180p") > VIDEO_TIMESCALE)
        rungs, child = transcoder.health()
        assert [(one.name, one.state) for one in rungs] == [("180p", "running"), ("90p", "running")]
        assert child.encoder == "libx264"
        assert child.memory_bytes > 20_000_000
        first = transcoder.pid
        assert first is not None
        assert os.getpriority(os.PRIO_PROCESS, first) == os.getpriority(os.PRIO_PROCESS, 0) + 5
        os.kill(first, 9)
        killed_at = player.dts
        await until(lambda: len(heard.lost) == 2)
        assert player.dts - killed_at < VIDEO_TIMESCALE // 2  # told at once
        assert heard.lost[0] == ("180p", "the transcoder was ended by SIGKILL", False)
        made = {name: len(packets) for name, packets in heard.packets.items()}
        await until(lambda: heard.newest("90p") > killed_at)  # a busy machine may shed the other one
        for name, packets in heard.packets.items():
            assert len(packets) == made[name] or packets[made[name]].is_keyframe
            stamps = [packet.pts for packet in packets]
            assert stamps == sorted(set(stamps))
        assert transcoder.health()[1].restarts == 1
        second = transcoder.pid
        assert second is not None
        playing.cancel()
        await asyncio.wait({playing})
        transcoder.finish()
        async with asyncio.timeout(WAIT_S):
            await life
        assert player.dts - heard.newest("90p") <= VIDEO_TIMESCALE // 15  # nothing that it shows is left out
        assert all(for_ever for _, _, for_ever in heard.lost[2:])  # shed, not fallen
        assert not processes.is_alive(first)
        assert not processes.is_alive(second)
    finally:
        for task in (playing, life):
            task.cancel()
        await asyncio.wait({playing, life})


def test_a_killed_child_is_replaced_and_its_rungs_come_back_with_a_keyframe(clip: Material) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(killed_and_back(clip))


async def test_sound_alone_comes_back_as_aac() -> None:
    heard = Heard()
    sound = clips.sound("libopus")
    transcoder = Transcoder(Begin([], AudioJob(48_000, 2, 128_000), "libx264", "veryfast"), heard, deadlines=QUICK)
    life = asyncio.create_task(transcoder.run())
    transcoder.feed_config(sound.config)
    for packet in sound.packets:
        transcoder.feed(packet)
    transcoder.finish()
    async with asyncio.timeout(WAIT_S):
        await life
    assert heard.configs[AUDIO].fourcc == "mp4a"
    made = heard.packets[AUDIO]
    assert sum(1024 for _ in made) / 48_000 == pytest.approx(2, abs=0.1)
    assert transcoder.dropped_packets == 0
