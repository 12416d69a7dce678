"""What the child makes of a task, in this process."""

from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from media.clips.messages import Made
from media.clips.worker import NothingThere, make
from media.mp4.atoms import child
from tests.media.clips.workbench import lay_out, pictures_and_size, track_of
from tests.media.material import aac, h264
from tests.media.mp4.stored import Decoded, Stored, broken, decode, play, store
from tests.media.transcode import clips

FRAME_S = 1 / 30
BOTH = store(play(h264(), aac()))


def made(stored: Stored, folder: Path, start_s: float, end_s: float) -> tuple[Made, Decoded]:
    answer = make(lay_out(stored, folder, start_s, end_s))
    found = decode(folder / answer.mp4_name)
    assert found.complaints == []
    return answer, found


def test_the_mp4_has_one_sample_entry_for_pieces_and_source(tmp_path: Path) -> None:
    made(BOTH, tmp_path, 1.2345, 5.111)
    data = (tmp_path / "clip.mp4").read_bytes()
    entries = child(data, None, b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")
    assert data[entries.body + 4 : entries.body + 8] == b"\0\0\0\1"


@pytest.mark.parametrize("kind", ["video", "audio"])
def test_one_kind_alone_is_a_clip(kind: str, tmp_path: Path) -> None:
    answer, found = made(Stored(BOTH.objects, [BOTH.track(kind)]), tmp_path, 2.5, 3.5)
    assert bool(answer.thumbnail_name) == (kind == "video")
    assert len(found.pictures) == (30 if kind == "video" else 0)
    assert len(found.sounds) == (0 if kind == "video" else 48)
    assert answer.duration_s == pytest.approx(1.0, abs=0.001)


def test_a_discontinuity_inside_keeps_sound_and_picture_in_step(tmp_path: Path) -> None:
    _, found = made(store(broken(3, 30, h264(5, size="160x90"), aac(5))), tmp_path, 1.5, 35.0)
    assert len(found.pictures) == 45 + 60
    assert found.pictures[45] == pytest.approx(1.5, abs=0.06)  # 30 s of nothing are left out
    assert found.sounds[-1] == pytest.approx(found.pictures[-1], abs=0.06)


def test_a_gap_of_the_picture_stands_still_and_the_sound_goes_on(tmp_path: Path) -> None:
    video = BOTH.track("video")
    segments = [
        msgspec.structs.replace(segment, key="", size=0, is_gap=True) if segment.msn == 1 else segment
        for segment in video.segments
    ]
    stored = Stored(BOTH.objects, [msgspec.structs.replace(video, segments=segments), BOTH.track("audio")])
    _, found = made(stored, tmp_path, 1.0, 5.0)
    assert len(found.pictures) == 60
    assert found.pictures[30] == pytest.approx(3.0, abs=0.001)
    assert max(after - before for before, after in pairwise(found.sounds)) < 0.03


def test_a_start_in_a_gap_begins_with_what_comes_first(tmp_path: Path) -> None:
    objects = {key: data for key, data in BOTH.objects.items() if not key.endswith("-0.m4s")}
    tracks = [
        msgspec.structs.replace(
            track,
            segments=[
                msgspec.structs.replace(segment, key="", size=0, is_gap=True) if segment.msn == 0 else segment
                for segment in track.segments
            ],
        )
        for track in BOTH.tracks
    ]
    answer, found = made(Stored(objects, tracks), tmp_path, 1.0, 4.0)
    assert answer.tracks[0].head is None
    assert (found.pictures[0], found.sounds[0]) == pytest.approx((0, 0), abs=0.022)
    assert len(found.pictures) == 60


def test_the_thumbnail_is_the_first_picture(tmp_path: Path) -> None:
    answer, _ = made(BOTH, tmp_path, 2.5, 3.5)
    assert pictures_and_size((tmp_path / answer.thumbnail_name).read_bytes()) == (1, 320, 180)


def test_pictures_that_refer_to_what_was_cut_are_left_out(tmp_path: Path) -> None:
    # x265's GOPs are open: the first keyframe of a segment is shown after a picture that needs the segment before.
    stored = store(play(clips.video("libx265", frames=120, gop=30, size="160x96")), segment_s=1.0)
    _, found = made(stored, tmp_path, 0.5, 3.0)
    assert len(found.pictures) == 75 - 2  # behind the head, and in the tail
    assert max(after - before for before, after in pairwise(found.pictures)) == pytest.approx(2 / 30, abs=0.001)


@pytest.mark.parametrize(("start_s", "end_s"), [(50.0, 60.0), (7.0, 8.0)])
def test_a_span_without_media_is_nothing(start_s: float, end_s: float, tmp_path: Path) -> None:
    with pytest.raises(NothingThere):
        make(lay_out(BOTH, tmp_path, start_s, end_s))


def test_tracks_keep_their_names(tmp_path: Path) -> None:
    task = lay_out(BOTH, tmp_path, 1.0, 5.0)
    rung = msgspec.structs.replace(track_of(task, "video"), rendition="360p")
    answer = make(msgspec.structs.replace(task, tracks=[*task.tracks, rung]))
    assert [track.rendition for track in answer.tracks] == ["video", "audio", "360p"]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 6_500), st.integers(200, 6_500))
def test_any_span_begins_and_ends_where_it_should(tmp_path: Path, start_ms: int, length_ms: int) -> None:
    start_s, end_s = start_ms / 1000, min(start_ms + length_ms, 7_000) / 1000
    answer, found = made(BOTH, tmp_path, start_s, end_s)
    assert abs(answer.duration_s - (end_s - start_s)) <= FRAME_S
    assert abs(len(found.pictures) - (end_s - start_s) / FRAME_S) <= 1.5
    assert found.pictures == pytest.approx([number * FRAME_S for number in range(len(found.pictures))], abs=0.001)
    assert found.sounds[0] == pytest.approx(0, abs=0.022)
    assert found.sounds[-1] == pytest.approx(found.pictures[-1], abs=0.04)
