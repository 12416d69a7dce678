"""What ingest and the child of a stream tell each other: four bytes of length, then one msgpack message.

ingest -> child   Begin, then Configure | Media | Break in the stream's order, at last Finish
child -> ingest   Ready, then RungConfig and Coded in each rendition's order, Progress now and then
"""

from typing import Literal

import msgspec

from media.packets import CodecConfig, Packet
from media.transcode.rungs import Rung

AUDIO = "audio"
"""The rendition name under which re-encoded sound comes back."""


class AudioJob(msgspec.Struct, frozen=True):
    """The sound is re-encoded: AAC-LC of this shape, or Opus (`sample_rate` 48000, packets of 20 ms)."""

    sample_rate: int
    channels: int
    bitrate_bps: int
    fourcc: Literal["mp4a", "Opus"] = "mp4a"


class Begin(msgspec.Struct, frozen=True, tag="begin"):
    """What to make. `encoder` is FFmpeg's name of it; `preset` is one of its own."""

    rungs: list[Rung]
    audio: AudioJob | None
    encoder: str
    preset: str


class Configure(msgspec.Struct, frozen=True, tag="configure"):
    """The packets of this track that follow need this configuration."""

    config: CodecConfig


class Media(msgspec.Struct, frozen=True, tag="media"):
    """One packet in media time. At a boundary every rendition begins a segment: rungs put a keyframe there."""

    packet: Packet
    is_boundary: bool = False


class Break(msgspec.Struct, frozen=True, tag="break"):
    """What follows does not join what went before."""


class Finish(msgspec.Struct, frozen=True, tag="finish"):
    """Write what is held, then exit."""


ToChild = Begin | Configure | Media | Break | Finish


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The encoders are open. `encoder` is the one in use, which may be another than was asked for."""

    encoder: str


class RungConfig(msgspec.Struct, frozen=True, tag="config"):
    """What follows in this rendition needs this configuration."""

    rendition: str
    config: CodecConfig


class Coded(msgspec.Struct, frozen=True, tag="coded"):
    """Packets of one rendition in media time (90 kHz; audio: samples of its own rate), no B-frames."""

    rendition: str
    packets: list[Packet]


class RungProgress(msgspec.Struct, frozen=True):
    """One rung since the child began. `newest` is the pts of the last coded frame in 90 kHz."""

    name: str
    coded_frames: int
    dropped_frames: int
    newest: int
    is_shed: bool


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    """Sent at least once a second while packets come in: the watchdog's food.

    `taken` counts the Media messages that were read; `newest` is the pts of the last decoded picture in 90 kHz.
    """

    taken: int
    newest: int
    corrupt_packets: int
    rungs: list[RungProgress]
    cpu_s: float
    memory_bytes: int


class Trouble(msgspec.Struct, frozen=True, tag="trouble"):
    """Something an operator or owner should read; `is_final`: the child ends now."""

    reason: str
    severity: Literal["warning", "error"] = "warning"
    is_final: bool = False


FromChild = Ready | RungConfig | Coded | Progress | Trouble
