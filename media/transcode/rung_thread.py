"""One rung of the ladder in its own thread: pictures in, packets out."""

import threading
from collections.abc import Callable

from av.video.frame import PictureType, VideoFrame

from media.packets import Packet
from media.transcode.decoding import Picture
from media.transcode.encoders import TIME_BASE, RungEncoder
from media.transcode.fitting import SQUARE, Fitter, SharedFitter
from media.transcode.messages import Coded, RungConfig, RungProgress
from media.transcode.pacing import Pace
from media.transcode.queues import Closed, Hopper
from media.transcode.rungs import Rung

QUEUED_PICTURES = 4
"""Before a rung's encoder; the decoder waits for a place while the stream as a whole is not late."""

Send = Callable[[RungConfig | Coded], None]

_I, _NONE = PictureType.I, PictureType.NONE


class RungThread:
    """Encodes what it is offered. `offer` and `progress` are for the decoder's thread."""

    def __init__(
        self,
        rung: Rung,
        encoder: RungEncoder,
        send: Send,
        on_error: Callable[[str, Exception], None],
        shared: SharedFitter | None = None,
    ) -> None:
        self.rung = rung
        self.offered = 0
        self.dropped = 0
        self.is_shed = False
        self._coded = 0
        self._newest = 0
        self._encoder = encoder
        self._send = send
        self._on_error = on_error
        self._is_configured = False
        self._pace = Pace(rung.frame_rate)
        self._shared = shared
        self._is_largest = shared is not None and shared.size == (rung.width, rung.height)
        self._fitter = Fitter(rung.width, rung.height, encoder.candidate.pixels)
        self._hopper: Hopper[tuple[Picture, bool]] = Hopper(QUEUED_PICTURES)
        self._thread = threading.Thread(target=self._run, name=f"rung {rung.name}", daemon=True)

    @property
    def cost(self) -> float:
        """Pixels per second: what it takes to make."""
        return self.rung.width * self.rung.height * self.rung.frame_rate

    def start(self) -> None:
        """Announce the configuration, if the encoder knows it already, and begin."""
        self._announce()
        self._thread.start()

    def offer(self, picture: Picture, *, is_keyframe: bool, wait_s: float) -> None:
        """Take a picture if this rung shows it. Drops it where the encoder is behind, but never a keyframe."""
        if self.is_shed or not self._pace.wants(picture.pts, is_keyframe=is_keyframe):
            return
        self.offered += 1
        self.dropped += self._hopper.offer((picture, is_keyframe), is_kept=is_keyframe, wait_s=wait_s)

    def shed(self) -> None:
        """Give this rung up for good."""
        self.is_shed = True
        if self._shared is not None and self._is_largest:
            self._shared.is_used = False
        self._hopper.close(is_emptied=True)

    def finish(self, wait_s: float) -> bool:
        """Code what is held and end; tells whether that was done in time."""
        self._hopper.close()
        self._thread.join(wait_s)
        return not self._thread.is_alive()

    def progress(self) -> RungProgress:
        """Return what was done since the beginning."""
        return RungProgress(self.rung.name, self._coded, self.dropped, self._newest, self.is_shed)

    def _run(self) -> None:
        try:
            while True:
                try:
                    picture, is_keyframe = self._hopper.take()
                except Closed:
                    break
                self._encode(picture, is_keyframe=is_keyframe)
            self._give_out(self._encoder.encode(None))
        except Exception as error:  # the thread's end: the process ends with it
            self._on_error(f"rung {self.rung.name}", error)

    def _encode(self, picture: Picture, *, is_keyframe: bool) -> None:
        frame = self._fitted(picture)
        frame.pts, frame.time_base = picture.pts, TIME_BASE
        # A decoded picture carries the source's picture type, which the encoder would obey.
        frame.pict_type = _I if is_keyframe else _NONE
        self._give_out(self._encoder.encode(frame))

    def _fitted(self, picture: Picture) -> VideoFrame:
        shared = self._shared
        if shared is None or not shared.is_used:
            return self._fitter.fit(picture.frame, picture.aspect)
        frame = shared.fit(picture)
        return frame if self._is_largest else self._fitter.fit(frame, SQUARE)

    def _give_out(self, packets: list[Packet]) -> None:
        self._announce()
        if packets:
            self._coded += len(packets)
            self._newest = packets[-1].pts
            self._send(Coded(self.rung.name, packets))

    def _announce(self) -> None:
        if not self._is_configured and self._encoder.config is not None:
            self._is_configured = True
            self._send(RungConfig(self.rung.name, self._encoder.config))
