"""The thread that re-encodes a stream's sound."""

import threading
from collections.abc import Callable

from media.packets import Packet
from media.transcode.messages import (
    AUDIO,
    AudioJob,
    Break,
    Coded,
    Configure,
    Finish,
    Media,
    RungConfig,
    Trouble,
)
from media.transcode.queues import Intake
from media.transcode.sound import CannotDecode, SoundEncoder

BACKLOG_TIMESCALE = 48_000
"""Close enough for every sample rate to bound what waits."""


class SoundThread:
    """Re-encodes what is put into `intake`."""

    def __init__(
        self,
        job: AudioJob,
        send: Callable[[RungConfig | Coded], None],
        say: Callable[[Trouble], None],
        on_error: Callable[[str, Exception], None],
    ) -> None:
        self.intake = Intake(BACKLOG_TIMESCALE)
        self.done = threading.Event()
        self._encoder = SoundEncoder(job)
        self._send = send
        self._say = say
        self._on_error = on_error
        self._thread = threading.Thread(target=self._run, name="sound", daemon=True)

    @property
    def corrupt_packets(self) -> int:
        """Packets that could not be decoded."""
        return self._encoder.corrupt_packets

    def start(self) -> None:
        """Announce the configuration and begin."""
        self._send(RungConfig(AUDIO, self._encoder.config))
        self._thread.start()

    def _run(self) -> None:
        try:
            while not isinstance(item := self.intake.get(), Finish):
                self._take(item)
            self._give_out(self._encoder.finish())
            self.done.set()
        except Exception as error:  # the thread's end: the process ends with it
            self._on_error("audio", error)

    def _take(self, item: Media | Configure | Break) -> None:
        match item:
            case Media():
                self._give_out(self._encoder.encode(item.packet))
            case Configure():
                try:
                    self._give_out(self._encoder.configure(item.config))
                except CannotDecode as error:
                    self._say(Trouble(str(error)))
            case Break():
                self._give_out(self._encoder.break_())

    def _give_out(self, packets: list[Packet]) -> None:
        if packets:
            self._send(Coded(AUDIO, packets))
