from collections.abc import Iterator
from fractions import Fraction

import av
import av.filter
import pytest
from av.video.frame import VideoFrame

from media.transcode.decoding import Picture
from media.transcode.fitting import SQUARE, Fitter, SharedFitter, fitted_size, shared_fitter, tag
from tests.media.transcode.clips import pictures

BLACK = 16


def rows(frame: VideoFrame, plane: int = 0) -> list[bytes]:
    data, stride = bytes(frame.planes[plane]), frame.planes[plane].line_size
    width = frame.planes[plane].width
    return [data[at * stride : at * stride + width] for at in range(frame.planes[plane].height)]


def colour(name: str, *, pixels: str, size: str = "320x180", matrix: str = "bt709", full: bool = False) -> VideoFrame:
    """A picture of one colour, converted from RGB as FFmpeg does it for this matrix and range."""
    graph = av.filter.Graph()
    chain = [
        graph.add("color", f"color={name}:size={size}:rate=30"),
        graph.add("format", "gbrp"),
        graph.add("scale", f"out_color_matrix={matrix}:out_range={'full' if full else 'limited'}"),
        graph.add("format", pixels),
        graph.add("buffersink"),
    ]
    graph.link_nodes(*chain)
    graph.configure()
    frame = graph.vpull()
    assert isinstance(frame, VideoFrame)
    frame.pts, frame.time_base = 7, Fraction(1, 90_000)
    return frame


def middle(frame: VideoFrame) -> tuple[int, ...]:
    return tuple(bytes(plane)[plane.height // 2 * plane.line_size + plane.width // 2] for plane in frame.planes)


# What red and green are in BT.709, limited range (Rec. ITU-R BT.709, items 3.2-3.5).
EXPECTED = {"red": (63, 102, 240), "lime": (173, 42, 26), "white": (235, 128, 128), "black": (16, 128, 128)}


@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.parametrize("pixels", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "nv12", "gbrp"])
@pytest.mark.parametrize(("matrix", "full"), [("bt709", False), ("bt709", True), ("bt601", False), ("bt601", True)])
def test_colours_come_out_right_from_any_format(name: str, pixels: str, matrix: str, full: bool) -> None:
    frame = colour(name, pixels=pixels, matrix=matrix, full=full)
    if pixels != "gbrp":  # which has no matrix, and is full always
        frame.colorspace, frame.color_range = {"bt709": 1, "bt601": 6}[matrix], 2 if full else 1
    tag(frame)
    fitted = Fitter(160, 90).fit(frame, SQUARE)
    assert all(abs(a - b) <= 3 for a, b in zip(middle(fitted), EXPECTED[name], strict=True)), middle(fitted)
    assert (fitted.format.name, fitted.width, fitted.height, fitted.pts) == ("yuv420p", 160, 90, 7)


@pytest.mark.parametrize(("size", "matrix"), [("1280x720", "bt709"), ("640x480", "bt601")])
def test_an_untagged_picture_is_taken_for_what_players_take_it_for(size: str, matrix: str) -> None:
    frame = colour("red", pixels="yuv420p", size=size, matrix=matrix)
    frame.colorspace, frame.color_range = 2, 0
    tag(frame)
    fitted = Fitter(320, 180).fit(frame, SQUARE)
    assert all(abs(a - b) <= 2 for a, b in zip(middle(fitted), EXPECTED["red"], strict=True))


@pytest.mark.parametrize(
    ("source", "aspect", "into", "fitted"),
    [
        ((1920, 1080), SQUARE, (1280, 720), (1280, 720)),
        ((1920, 1080), SQUARE, (854, 480), (854, 480)),  # 16:9 rounded
        ((640, 480), SQUARE, (1280, 720), (960, 720)),  # pillars
        ((1080, 1920), SQUARE, (1280, 720), (404, 720)),
        ((2560, 1080), SQUARE, (1280, 720), (1280, 540)),  # letterbox
        ((720, 576), Fraction(64, 45), (1280, 720), (1280, 720)),  # 16:9 PAL
        ((720, 576), Fraction(16, 15), (1280, 720), (960, 720)),  # 4:3 PAL
        ((16384, 2), SQUARE, (640, 360), (640, 2)),
        ((640, 480), Fraction(1, 5000), (1280, 720), (960, 720)),  # nonsense is square
    ],
)
def test_the_shape_is_kept(
    source: tuple[int, int], aspect: Fraction, into: tuple[int, int], fitted: tuple[int, int]
) -> None:
    assert fitted_size(*source, aspect, into) == fitted


def test_another_shape_gets_black_bars_and_the_size_stays() -> None:
    fitter = Fitter(320, 180)
    [wide] = pictures("640x360", 1)
    [tall] = pictures("180x320", 1)
    for frame in (wide, tall):
        tag(frame)
    assert set(rows(fitter.fit(wide, SQUARE))[90]) != {BLACK}
    fitted = fitter.fit(tall, SQUARE)
    assert (fitted.width, fitted.height) == (320, 180)
    line = rows(fitted)[90]
    left, right = line[:108], line[212:]
    assert set(left) == {BLACK}
    assert set(right) == {BLACK}
    assert len(set(line[112:208])) > 5
    assert set(rows(fitted, 1)[45][:54]) == {128}


def test_the_source_picture_is_left_as_it_is() -> None:
    [frame] = pictures("640x360", 1)
    tag(frame)
    frame.color_trc, frame.color_primaries = 1, 1
    before = [bytes(plane) for plane in frame.planes], frame.colorspace, frame.color_trc, frame.width
    fitted = Fitter(640, 360).fit(frame, SQUARE)
    fitted.pts = 99
    assert ([bytes(plane) for plane in frame.planes], frame.colorspace, frame.color_trc, frame.width) == before
    assert frame.pts != 99


def test_high_dynamic_range_is_brought_down() -> None:
    """White at the 10-bit PQ code of 203 cd/m2 (Rec. ITU-R BT.2408) is bright and without a tint, not grey."""
    frame = colour("white", pixels="yuv420p10le", size="1280x720")
    for plane in frame.planes[:1]:
        plane.update((572).to_bytes(2, "little") * (plane.buffer_size // 2))
    frame.colorspace, frame.color_trc, frame.color_primaries, frame.color_range = 9, 16, 9, 1
    tag(frame)
    luma, *chroma = middle(Fitter(320, 180).fit(frame, SQUARE))
    assert luma > 170
    assert all(abs(value - 128) <= 3 for value in chroma)


def shapes() -> Iterator[tuple[str, str]]:
    yield from (("320x180", "yuv420p"), ("180x320", "yuv420p10le"), ("64x64", "yuv444p"), ("320x180", "yuv420p"))


def test_one_fitter_takes_shape_after_shape() -> None:
    fitter = Fitter(160, 90)
    for size, pixels in shapes():
        [frame] = pictures(size, 1, pixels=pixels)
        tag(frame)
        fitted = fitter.fit(frame, SQUARE)
        assert (fitted.width, fitted.height, fitted.format.name) == (160, 90, "yuv420p")


@pytest.mark.parametrize(
    ("sizes", "largest"),
    [
        ([(854, 480), (1280, 720), (640, 360)], (1280, 720)),
        ([(404, 720), (270, 480)], (404, 720)),
        ([(1280, 720)], None),
        ([], None),
        ([(1280, 720), (1280, 720)], (1280, 720)),  # at two bit rates
        ([(1280, 720), (640, 480)], None),  # of another shape
    ],
)
def test_rungs_of_one_shape_share_the_largest_size(
    sizes: list[tuple[int, int]], largest: tuple[int, int] | None
) -> None:
    shared = shared_fitter(sizes)
    assert (shared and shared.size) == largest


def test_a_shared_picture_is_made_once_and_gives_nearly_the_same_small_one() -> None:
    [frame] = pictures("1280x720", 1)
    tag(frame)
    frame.pts, frame.time_base = 7, Fraction(1, 90_000)
    picture = Picture(frame, 7, False, SQUARE)
    shared = SharedFitter(640, 360)
    large = shared.fit(picture)
    assert shared.fit(picture) is large
    small, direct = Fitter(320, 180).fit(large, SQUARE), Fitter(320, 180).fit(frame, SQUARE)
    assert small.pts == 7
    pairs = [pair for rows_of in zip(rows(small), rows(direct), strict=True) for pair in zip(*rows_of, strict=True)]
    assert sum((a - b) ** 2 for a, b in pairs) / len(pairs) < 6  # 40 dB, on hard edges
