"""A clip as the storage process has it made: what it needs is fetched, a child works, what came out is stored.

Errors: `CannotMake` (it would fail again; the text is for the clip's owner), `ChildFailed` (the child died, hung or
spoke nonsense), and `StoreError`.
"""

import asyncio
import hashlib
import math
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import msgspec

from config import processes
from config.objects.keys import checked, content_type_of
from config.objects.store import ObjectStore
from media.clips.messages import MAX_ANSWER_BYTES, Answer, ClipTask, Made, NotMade
from schemas.storage import ClipMade, EdgedTrack, EdgePiece, MakeClip, SourceSegment, SourceTrack, clip_prefix

COMMAND = (sys.executable, "-m", "media", "clip")
SCRATCH_PREFIX = "clip-"
"""Of the names of directories for temporary files."""
DEADLINE_S = 600.0
"""For the child: ten edges of 1080p60 are 40 s of CPU, below everything else on the machine."""
END_S = 5.0
LONGEST_CLIP_S = 180.0
"""Longer spans are a mistake of whoever asks; web allows fewer."""
MAX_TRACKS = 16
MAX_SEGMENTS = 2_000
"""Of all tracks."""
MAX_SOURCE_BYTES = 3 << 30
"""Of all that is fetched for a clip: 120 s of 100 Mbit/s are half of it."""
NEIGHBOUR_S = 0.3
"""With less than this of a segment in the clip there may be no picture in it, and its neighbour is fetched too."""
DIGEST_DIGITS = 12
"""Of a file's SHA-256, in its name: what is made again under the same name has the same bytes."""


class StoresLike(Protocol):
    """What is needed of `config.objects.opening.Stores`."""

    def of(self, key: str) -> ObjectStore:
        """Return the store of a key."""


class CannotMake(Exception):
    """The text says why, to the clip's owner."""


class ChildFailed(Exception):
    """The text says how, to operators."""


async def make_clip(job: MakeClip, stores: StoresLike, scratch: Path) -> ClipMade:
    """Make a clip and store it. `scratch` is a directory for temporary files.

    The same job stores the same objects again.
    """
    check(job)
    with tempfile.TemporaryDirectory(prefix=SCRATCH_PREFIX, dir=scratch, ignore_cleanup_errors=True) as name:
        directory = Path(name)
        tracks = await _fetch(job, stores, directory)
        task = ClipTask(str(directory), job.start_s, job.end_s, job.title, job.created_at_ms // 1000, tracks)
        answer = await _run(task)
        if isinstance(answer, NotMade):
            raise CannotMake(answer.reason)
        return await _store(job, answer, stores, directory)


def check(job: MakeClip) -> None:
    """Raise `CannotMake` for a job that no honest web asks for."""
    segments = [segment for track in job.tracks for segment in track.segments]
    present = [segment for segment in segments if not segment.is_gap]
    if not (math.isfinite(job.start_s) and 0 < job.end_s - job.start_s <= LONGEST_CLIP_S):
        raise CannotMake(f"It does not last between 0 and {LONGEST_CLIP_S:g} seconds.")
    if len(job.tracks) > MAX_TRACKS or len(segments) > MAX_SEGMENTS:
        raise CannotMake(f"It has more than {MAX_TRACKS} renditions or {MAX_SEGMENTS} segments.")
    if not present:
        raise CannotMake("There is nothing in this span.")
    if any(after.msn <= before.msn for track in job.tracks for before, after in pairwise(track.segments)):
        raise CannotMake("Its segments are out of order.")
    try:
        for key in (key for segment in present for key in (segment.key, segment.init_key)):
            checked(key)
        checked(clip_prefix(job.channel_id, job.clip_id))
        for track in job.tracks:
            checked(track.rendition)
    except ValueError as error:
        raise CannotMake("It names media that cannot be.") from error


# --- what the child needs -----------------------------------------------------------------------------------


async def _fetch(job: MakeClip, stores: StoresLike, directory: Path) -> list[SourceTrack]:
    """Bring segments and initialization sections into the directory; return the tracks with the names of files."""
    tracks, names, total = [], dict[str, str](), 0
    for track, needed in zip(job.tracks, _needed(job), strict=True):
        own = []
        for segment in track.segments:
            key = init_key = ""
            if segment.msn in needed and not segment.is_gap:
                total += segment.size
                if total > MAX_SOURCE_BYTES:
                    raise CannotMake("Its media is too large.")
                key = await _file(segment.key, stores, directory, names)
                init_key = await _file(segment.init_key, stores, directory, names)
            own.append(msgspec.structs.replace(segment, key=key, init_key=init_key))
        tracks.append(msgspec.structs.replace(track, segments=own))
    return tracks


def _needed(job: MakeClip) -> Iterator[set[int]]:
    """Yield the numbers of the segments that each track needs: all for the MP4, else those at its edges."""
    in_movie: set[str] = set()
    for track in job.tracks:
        inside = [s for s in track.segments if s.start_s < job.end_s and s.start_s + s.duration_s > job.start_s]
        if track.kind not in in_movie and any(not segment.is_gap for segment in inside):
            in_movie.add(track.kind)
            yield {segment.msn for segment in inside}
        else:
            yield _edges(inside, job.start_s, job.end_s)


def _edges(inside: list[SourceSegment], start_s: float, end_s: float) -> set[int]:
    head = 2 if inside and inside[0].start_s + inside[0].duration_s - start_s < NEIGHBOUR_S else 1
    tail = 2 if inside and end_s - inside[-1].start_s < NEIGHBOUR_S else 1
    return {segment.msn for segment in [*inside[:head], *inside[-tail:]]}


async def _file(key: str, stores: StoresLike, directory: Path, names: dict[str, str]) -> str:
    if key not in names:
        data = await stores.of(key).get(key)
        names[key] = f"{len(names)}.{key.rpartition('.')[2]}"
        await asyncio.to_thread((directory / names[key]).write_bytes, data)
    return names[key]


# --- the child ----------------------------------------------------------------------------------------------


async def _run(task: ClipTask) -> Answer:
    """Let a child work on the task. The kernel ends it when we end; so this is for the main thread."""
    try:
        process = await processes.start_isolated(COMMAND, stdin=PIPE, stdout=PIPE)
    except OSError as error:
        raise ChildFailed(f"cannot be started: {error.strerror}") from error
    try:
        async with asyncio.timeout(DEADLINE_S):
            return await _asked(process, task)
    except TimeoutError as error:
        raise ChildFailed(f"no answer within {DEADLINE_S:g} s") from error
    except (OSError, msgspec.MsgspecError) as error:
        raise ChildFailed(f"{type(error).__name__}: {error}") from error
    finally:
        processes.kill_group(process.pid)
        async with asyncio.timeout(END_S):
            await process.wait()


async def _asked(process: Process, task: ClipTask) -> Answer:
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(ConnectionError):  # it died first: its exit code says more
        process.stdin.write(msgspec.json.encode(task))
        await process.stdin.drain()
    process.stdin.close()
    told = await process.stdout.read(MAX_ANSWER_BYTES)
    while more := await process.stdout.read(MAX_ANSWER_BYTES):
        told += more
        if len(told) > MAX_ANSWER_BYTES:
            raise ChildFailed("an endless answer")
    code = await process.wait()
    if code:
        raise ChildFailed(f"ended with exit code {code}" if code > 0 else f"was ended by signal {-code}")
    return _decoder.decode(told)


_decoder: msgspec.json.Decoder[Answer] = msgspec.json.Decoder(Answer)


# --- what came out ------------------------------------------------------------------------------------------


async def _store(job: MakeClip, made: Made, stores: StoresLike, directory: Path) -> ClipMade:
    prefix = clip_prefix(job.channel_id, job.clip_id)
    store = stores.of(prefix)

    async def keep(name: str) -> str:
        """Store a file under a name that no other bytes have."""
        path = directory / name
        if not name or Path(name).name != name or path.is_symlink() or not path.is_file():
            raise ChildFailed(f"a file {name!r} that it has not made")
        digest = await asyncio.to_thread(_digest, path)
        stem, _, end = name.rpartition(".")
        kept = f"{stem}-{digest}.{end}"
        await store.put(f"{prefix}/{kept}", path, content_type=content_type_of(kept))
        return kept

    async def kept_piece(piece: EdgePiece | None) -> EdgePiece | None:
        if piece is None:
            return None
        init_name, name = await keep(piece.init_name), await keep(piece.name)
        return msgspec.structs.replace(piece, init_name=init_name, name=name)

    tracks = [
        EdgedTrack(track.rendition, await kept_piece(track.head), await kept_piece(track.tail)) for track in made.tracks
    ]
    return ClipMade(
        clip_id=job.clip_id,
        tracks=tracks,
        mp4_name=await keep(made.mp4_name),
        mp4_size=made.mp4_size,
        thumbnail_name=await keep(made.thumbnail_name) if made.thumbnail_name else "",
        thumbnail_size=made.thumbnail_size,
        duration_s=made.duration_s,
    )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:DIGEST_DIGITS]
