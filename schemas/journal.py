"""The journal of a session: what its ingest process has published, so that another process can go on from there.

    DATA/spool/{sessionId}/journal                      this file, appended to
    DATA/spool/{sessionId}/{rendition}-{msn}.m4s        a segment, to which its parts are appended
    DATA/spool/{sessionId}/{rendition}-init-{n}.mp4     an initialization section
    DATA/spool/{sessionId}/captions-{msn}.vtt, storyboard-{sheet}-{tiles}.jpg, thumbnail-{n}.jpg
    DATA/spool/{sessionId}/uploads                      the storage process's own notes

The journal is lines of text: eight hexadecimal digits, the CRC-32 of what follows the space; a space; a record as JSON;
a line feed. The first record is `Begun` and names the format's version. A line is written after the bytes it speaks of,
and before anything is visible to a viewer. A process that is killed can leave bytes without a line, and a torn last
line: both are as if never written, and the next writer cuts the line off and writes over the bytes.

Nothing is flushed to the disk: a killed process loses nothing, a machine without power may lose its last seconds.
"""

from typing import Literal, Union

import msgspec

from schemas.ids import NodeId, SessionId
from schemas.ingest import PublishGrant

VERSION = 1
"""A reader moves a journal of another version aside."""
JOURNAL_FILE = "journal"
UPLOADS_FILE = "uploads"


class Begun(msgspec.Struct, frozen=True, rename="camel", tag_field="t", tag="begun"):
    """The session exists. `key_digest` is the SHA-256 of its stream key in hexadecimal digits."""

    version: int
    grant: PublishGrant
    key_digest: str
    node_id: NodeId
    started_at_ms: int

    @property
    def session_id(self) -> SessionId:
        """Whose journal it is."""
        return self.grant.session_id


class PlannedRendition(msgspec.Struct, frozen=True, rename="camel"):
    """What one rendition promises. `is_rung`: the ladder makes it, `width` to `bitrate_bps` are what it was told."""

    name: str
    kind: Literal["video", "audio"]
    frame_s: float
    part_target_s: float
    is_rung: bool = False
    width: int = 0
    height: int = 0
    frame_rate: float = 0.0
    bitrate_bps: int = 0


class Planned(msgspec.Struct, frozen=True, rename="camel", tag_field="t", tag="planned"):
    """What the playlists promise; comes once, before anything that is published. The leading rendition is first."""

    target_duration_s: int
    segment_s: float
    part_hold_back_s: float
    renditions: list[PlannedRendition]


class InitMade(msgspec.Struct, frozen=True, rename="camel", tag_field="t", tag="init"):
    """An initialization section is in its file. `record` as in `CodecConfig`, `codec` as RFC 6381 writes it."""

    rendition: str
    number: int
    kind: Literal["video", "audio"]
    fourcc: str
    record: bytes
    codec: str
    size: int
    width: int = 0
    height: int = 0
    sample_rate: int = 0
    channels: int = 0


class SegmentBegun(msgspec.Struct, frozen=True, rename="camel", tag_field="t", tag="segment"):
    """A segment begins; parts of it follow. Times are media time in seconds; program time is that plus the offset.

    One without parts was never seen: after a process was killed there, its number may come again.
    """

    rendition: str
    msn: int
    map_number: int
    start_s: float
    clock_offset_s: float
    is_discontinuous: bool = False


class PartAdded(msgspec.Struct, frozen=True, rename="camel", tag_field="t", tag="part"):
    """A part is in its segment's file, at this offset. `duration_s` is what playlists say of it."""

    rendition: str
    msn: int
    index: int
    offset: int
    size: int
    duration_s: float
    is_independent: bool = False
    still_bytes: int = 0


class SegmentClosed(msgspec.Struct, frozen=True, rename="camel", tag_field="t", tag="closed"):
    """A segment is complete."""

    rendition: str
    msn: int
    duration_s: float
    size: int


class GapMade(msgspec.Struct, frozen=True, rename="camel", tag_field="t", tag="gap"):
    """A whole segment in which this rendition has no media."""

    rendition: str
    msn: int
    map_number: int
    start_s: float
    clock_offset_s: float
    duration_s: float
    is_discontinuous: bool = False


class SegmentLost(msgspec.Struct, frozen=True, rename="camel", tag_field="t", tag="lost"):
    """A segment was published live, but the disk did not take it in time: recordings have a gap there.

    Its beginning and some of its parts may have been written before: then this takes their place.
    """

    rendition: str
    msn: int
    map_number: int
    start_s: float
    clock_offset_s: float
    duration_s: float
    is_discontinuous: bool = False


class CueAdded(msgspec.Struct, frozen=True, rename="camel", tag_field="t", tag="cue"):
    """Timed metadata: EXT-X-DATERANGE. `number` is that of its event message in the media."""

    cue_id: str
    class_name: str
    start_s: float
    duration_s: float | None
    clock_offset_s: float
    fields: dict[str, str]
    number: int


class CaptionsWritten(msgspec.Struct, frozen=True, rename="camel", tag_field="t", tag="captions"):
    """The captions of a segment of the leading rendition are settled and in their file; without text there is none."""

    msn: int
    size: int
    language: str


class CaptionsSeen(msgspec.Struct, frozen=True, rename="camel", tag_field="t", tag="cc"):
    """The pictures of this rendition carry CEA-608 or 708."""

    rendition: str


class PictureStored(msgspec.Struct, frozen=True, rename="camel", tag_field="t", tag="picture"):
    """A picture is in its file. A sheet's newest tile shows `start_s`; a sheet that grows comes under a new name."""

    kind: Literal["thumbnail", "sheet"]
    name: str
    size: int
    start_s: float
    sheet: int = 0
    tiles: int = 0
    tile_width: int = 0
    tile_height: int = 0


class Interrupted(msgspec.Struct, frozen=True, rename="camel", tag_field="t", tag="interrupted"):
    """The publisher is gone from this media time on."""

    start_s: float


class Resumed(msgspec.Struct, frozen=True, rename="camel", tag_field="t", tag="resumed"):
    """Media of a publisher comes again from this media time on."""

    start_s: float


class Ended(msgspec.Struct, frozen=True, rename="camel", tag_field="t", tag="ended"):
    """The session is over; nothing follows."""

    reason: str
    at_ms: int


Record = Union[  # noqa: UP007 (msgspec names the union in errors)
    Begun,
    Planned,
    InitMade,
    SegmentBegun,
    PartAdded,
    SegmentClosed,
    GapMade,
    SegmentLost,
    CueAdded,
    CaptionsWritten,
    CaptionsSeen,
    PictureStored,
    Interrupted,
    Resumed,
    Ended,
]
"""One line."""


def segment_file(rendition: str, msn: int) -> str:
    """Return the name of a segment, in the spool, in URLs and in storage."""
    return f"{rendition}-{msn}.m4s"


def init_file(rendition: str, number: int) -> str:
    """Return the name of an initialization section, in the spool, in URLs and in storage."""
    return f"{rendition}-init-{number}.mp4"


def captions_file(msn: int) -> str:
    """Return the name of a segment of captions, in the spool, in URLs and in storage."""
    return f"captions-{msn}.vtt"
