"""`python -m media clip`: makes one clip of files in a directory, says what it made, and ends.

It decodes what strangers sent, so it knows no settings and no secrets, and is limited in all that it may use.
"""

import os
import resource
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import av.logging
import msgspec

from media.clips.edges import EdgeCutter
from media.clips.messages import Answer, ClipTask, Made, NotMade
from media.clips.recoding import CannotRecode
from media.clips.units import load
from media.mp4 import avcc, faststart, holes
from media.mp4.atoms import BadMedia
from media.mp4.configs import config_of
from media.mp4.segments import read_init
from media.pictures import jpegs, keyframes, stills
from schemas.storage import EdgedTrack, EdgePiece, SourceSegment, SourceTrack

NICENESS = 15
"""Below what has a deadline, and below the pictures of live streams."""
MEMORY_BYTES = 2 << 30
"""Of data: a segment of 4K with its decoder and encoder takes 700 MB."""
FILE_BYTES = 4 << 30
CPU_S = 900
"""The storage process ends it sooner, unless it is gone."""
MAX_TASK_BYTES = 4 << 20
MP4_NAME, THUMBNAIL_NAME = "clip.mp4", "thumbnail.jpg"
NO_MEDIA = "There is nothing in this span."


class NothingThere(Exception):
    """No track has media in the span."""


def main() -> None:
    """Read the task, work, and write the answer."""
    # What libraries print must not come into the answer.
    answer = os.dup(1)
    os.dup2(2, 1)
    os.nice(NICENESS)
    for kind, limit in (
        (resource.RLIMIT_DATA, MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (limit, limit))
    os.environ["SVT_LOG"] = "1"  # SVT-AV1 prints at will
    av.logging.set_level(None)
    task = msgspec.json.decode(sys.stdin.buffer.read(MAX_TASK_BYTES), type=ClipTask)
    with os.fdopen(answer, "wb") as out:
        out.write(msgspec.json.encode(_answer(task)))


def _answer(task: ClipTask) -> Answer:
    try:
        return make(task)
    except NothingThere:
        return NotMade(NO_MEDIA)
    except (BadMedia, CannotRecode, keyframes.BadPicture) as error:
        return NotMade(f"Its media cannot be read: {error}.")
    except MemoryError:
        return NotMade("Its pictures are too large.")


def make(task: ClipTask) -> Made:
    """Make everything that belongs to a clip. Raises what `_answer` makes sentences of, and `OSError`."""
    directory = Path(task.directory)
    cutter = EdgeCutter(directory, task.start_s, task.end_s)
    inside = [cutter.inside(track) for track in task.tracks]
    edged = [cutter.cut(track) for track in inside]
    chosen: dict[str, SourceTrack] = {}
    for track, edges in zip(inside, edged, strict=True):
        whole = _with_pieces(track, edges)
        if whole.segments:
            chosen.setdefault(track.kind, whole)
    if not chosen:
        raise NothingThere
    tracks = [chosen[kind] for kind in ("video", "audio") if kind in chosen]
    size, duration_s = _write_movie(directory, task, tracks)
    thumbnail = _thumbnail(directory, chosen["video"]) if "video" in chosen else b""
    if thumbnail:
        (directory / THUMBNAIL_NAME).write_bytes(thumbnail)
    return Made(edged, MP4_NAME, size, THUMBNAIL_NAME if thumbnail else "", len(thumbnail), duration_s)


def _with_pieces(track: SourceTrack, edges: EdgedTrack) -> SourceTrack:
    """Return the track as it is played: pieces instead of what they stand for, without gaps."""
    pieces = [piece for piece in (edges.head, edges.tail) if piece is not None]
    replaced = {msn for piece in pieces for msn in range(piece.first_msn, piece.last_msn + 1)}
    kept = [segment for segment in track.segments if segment.msn not in replaced and not segment.is_gap]
    own = [_as_segment(piece) for piece in pieces]
    return msgspec.structs.replace(track, segments=sorted([*kept, *own], key=lambda segment: segment.msn))


def _as_segment(piece: EdgePiece) -> SourceSegment:
    return SourceSegment(piece.first_msn, piece.name, piece.init_name, piece.size, piece.start_s, piece.duration_s)


def _write_movie(directory: Path, task: ClipTask, tracks: list[SourceTrack]) -> tuple[int, float]:
    """Return the size and how long it plays."""
    segments = [
        _in_one_entry(_movie_segments(directory, track, own))
        for track, own in zip(tracks, holes.shifts(tracks), strict=True)
    ]
    return faststart.write(
        directory / MP4_NAME,
        segments,
        Fraction(task.start_s),
        Fraction(task.end_s),
        title=task.title,
        created_s=task.created_s,
    )


def _movie_segments(directory: Path, track: SourceTrack, shifts: Sequence[Fraction]) -> list[faststart.Segment]:
    befores: list[SourceSegment | None] = [None, *track.segments]
    return [
        faststart.Segment(
            directory / segment.key,
            read_init((directory / segment.init_key).read_bytes()),
            shift_s,
            is_joined=before is not None and before.init_key == segment.init_key and before.msn + 1 == segment.msn,
        )
        for before, segment, shift_s in zip(befores, track.segments, shifts, strict=False)
    ]


def _in_one_entry(segments: list[faststart.Segment]) -> list[faststart.Segment]:
    """Let what was coded anew share the sample entry of what was not, where the codec has a way."""
    init = avcc.joined([segment.init for segment in segments])
    return segments if init is None else [msgspec.structs.replace(segment, init=init) for segment in segments]


def _thumbnail(directory: Path, track: SourceTrack) -> bytes:
    for segment in track.segments:
        media = load(directory / segment.key, directory / segment.init_key)
        unit = next((unit for unit in media.units if unit.is_sync), None)
        if unit is not None:
            frame, aspect = keyframes.decode(config_of(media.init), unit.data)
            size = jpegs.fit(frame.width, frame.height, stills.WIDTH, stills.MOST_HEIGHT, aspect)
            picture = jpegs.reduced(frame, *size)
            return jpegs.encode(picture, quantisers=stills.QUANTISERS, most_bytes=stills.MOST_BYTES)
    return b""
