"""The thread that decodes a stream's video and offers each picture to the rungs."""

import threading
from collections.abc import Callable

from media.packets import VIDEO_TIMESCALE
from media.transcode.decoding import CannotDecode, Picture, VideoDecoder
from media.transcode.fitting import tag
from media.transcode.messages import Break, Configure, Finish, Media, RungProgress, Trouble
from media.transcode.pacing import KeyframePolicy
from media.transcode.queues import Intake
from media.transcode.rung_thread import RungThread

LATE = VIDEO_TIMESCALE
"""Media that may wait undecoded before pictures are dropped: a burst from the network is no overload, nor is what came
while this process started."""
OVERLOAD_WINDOW = 8 * VIDEO_TIMESCALE
OVERLOAD = 0.1
"""Part of a rung's pictures which, dropped over a window, makes the ladder lose its dearest rung."""
FINISH_S = 5.0


class PictureThread:
    """Decodes what is put into `intake`; owns the rungs' threads."""

    def __init__(
        self, rungs: list[RungThread], say: Callable[[Trouble], None], on_error: Callable[[str, Exception], None]
    ) -> None:
        self.intake = Intake()
        self.done = threading.Event()
        self.newest = 0
        self._rungs = rungs
        self._say = say
        self._on_error = on_error
        self._decoder = VideoDecoder()
        self._policy = KeyframePolicy()
        self._window = Window()
        self._thread = threading.Thread(target=self._run, name="pictures", daemon=True)

    def start(self) -> None:
        """Begin, with all rungs."""
        for rung in self._rungs:
            rung.start()
        self._thread.start()

    @property
    def corrupt_packets(self) -> int:
        """Packets that gave no picture because they, or one they need, could not be decoded."""
        return self._decoder.corrupt_packets

    def progress(self) -> list[RungProgress]:
        """Return what each rung has done."""
        return [rung.progress() for rung in self._rungs]

    def _run(self) -> None:
        try:
            while not isinstance(item := self.intake.get(), Finish):
                self._take(item)
            self._show(self._decoder.drain())
            for rung in self._rungs:
                if not rung.finish(FINISH_S):
                    self._say(Trouble(f"rung {rung.rung.name} did not end within {FINISH_S:g} s"))
            self.done.set()
        except Exception as error:  # the thread's end: the process ends with it
            self._on_error("video", error)

    def _take(self, item: Media | Configure | Break) -> None:
        match item:
            case Media():
                if item.is_boundary:
                    self._policy.expect_boundary(item.packet.pts)
                self._show(self._decoder.decode(item.packet))
            case Configure():
                try:
                    self._show(self._decoder.configure(item.config))
                except CannotDecode as error:
                    self._say(Trouble(str(error)))
            case Break():
                self._show(self._decoder.drain())
                self._policy.ask()

    def _show(self, pictures: list[Picture]) -> None:
        for picture in pictures:
            self.newest = picture.pts
            tag(picture.frame)
            is_keyframe = self._policy.is_keyframe(picture.pts, is_source_key=picture.is_source_key)
            for rung in self._rungs:
                late = self.intake.backlog() - LATE
                wait_s = -late / VIDEO_TIMESCALE if late < 0 else 0.0
                rung.offer(picture, is_keyframe=is_keyframe, wait_s=wait_s)
            self._watch_load(picture.pts)

    def _watch_load(self, pts: int) -> None:
        alive = [rung for rung in self._rungs if not rung.is_shed]
        if not self._window.is_overloaded(pts, [(rung.offered, rung.dropped) for rung in alive]) or len(alive) < 2:
            return
        dearest = max(alive, key=lambda rung: rung.cost)
        dearest.shed()
        self._window = Window()
        self._say(Trouble(f"rung {dearest.rung.name} is given up: the machine is too slow for it"))


class Window:
    """Counts of pictures over the last few seconds of media."""

    def __init__(self) -> None:
        self._since: int | None = None
        self._at_start: list[tuple[int, int]] = []

    def is_overloaded(self, pts: int, counts: list[tuple[int, int]]) -> bool:
        """Tell, at the end of each window, whether a rung has dropped too many of those it was offered."""
        if self._since is None or len(counts) != len(self._at_start):
            self._since, self._at_start = pts, counts
            return False
        if pts - self._since < OVERLOAD_WINDOW:
            return False
        shares = [
            (dropped - dropped_before) / max(1, offered - offered_before)
            for (offered, dropped), (offered_before, dropped_before) in zip(counts, self._at_start, strict=True)
        ]
        self._since, self._at_start = pts, counts
        return max(shares, default=0.0) > OVERLOAD
