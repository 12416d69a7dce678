"""The pieces at a clip's edges."""

from itertools import pairwise
from pathlib import Path

import av
import msgspec
import pytest

from media.clips.edges import EdgeCutter
from media.clips.units import Media, load
from media.codecs import rfc6381
from media.mp4.configs import config_of
from media.packets import Packet
from media.transcode.decoding import VideoDecoder
from schemas.storage import EdgedTrack, EdgePiece, SourceTrack
from tests.media.clips.workbench import contents, lay_out, stamps_s, track_of
from tests.media.material import Material, aac, h264
from tests.media.mp4.stored import Stored, play, store
from tests.media.transcode import clips

FRAME_S = 1 / 30
BOTH = store(play(h264(), aac()))
"""7 s in segments of 2 s, with B-frames."""
PLAIN = store(play(h264(6, b_frames=0)))


def cut(stored: Stored, folder: Path, start_s: float, end_s: float, rendition: str = "video") -> EdgedTrack:
    task = lay_out(stored, folder, start_s, end_s)
    cutter = EdgeCutter(folder, start_s, end_s)
    return cutter.cut(cutter.inside(track_of(task, rendition)))


def source(stored: Stored, folder: Path, msn: int, rendition: str = "video") -> Media:
    track = next(track for track in stored.tracks if track.rendition == rendition)
    segment = next(segment for segment in track.segments if segment.msn == msn)
    return load(folder / segment.key.rpartition("/")[2], folder / segment.init_key.rpartition("/")[2])


def decoded(media: Media) -> list[av.VideoFrame]:
    decoder = VideoDecoder()
    decoder.configure(config_of(media.init))
    pictures = [
        picture
        for unit in media.units
        for picture in decoder.decode(Packet(media.init.kind, unit.dts, unit.pts, unit.is_sync, unit.data))
    ]
    pictures += decoder.drain()
    assert decoder.corrupt_packets == 0
    return [picture.frame for picture in pictures]


def difference(one: av.VideoFrame, other: av.VideoFrame) -> float:
    """Mean difference of luma."""
    first, second = bytes(one.planes[0]), bytes(other.planes[0])
    return sum(abs(a - b) for a, b in zip(first[::7], second[::7], strict=True)) / len(first[::7])


def present(piece: EdgePiece | None) -> EdgePiece:
    assert piece is not None
    return piece


def test_a_head_has_the_pictures_from_the_start_to_the_end_of_its_segment(tmp_path: Path) -> None:
    edged = cut(BOTH, tmp_path, 1.2345, 5.111)
    head = present(edged.head)
    assert (head.first_msn, head.last_msn) == (0, 0)
    assert stamps_s(contents(tmp_path, head)) == pytest.approx([number / 30 for number in range(38, 60)])
    assert (head.start_s, head.start_s + head.duration_s) == pytest.approx((38 / 30, 2.0))


def test_a_tail_has_the_pictures_up_to_the_end(tmp_path: Path) -> None:
    tail = present(cut(BOTH, tmp_path, 1.2345, 5.111).tail)
    assert (tail.first_msn, tail.last_msn) == (2, 2)
    assert stamps_s(contents(tmp_path, tail)) == pytest.approx([number / 30 for number in range(120, 154)])
    assert tail.start_s + tail.duration_s == pytest.approx(5.111, abs=0.002)


def test_pieces_show_what_the_source_shows(tmp_path: Path) -> None:
    edged = cut(BOTH, tmp_path, 1.2345, 5.111)
    for piece, msn in ((present(edged.head), 0), (present(edged.tail), 2)):
        pieces = decoded(contents(tmp_path, piece))
        sources = {frame.pts: frame for frame in decoded(source(BOTH, tmp_path, msn))}
        for frame, following in list(pairwise(pieces))[::7]:
            assert difference(frame, sources[frame.pts]) < min(2.5, difference(frame, sources[following.pts]))


def test_decode_times_go_on_into_the_next_segment(tmp_path: Path) -> None:
    units = contents(tmp_path, present(cut(BOTH, tmp_path, 1.2345, 6.0).head)).units
    following = source(BOTH, tmp_path, 1).units
    assert [after.dts - before.dts for before, after in pairwise([*units, *following])] == [3000] * 81


def test_codec_and_size_stay_those_of_the_source(tmp_path: Path) -> None:
    head = present(cut(BOTH, tmp_path, 1.2345, 6.0).head)
    config = config_of(contents(tmp_path, head).init)
    assert head.codec == rfc6381(h264().config)
    assert (config.width, config.height) == (320, 180)


@pytest.mark.parametrize(("start_s", "end_s"), [(2.0, 6.0), (2.016, 5.984), (0.0, 7.0), (0.0, 99.0)])
def test_edges_of_segments_need_no_pieces(start_s: float, end_s: float, tmp_path: Path) -> None:
    assert cut(PLAIN if end_s == 6.0 else BOTH, tmp_path, start_s, end_s) == EdgedTrack("video", None, None)


def test_a_span_inside_of_one_segment_is_one_piece(tmp_path: Path) -> None:
    edged = cut(BOTH, tmp_path, 2.5, 3.5)
    head = present(edged.head)
    assert edged.tail is None
    assert (head.first_msn, head.last_msn) == (1, 1)
    assert len(contents(tmp_path, head).units) == 30
    assert (head.start_s, head.duration_s) == pytest.approx((2.5, 1.0), abs=0.002)


def test_pictures_that_none_before_the_end_needs_are_copied(tmp_path: Path) -> None:
    tail = contents(tmp_path, present(cut(PLAIN, tmp_path, 0, 5.0).tail))
    assert [unit.data for unit in tail.units] == [unit.data for unit in source(PLAIN, tmp_path, 2).units[:30]]


def test_a_start_at_a_keyframe_inside_a_segment_is_copied(tmp_path: Path) -> None:
    stored = store(play(clips.video(frames=120, gop=30, size="160x96")), segment_s=2.0)
    head = contents(tmp_path, present(cut(stored, tmp_path, 1.0, 4.0).head))
    assert [unit.data for unit in head.units] == [unit.data for unit in source(stored, tmp_path, 0).units[30:]]


def test_sound_is_cut_between_access_units_and_copied(tmp_path: Path) -> None:
    edged = cut(BOTH, tmp_path, 1.2345, 5.111, "audio")
    head, tail = present(edged.head), present(edged.tail)
    first, last = contents(tmp_path, head), contents(tmp_path, tail)
    assert stamps_s(first)[0] <= 1.2345 < stamps_s(first)[0] + 1024 / 48_000
    assert stamps_s(last)[-1] < 5.111 <= stamps_s(last)[-1] + 1024 / 48_000
    sources = {unit.data for msn in (0, 2) for unit in source(BOTH, tmp_path, msn, "audio").units}
    assert {unit.data for unit in [*first.units, *last.units]} <= sources
    assert head.codec == "mp4a.40.2"


def test_a_segment_with_nothing_wanted_is_left_out_with_its_neighbour(tmp_path: Path) -> None:
    head = present(cut(BOTH, tmp_path, 1.985, 6.0).head)
    assert (head.first_msn, head.last_msn) == (0, 1)
    units = contents(tmp_path, head).units
    assert [unit.data for unit in units] == [unit.data for unit in source(BOTH, tmp_path, 1).units]
    tail = present(cut(BOTH, tmp_path, 0.0, 4.016).tail)
    assert (tail.first_msn, tail.last_msn) == (1, 2)


def with_gap(track: SourceTrack, msn: int) -> Stored:
    segments = [
        msgspec.structs.replace(segment, key="", size=0, is_gap=True) if segment.msn == msn else segment
        for segment in track.segments
    ]
    return Stored(BOTH.objects, [msgspec.structs.replace(track, segments=segments)])


@pytest.mark.parametrize("msn", [0, 2])
def test_a_gap_at_an_edge_stays_a_gap(msn: int, tmp_path: Path) -> None:
    edged = cut(with_gap(BOTH.tracks[0], msn), tmp_path, 1.2345, 5.111)
    assert (edged.head is None, edged.tail is None) == (msn == 0, msn == 2)


def test_a_segment_without_a_keyframe_at_its_beginning_starts_at_the_next(tmp_path: Path) -> None:
    material = h264(6, b_frames=0)
    late = [packet for packet in material.packets if packet.is_keyframe or packet.dts != 0]
    stored = store(play(Material(material.config, late)), segment_s=2.0)
    segment = stored.tracks[0].segments[1]
    init = stored.inits[segment.init_key]
    assert init is not None
    objects = dict(stored.objects)
    # The keyframe at 2 s is lost: its segment begins with what cannot be decoded.
    objects[segment.key] = objects[segment.key].replace(
        (0x02000000).to_bytes(4, "big"), (0x01010000).to_bytes(4, "big")
    )
    head = present(cut(Stored(objects, stored.tracks), tmp_path, 2.5, 6.0).head)
    assert (head.first_msn, head.last_msn) == (1, 2)
    assert head.start_s == pytest.approx(4.0)


@pytest.mark.parametrize("encoder", ["libx265", "libsvtav1"])
def test_other_codecs_stay_what_they_are(encoder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SVT_LOG", "1")
    stored = store(play(clips.video(encoder, frames=90, gop=30, size="160x96")), segment_s=1.0)
    head = present(cut(stored, tmp_path, 0.5, 3.0).head)
    media = contents(tmp_path, head)
    assert config_of(media.init).fourcc == clips.FOURCCS[encoder]
    wanted = [at_s for at_s in stamps_s(source(stored, tmp_path, 0)) if at_s >= 0.499]
    assert len(wanted) >= 15
    assert stamps_s(media) == pytest.approx(wanted)
    assert len(decoded(media)) == len(wanted)


def test_ten_bits_stay_ten_bits(tmp_path: Path) -> None:
    stored = store(play(clips.video(frames=60, gop=30, size="160x96", pixels="yuv420p10le")), segment_s=1.0)
    frames = decoded(contents(tmp_path, present(cut(stored, tmp_path, 0.5, 2.0).head)))
    assert {frame.format.name for frame in frames} == {"yuv420p10le"}
