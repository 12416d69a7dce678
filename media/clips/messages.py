"""What the storage process and its clip child tell each other: one JSON task on stdin, one JSON answer on stdout.

Files lie in one directory, which both name; a file's name is never a path.
"""

import msgspec

from schemas.storage import EdgedTrack, SourceTrack

MAX_ANSWER_BYTES = 256 << 10


class ClipTask(msgspec.Struct, frozen=True, tag="task"):
    """Make a clip from `start_s` to `end_s`, media time.

    In `tracks`, keys are names of files in `directory`, "" for segments that are not there because they are neither at
    an edge nor in the MP4, which has the first track of each kind. `created_s` counts from 1970, 0 is unknown.
    """

    directory: str
    start_s: float
    end_s: float
    title: str
    created_s: int
    tracks: list[SourceTrack]


class Made(msgspec.Struct, frozen=True, tag="made"):
    """All names are those of files in the directory; "" where there is no thumbnail."""

    tracks: list[EdgedTrack]
    mp4_name: str
    mp4_size: int
    thumbnail_name: str
    thumbnail_size: int
    duration_s: float


class NotMade(msgspec.Struct, frozen=True, tag="not_made"):
    """It cannot be made from this; another attempt would end alike. `reason` is for the clip's owner."""

    reason: str


Answer = Made | NotMade
