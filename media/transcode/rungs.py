"""What a rung of the ladder is, for everything that speaks of one."""

import msgspec


class Rung(msgspec.Struct, frozen=True):
    """One rendition that the child makes. Its name stands in URLs: `720p`, `480p60`, any of [a-z0-9]{1,16}.

    `frame_rate` is the most it shows; frames of a faster source are left out. The picture keeps the source's aspect
    ratio at the time of the decision; a source that changes it later is fitted with black bars.
    """

    name: str
    width: int
    height: int
    frame_rate: float
    bitrate_bps: int


class Source(msgspec.Struct, frozen=True):
    """What is known of a source when its ladder is chosen. `bitrate_bps` is of the video, 0 when it is not known.

    `is_universal`: every player takes it as it is (H.264 with 8 bits, 4:2:0); None: as its fourcc says.
    """

    fourcc: str
    width: int
    height: int
    frame_rate: float
    bitrate_bps: int
    is_universal: bool | None = None
