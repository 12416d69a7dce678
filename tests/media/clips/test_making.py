"""Clips as the storage process has them made: a real child, a real store."""

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from config.objects.files import FileStore
from config.objects.store import NoSuchObject
from media.clips import making
from media.clips.making import CannotMake, ChildFailed, check, make_clip
from schemas.ids import ChannelId, ClipId
from schemas.storage import MakeClip, SourceTrack
from tests.media.clips.workbench import pictures_and_size
from tests.media.material import aac, h264
from tests.media.mp4.stored import Stored, decode, play, store

services = pytest.mark.services

BOTH = store(play(h264(), aac()))
RUNG = [
    msgspec.structs.replace(segment, key=segment.key if segment.msn != 1 else "recordings/not/there.m4s")
    for segment in BOTH.track("video").segments
]
WITH_RUNG = [*BOTH.tracks, SourceTrack("360p", "video", RUNG)]
"""A second rendition with pictures, of which only the edges are needed, and only they are there."""


class Stores:
    def __init__(self, kept: FileStore) -> None:
        self.kept = kept

    def of(self, key: str) -> FileStore:
        return self.kept


@pytest.fixture
async def stores(tmp_path: Path) -> AsyncIterator[Stores]:
    kept = FileStore(tmp_path / "objects")
    yield Stores(kept)
    await kept.close()


def job(tracks: list[SourceTrack], start_s: float = 1.2345, end_s: float = 5.111) -> MakeClip:
    return MakeClip(ClipId("clip1"), ChannelId("channel"), start_s, end_s, "A clip", tracks)


async def fill(stores: Stores, stored: Stored) -> None:
    for key, data in stored.objects.items():
        await stores.kept.put(key, data)


@services
async def test_pieces_mp4_and_thumbnail_are_in_storage(stores: Stores, tmp_path: Path) -> None:
    await fill(stores, BOTH)
    made = await make_clip(job(WITH_RUNG), stores, tmp_path)
    assert [track.rendition for track in made.tracks] == ["video", "audio", "360p"]
    names = {made.mp4_name: made.mp4_size, made.thumbnail_name: made.thumbnail_size}
    for track in made.tracks:
        for piece in (track.head, track.tail):
            assert piece is not None
            names |= {piece.name: piece.size, piece.init_name: piece.init_size}
    assert len(names) == 14
    for name, size in names.items():
        info = await stores.kept.head(f"clips/channel/clip1/{name}")
        assert info is not None
        assert info.size == size
    (tmp_path / "clip.mp4").write_bytes(await stores.kept.get(f"clips/channel/clip1/{made.mp4_name}"))
    found = decode(tmp_path / "clip.mp4")
    assert found.complaints == []
    assert len(found.pictures) == 116
    assert (found.pictures[0], found.sounds[0]) == pytest.approx((0, 0), abs=0.001)
    assert made.duration_s == pytest.approx(5.111 - 38 / 30, abs=0.001)
    assert pictures_and_size(await stores.kept.get(f"clips/channel/clip1/{made.thumbnail_name}")) == (1, 320, 180)
    assert [path for path in tmp_path.iterdir() if path.name.startswith("clip-")] == []
    again = await make_clip(job(WITH_RUNG), stores, tmp_path)
    assert again == made  # a name never stands for other bytes, and a repeated job leaves nothing behind


@services
async def test_media_that_is_no_media_is_said_to_the_owner(stores: Stores, tmp_path: Path) -> None:
    await fill(stores, Stored(dict.fromkeys(BOTH.objects, b"no media at all"), []))
    with pytest.raises(CannotMake, match="cannot be read"):
        await make_clip(job(BOTH.tracks), stores, tmp_path)


@services
async def test_a_missing_object_is_told_as_such(stores: Stores, tmp_path: Path) -> None:
    with pytest.raises(NoSuchObject):
        await make_clip(job(BOTH.tracks), stores, tmp_path)


@services
@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import sys; sys.exit(3)", "exit code 3"),
        (f"import os; os.kill(os.getpid(), {int(signal.SIGKILL)})", "signal 9"),
        ("print('{}')", "ValidationError"),
        ("print('x' * 1_000_000)", "endless"),
        ("import time; time.sleep(60)", "no answer"),
    ],
)
async def test_a_child_that_fails_is_told_of_and_gone(
    code: str, words: str, stores: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(stores, BOTH)
    monkeypatch.setattr(making, "COMMAND", (making.COMMAND[0], "-c", code))
    monkeypatch.setattr(making, "DEADLINE_S", 0.5 if words == "no answer" else 60.0)
    with pytest.raises(ChildFailed, match=words):
        await make_clip(job(BOTH.tracks), stores, tmp_path)


@services
async def test_the_child_knows_no_secret(stores: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(stores, BOTH)
    monkeypatch.setenv("TALLY_SECRET", "a secret of the house")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another secret")
    answer = "import json, os; print(json.dumps({'type': 'not_made', 'reason': ' '.join(os.environ)}))"
    monkeypatch.setattr(making, "COMMAND", (making.COMMAND[0], "-c", answer))
    with pytest.raises(CannotMake) as caught:
        await make_clip(job(BOTH.tracks), stores, tmp_path)
    assert "PATH" in str(caught.value).split()
    assert not {"TALLY_SECRET", "AWS_SECRET_ACCESS_KEY"} & set(str(caught.value).split())


@pytest.mark.parametrize(
    "change",
    [
        {"end_s": 1.0},
        {"end_s": float("nan")},
        {"end_s": 1000.0},
        {"tracks": []},
        {"tracks": BOTH.tracks * 20},
        {"tracks": [msgspec.structs.replace(BOTH.tracks[0], rendition="../video")]},
        {"tracks": [msgspec.structs.replace(BOTH.tracks[0], segments=BOTH.tracks[0].segments[::-1])]},
        {"clip_id": "../other"},
    ],
)
def test_jobs_that_cannot_be_are_refused(change: dict[str, object]) -> None:
    check(job(BOTH.tracks))
    with pytest.raises(CannotMake):
        check(msgspec.structs.replace(job(BOTH.tracks), **change))
