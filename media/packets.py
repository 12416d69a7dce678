"""The neutral unit between protocols and packaging: coded frames and the configuration that decodes them."""

from enum import Enum

import msgspec

VIDEO_TIMESCALE = 90_000
"""Ticks per second of every video time stamp inside Tallylight."""


class TrackKind(Enum):
    """What a track is for a player."""

    VIDEO = "video"
    AUDIO = "audio"


class CueKind(Enum):
    """What a cue is for a player."""

    DATA = "data"
    CAPTION = "caption"


class CodecConfig(msgspec.Struct, frozen=True, gc=False):
    """How to decode the packets that follow on one track.

    `fourcc` is the sample entry's name ("avc1", "hvc1", "av01", "vp09", "mp4a", "Opus", "fLaC", "ac-3", "ec-3",
    ".mp3", ".mp2"); `record` is the codec's own configuration as ISO BMFF stores it: avcC, hvcC, av1C, vpcC body,
    AudioSpecificConfig, dOps body. Two configs are the same when their bytes are.
    """

    kind: TrackKind
    fourcc: str
    record: bytes
    width: int = 0
    height: int = 0
    sample_rate: int = 0
    channels: int = 0


class Packet(msgspec.Struct, gc=False):
    """One coded access unit. H.264 and HEVC are length-prefixed (as in avcC), AAC is raw (no ADTS).

    `dts` and `pts` count as the publisher's protocol does (`Publication.push`) until `Timeline` has seen them; after
    it in `VIDEO_TIMESCALE` ticks (video) or samples (audio) of one monotonic media time.
    """

    kind: TrackKind
    dts: int
    pts: int
    is_keyframe: bool
    data: bytes


class Discontinuity(msgspec.Struct, frozen=True):
    """What follows on every track does not join what went before: a time stamp jump, or a publisher that came back."""

    reason: str


class Cue(msgspec.Struct, frozen=True):
    """Timed metadata or a caption, at a place of media time.

    `duration_s` None: nobody knows. Of data, `class_name` is EXT-X-DATERANGE's CLASS and `fields` its X- attributes
    without the X-; of a caption, `fields` has "text" and perhaps "language" (BCP 47).
    """

    cue_id: str
    kind: CueKind
    start_s: float
    duration_s: float | None
    class_name: str
    fields: dict[str, str]


MediaEvent = CodecConfig | Packet | Discontinuity
"""What `Timeline` gives out, in order: a config before the first packet that needs it."""
