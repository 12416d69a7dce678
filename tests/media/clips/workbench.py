"""A directory as the storage process prepares it for the clip child, and what came out of it."""

import io
from fractions import Fraction
from pathlib import Path

import av
import msgspec

from media.clips.messages import ClipTask
from media.clips.units import Media, load
from schemas.storage import EdgePiece, SourceTrack
from tests.media.mp4.stored import Stored


def lay_out(stored: Stored, folder: Path, start_s: float, end_s: float) -> ClipTask:
    """Put everything in storage into the directory and return the task."""
    for key, data in stored.objects.items():
        (folder / file_of(key)).write_bytes(data)
    tracks = [
        msgspec.structs.replace(
            track,
            segments=[
                msgspec.structs.replace(segment, key=file_of(segment.key), init_key=file_of(segment.init_key))
                for segment in track.segments
            ],
        )
        for track in stored.tracks
    ]
    return ClipTask(str(folder), start_s, end_s, "A clip", 1_700_000_000, tracks)


def file_of(key: str) -> str:
    return key.rpartition("/")[2]


def contents(folder: Path, piece: EdgePiece) -> Media:
    assert (folder / piece.name).stat().st_size == piece.size
    assert (folder / piece.init_name).stat().st_size == piece.init_size
    return load(folder / piece.name, folder / piece.init_name)


def stamps_s(media: Media) -> list[float]:
    """When each unit is presented, in seconds of media time."""
    return sorted(float(Fraction(unit.pts, media.init.timescale)) for unit in media.units)


def track_of(task: ClipTask, rendition: str) -> SourceTrack:
    return next(track for track in task.tracks if track.rendition == rendition)


def pictures_and_size(jpeg: bytes) -> tuple[int, int, int]:
    with av.open(io.BytesIO(jpeg), "r", format="jpeg_pipe") as container:
        frames = list(container.decode(video=0))
    return len(frames), frames[0].width, frames[0].height
