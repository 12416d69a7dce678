"""Files written in one pass, and what the static FFmpeg makes of them."""

from itertools import pairwise
from pathlib import Path

import av
import msgspec
import pytest

from media.mp4.atoms import BadMedia, boxes
from media.mp4.streamed import StreamedMovie
from tests.media.material import Material, aac, h264
from tests.media.mp4.stored import Decoded, Stored, broken, decode, later, play, store
from tests.media.transcode import clips

FRAME_S, STEP_S = 1 / 30, 0.04
"""A picture's time; and what sound and picture may be apart."""


def written(stored: Stored, path: Path) -> bytes:
    movie = StreamedMovie(stored.tracks, stored.inits, title="A stream", created_s=1_700_000_000)
    chunks = [movie.head()]
    for piece in movie.pieces:
        data = stored.objects[piece.segment.key]
        chunks.append(movie.take(data))
    path.write_bytes(b"".join([*chunks, movie.tail()]))
    return path.read_bytes()


def decoded(stored: Stored, folder: Path) -> Decoded:
    written(stored, folder / "out.mp4")
    found = decode(folder / "out.mp4")
    assert found.complaints == []
    return found


def test_every_picture_and_sound_is_there_at_its_time(tmp_path: Path) -> None:
    found = decoded(store(play(h264(5), aac(5))), tmp_path)
    assert found.pictures == pytest.approx([number * FRAME_S for number in range(150)], abs=1e-4)
    assert len(found.sounds) == len(aac(5).packets) - 1  # the encoder's first one is before 0
    assert found.sounds[0] == pytest.approx(0, abs=1e-4)


def test_the_segments_stand_in_the_file_as_they_are(tmp_path: Path) -> None:
    stored = store(play(h264(5), aac(5)))
    data = written(stored, tmp_path / "out.mp4")
    assert [box.kind for box in boxes(data)] == [b"ftyp", b"mdat", b"moov"]
    payload = next(box for box in boxes(data) if box.kind == b"mdat")
    segments = sorted((s for track in stored.tracks for s in track.segments), key=lambda segment: segment.start_s)
    assert data[payload.body : payload.end] == b"".join(stored.objects[segment.key] for segment in segments)


@pytest.mark.parametrize("track", ["video", "audio"])
def test_one_track_alone_begins_at_0(track: str, tmp_path: Path) -> None:
    found = decoded(store(play(later(h264(3) if track == "video" else aac(3), 100))), tmp_path)
    first, other = (found.pictures, found.sounds) if track == "video" else (found.sounds, found.pictures)
    assert first[0] == pytest.approx(0, abs=1e-4)
    assert other == []


def test_sound_before_the_first_picture_is_cut(tmp_path: Path) -> None:
    found = decoded(store(play(later(h264(3), 0.3), aac(5))), tmp_path)
    assert found.pictures[0] == pytest.approx(0, abs=1e-4)
    assert -0.022 < found.sounds[0] < 0.022
    assert len(found.pictures) == 90


def test_a_track_that_begins_later_waits(tmp_path: Path) -> None:
    found = decoded(store(play(h264(5), later(aac(3), 1.5))), tmp_path)
    assert found.pictures[0] == pytest.approx(0, abs=1e-4)
    assert found.sounds[0] == pytest.approx(1.5, abs=0.022)


def test_time_without_any_media_is_left_out(tmp_path: Path) -> None:
    found = decoded(store(broken(3, 60, h264(3), aac(3))), tmp_path)
    assert len(found.pictures) == 180
    assert found.pictures[90] == pytest.approx(3.0, abs=0.05)
    steps = [after - before for before, after in pairwise(found.sounds)]
    assert max(steps) < 0.1


def test_a_short_hole_keeps_its_length_for_both(tmp_path: Path) -> None:
    found = decoded(store(broken(3, 1.5, h264(3), aac(3))), tmp_path)
    assert found.pictures[90] == pytest.approx(4.5, abs=0.001)
    assert min(found.sounds, key=lambda at: abs(at - 4.5)) == pytest.approx(4.5, abs=STEP_S)


def test_a_hole_of_the_picture_alone_does_not_move_the_sound(tmp_path: Path) -> None:
    picture = h264(7)
    holed = Material(picture.config, [packet for packet in picture.packets if not 2.1 < packet.dts / 90_000 < 3.9])
    found = decoded(store(play(holed, aac(7))), tmp_path)
    assert found.pictures[-1] == pytest.approx(7 - FRAME_S, abs=0.001)
    assert found.sounds == pytest.approx([number * 1024 / 48_000 for number in range(len(found.sounds))], abs=0.001)


def test_another_picture_size_has_its_own_sample_entry(tmp_path: Path) -> None:
    stored = store(broken(3, 0, h264(3, size="160x90"), aac(3)))
    data = written(stored, tmp_path / "out.mp4")
    found = decode(tmp_path / "out.mp4")
    assert found.complaints == []
    assert len(found.pictures) == 180
    assert found.pictures[90] == pytest.approx(3.0, abs=0.001)
    assert [box.kind for box in boxes(data)] == [b"ftyp", b"mdat", b"mdat", b"mdat", b"moov"]


def test_one_that_knows_the_first_configuration_only_decodes_all(tmp_path: Path) -> None:
    # As Chromium does: what it is told of a track it is told at the beginning.
    written(store(broken(3, 0, h264(3, b_frames=0), aac(3))), tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        stream = container.streams.video[0]
        decoder = av.CodecContext.create("h264", "r")
        assert isinstance(decoder, av.VideoCodecContext)
        decoder.extradata = stream.codec_context.extradata
        decoder.options = {"err_detect": "explode"}
        frames = [frame for packet in container.demux(stream) for frame in decoder.decode(av.Packet(bytes(packet)))]
    assert len(frames) >= 180


def test_another_sample_rate_keeps_step(tmp_path: Path) -> None:
    found = decoded(store(broken(3, 0, h264(3), clips.sound("aac", rate=44_100))), tmp_path)
    steps = [after - before for before, after in pairwise(found.sounds) if before > 3.1]
    assert steps == pytest.approx([1024 / 44_100] * len(steps), abs=0.0012)
    assert min(found.sounds, key=lambda at: abs(at - 3.0)) == pytest.approx(3.0, abs=STEP_S)
    assert found.sounds[-1] == pytest.approx(5.0, abs=0.1)


@pytest.mark.parametrize(
    ("picture", "sound"), [("libx265", "flac"), ("libsvtav1", "libopus"), ("libx264", "ac3"), ("libx264", "eac3")]
)
def test_other_codecs_are_carried(picture: str, sound: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SVT_LOG", "1")
    pictures, sounds = clips.video(picture, frames=45, size="160x96"), clips.sound(sound, length_s=1.5, bit_rate=96_000)
    found = decoded(store(play(pictures, sounds)), tmp_path)
    assert len(found.pictures) == 45
    assert len(found.sounds) >= len(sounds.packets) - 1  # Opus drops what it needs to warm up


def test_segments_of_a_track_stay_in_their_order() -> None:
    track = store(play(h264(5))).tracks[0]
    early = [msgspec.structs.replace(each, start_s=each.start_s - (0.1 if each.msn else 0)) for each in track.segments]
    early[2] = msgspec.structs.replace(early[2], start_s=early[1].start_s - 0.05)
    stored = store(play(h264(5)))
    movie = StreamedMovie([msgspec.structs.replace(track, segments=early)], stored.inits, title="", created_s=0)
    assert [piece.segment.msn for piece in movie.pieces] == [0, 1, 2]


def test_a_segment_of_another_size_than_announced_is_refused() -> None:
    stored = store(play(h264(3)))
    movie = StreamedMovie(stored.tracks, stored.inits, title="", created_s=0)
    with pytest.raises(BadMedia, match="announced"):
        movie.take(stored.objects[movie.pieces[0].segment.key] + b"\0")


def test_a_track_of_another_kind_than_its_media_is_refused() -> None:
    stored = store(play(h264(3)))
    wrong = msgspec.structs.replace(stored.tracks[0], kind="audio")
    with pytest.raises(BadMedia, match="audio"):
        StreamedMovie([wrong], stored.inits, title="", created_s=0)
