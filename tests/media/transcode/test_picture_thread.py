"""The decoder's thread and the rungs' threads together, in this process, on a machine that is too slow."""

import threading
import time

import pytest
from av.video.frame import VideoFrame

from media.packets import VIDEO_TIMESCALE, Packet
from media.transcode.encoders import RungEncoder
from media.transcode.fitting import shared_fitter
from media.transcode.messages import Coded, Finish, RungConfig, Trouble
from media.transcode.picture_thread import OVERLOAD_WINDOW, PictureThread, Window
from media.transcode.rung_thread import RungThread
from media.transcode.rungs import Rung
from tests.media.transcode.child import messages_of
from tests.media.transcode.clips import video

DEAR, CHEAP = Rung("180p", 320, 180, 30.0, 300_000), Rung("90p", 160, 90, 30.0, 100_000)
END_S = 20.0


class SlowEncoder(RungEncoder):
    """An encoder on a machine that needs this long for each picture."""

    def __init__(self, rung: Rung, picture_s: float) -> None:
        super().__init__("libx264", "ultrafast", rung)
        self._picture_s = picture_s

    def encode(self, frame: VideoFrame | None) -> list[Packet]:
        time.sleep(self._picture_s)
        return super().encode(frame)


class Ladder:
    def __init__(self, *rungs: tuple[Rung, float]) -> None:
        self.packets: dict[str, list[Packet]] = {rung.name: [] for rung, _ in rungs}
        self.troubles: list[Trouble] = []
        self.errors: list[Exception] = []
        shared = shared_fitter([(rung.width, rung.height) for rung, _ in rungs])
        self.rungs = [RungThread(rung, SlowEncoder(rung, s), self._send, self._fail, shared) for rung, s in rungs]
        self.thread = PictureThread(self.rungs, self.troubles.append, self._fail)

    def run(self, seconds: int) -> "Ladder":
        """Feed as fast as it is taken, as from an endless backlog."""
        self.thread.start()
        clip = video(size="320x180", frames=60, gop=30)
        for second in range(0, seconds, 2):
            for message in messages_of(clip, start=second * 90_000):
                self.thread.intake.put(message)  # type: ignore[arg-type]  # a track has media and configurations only
        self.thread.intake.put(Finish())
        assert self.thread.done.wait(END_S)
        assert not self.errors
        return self

    def _send(self, message: RungConfig | Coded) -> None:
        if isinstance(message, Coded):
            self.packets[message.rendition] += message.packets

    def _fail(self, where: str, error: Exception) -> None:
        self.errors.append(error)


def keys(packets: list[Packet]) -> list[int]:
    return [packet.pts for packet in packets if packet.is_keyframe]


def test_pictures_are_dropped_before_a_slow_encoder_but_no_keyframe_is() -> None:
    ladder = Ladder((CHEAP, 0.02)).run(8)
    progress = ladder.rungs[0].progress()
    assert progress.dropped_frames > 24
    assert progress.coded_frames + progress.dropped_frames == 240
    assert keys(ladder.packets["90p"]) == [second * 90_000 for second in range(8)]
    assert not progress.is_shed  # the last one is never given up
    assert ladder.troubles == []


def test_lasting_overload_gives_up_the_dearest_rung_and_the_others_go_on() -> None:
    ladder = Ladder((CHEAP, 0.0), (DEAR, 0.03)).run(12)
    cheap, dear = (rung.progress() for rung in ladder.rungs)
    assert dear.is_shed
    assert not cheap.is_shed
    assert dear.newest < 8 * 90_000
    assert keys(ladder.packets["90p"]) == [second * 90_000 for second in range(12)]
    assert [trouble.reason for trouble in ladder.troubles] == ["rung 180p is given up: the machine is too slow for it"]
    names = {thread.name for thread in threading.enumerate()}
    assert "rung 180p" not in names


def test_a_burst_is_waited_for() -> None:
    """Half a second of pictures at once is the network's doing: none of them is dropped."""
    ladder = Ladder((DEAR, 0.005))
    ladder.thread.start()
    for message in messages_of(video(size="320x180", frames=15)):
        ladder.thread.intake.put(message)  # type: ignore[arg-type]  # a track has media and configurations only
    ladder.thread.intake.put(Finish())
    assert ladder.thread.done.wait(END_S)
    progress = ladder.rungs[0].progress()
    assert (progress.coded_frames, progress.dropped_frames) == (15, 0)


@pytest.mark.parametrize(("lost_a_second", "is_over"), [(0, False), (3, False), (4, True), (30, True)])
def test_overload_is_more_than_a_tenth_over_a_window(lost_a_second: int, is_over: bool) -> None:
    window = Window()
    seconds = OVERLOAD_WINDOW // VIDEO_TIMESCALE
    answers = [
        window.is_overloaded(second * VIDEO_TIMESCALE, [(second * 30, second * lost_a_second), (second * 30, 0)])
        for second in range(seconds + 1)
    ]
    assert answers == [False] * seconds + [is_over]


def test_old_drops_are_forgotten() -> None:
    window = Window()
    window.is_overloaded(0, [(0, 0)])
    assert window.is_overloaded(OVERLOAD_WINDOW, [(90, 50)])
    assert not window.is_overloaded(2 * OVERLOAD_WINDOW, [(180, 50)])
