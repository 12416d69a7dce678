"""What the storage process and web tell each other over Redis streams, and how objects are named.

storage -> web   `media.events`: what is in storage now; entries have one field `e`, a JSON list of `MediaEvent`
web -> storage   `media.jobs`: work on objects and media; entries have one field `j`, a JSON `MediaJob`
web -> storage   POST /mp4 on its internal listener: an `Export`, answered by the file as a stream

Both streams are read by consumer groups, at least once: what comes twice is taken as done.

    {live|recordings}/{channelId}/{sessionId}/{file}    names as in the spool; `playlist.m3u8`, `{rendition}.m3u8`
    clips/{channelId}/{clipId}/{file}
"""

from typing import Literal, Union

import msgspec

from schemas.ids import ChannelId, ClipId, SessionId

EVENTS_STREAM, EVENTS_GROUP, EVENTS_FIELD = "media.events", "web", "e"
JOBS_STREAM, JOBS_GROUP, JOBS_FIELD = "media.jobs", "storage", "j"
MAX_EVENTS_WAITING = 200_000
"""Entries of `media.events`; beyond it storage waits for web instead of adding more: its own notes lose nothing."""
MAX_DELETIONS = 500
"""Keys of one `DeleteObjects`."""

LIVE, RECORDINGS, CLIPS = "live", "recordings", "clips"
"""What keys begin with: their store, where there are several."""


def session_prefix(channel: ChannelId, session: SessionId, *, is_recorded: bool) -> str:
    """Return what the keys of a session's objects begin with; no slash at the end."""
    return f"{RECORDINGS if is_recorded else LIVE}/{channel}/{session}"


def clip_prefix(channel: ChannelId, clip: ClipId) -> str:
    """Return what the keys of a clip's own objects begin with; no slash at the end."""
    return f"{CLIPS}/{channel}/{clip}"


INTERRUPTION = "com.tallylight.interruption"
"""Class of the cue that says from when to when a stream's publisher was away."""


# --- storage -> web ----------------------------------------------------------------------------------------


class StreamStarted(msgspec.Struct, frozen=True, rename="camel", tag_field="type", tag="started"):
    """A session's first object is about to be stored."""

    session_id: SessionId
    channel_id: ChannelId
    started_at_ms: int
    prefix: str
    is_recorded: bool
    target_duration_s: int


class InitStored(msgspec.Struct, frozen=True, rename="camel", tag_field="type", tag="init"):
    """An initialization section is in storage, and with it the rendition from this number on is known."""

    session_id: SessionId
    rendition: str
    number: int
    kind: Literal["video", "audio"]
    codec: str  # RFC 6381
    size: int
    width: int = 0
    height: int = 0
    frame_rate: float = 0.0
    sample_rate: int = 0
    channels: int = 0


class SegmentStored(msgspec.Struct, frozen=True, rename="camel", tag_field="type", tag="segment"):
    """A segment is in storage; `is_gap`: there is none, and there will be none. Times are media time in seconds.

    `sha256`: hexadecimal digits of its bytes' SHA-256, "" of a gap.
    """

    session_id: SessionId
    rendition: str
    msn: int
    map_number: int
    start_s: float
    duration_s: float
    program_ms: int
    size: int
    sha256: str
    still_bytes: int = 0
    is_discontinuous: bool = False
    is_gap: bool = False


class FileStored(msgspec.Struct, frozen=True, rename="camel", tag_field="type", tag="file"):
    """Something beside the media is in storage, or a newer version of it: a newer one of one kind and number replaces.

    thumbnail: number 0, `thumbnail-{n}.jpg`; sheet: by its number; storyboard: number 0, `storyboard-v{n}.vtt`, for the
    stored sheets; captions: number is the msn.
    """

    session_id: SessionId
    kind: Literal["thumbnail", "sheet", "storyboard", "captions"]
    number: int
    name: str
    size: int
    language: str = ""


class CueStored(msgspec.Struct, frozen=True, rename="camel", tag_field="type", tag="cue"):
    """Timed metadata of a stored stream."""

    session_id: SessionId
    cue_id: str
    class_name: str
    start_s: float
    duration_s: float | None
    program_ms: int
    fields: dict[str, str]


class StreamStored(msgspec.Struct, frozen=True, rename="camel", tag_field="type", tag="stored"):
    """A session is over, and everything of it that there will be is in storage.

    `segments`: how many each rendition has, gaps among them. `index_name`: the object that lists all events of the
    session again, one JSON list, for whoever lost some.
    """

    session_id: SessionId
    ended_at_ms: int
    reason: str
    duration_s: float
    total_bytes: int
    segments: dict[str, int]
    index_name: str


class ObjectsDeleted(msgspec.Struct, frozen=True, rename="camel", tag_field="type", tag="deleted"):
    """These are gone; those that were not there among them."""

    keys: list[str]


class EdgePiece(msgspec.Struct, frozen=True, rename="camel"):
    """A segment of a clip's own: what of the first or the last segment lies inside of it, coded anew.

    `first_msn` to `last_msn`: what it stands for. Its files are under the clip's prefix.
    """

    first_msn: int
    last_msn: int
    init_name: str
    init_size: int
    name: str
    size: int
    start_s: float
    duration_s: float
    codec: str


class EdgedTrack(msgspec.Struct, frozen=True, rename="camel"):
    """One rendition of a clip with exact edges; None where the segment's own edge is the clip's."""

    rendition: str
    head: EdgePiece | None
    tail: EdgePiece | None


class ClipMade(msgspec.Struct, frozen=True, rename="camel", tag_field="type", tag="clip_made"):
    """The clip's edges are exact now, and its MP4 is in storage."""

    clip_id: ClipId
    tracks: list[EdgedTrack]
    mp4_name: str
    mp4_size: int
    thumbnail_name: str
    thumbnail_size: int
    duration_s: float


class ClipFailed(msgspec.Struct, frozen=True, rename="camel", tag_field="type", tag="clip_failed"):
    """The edges could not be made; the clip plays with those of its segments."""

    clip_id: ClipId
    reason: str


MediaEvent = Union[  # noqa: UP007 (msgspec names the union in errors)
    StreamStarted,
    InitStored,
    SegmentStored,
    FileStored,
    CueStored,
    StreamStored,
    ObjectsDeleted,
    ClipMade,
    ClipFailed,
]


# --- web -> storage ----------------------------------------------------------------------------------------


class DeleteObjects(msgspec.Struct, frozen=True, rename="camel", tag_field="type", tag="delete"):
    """Nothing refers to these any more; at most `MAX_DELETIONS`. Answered by `ObjectsDeleted`."""

    keys: list[str]


class SourceSegment(msgspec.Struct, frozen=True, rename="camel"):
    """A stored segment as work on media needs it. `key` and `init_key` are whole object keys; a gap has no key."""

    msn: int
    key: str
    init_key: str
    size: int
    start_s: float
    duration_s: float
    is_discontinuous: bool = False
    is_gap: bool = False


class SourceTrack(msgspec.Struct, frozen=True, rename="camel"):
    """A rendition's segments in their order."""

    rendition: str
    kind: Literal["video", "audio"]
    segments: list[SourceSegment]


class MakeClip(msgspec.Struct, frozen=True, rename="camel", tag_field="type", tag="make_clip"):
    """Give a clip exact edges, an MP4 (of the first video track and the audio) and a thumbnail; times in media time.

    `created_at_ms` goes into the MP4, 0 is unknown. The same job again makes the same objects.
    """

    clip_id: ClipId
    channel_id: ChannelId
    start_s: float
    end_s: float
    title: str
    tracks: list[SourceTrack]
    created_at_ms: int = 0


MediaJob = Union[DeleteObjects, MakeClip]  # noqa: UP007 (msgspec names the union in errors)


class Export(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """POST /mp4: these tracks, at most one of each kind, as one MP4. `title` goes into its metadata."""

    title: str
    tracks: list[SourceTrack]
