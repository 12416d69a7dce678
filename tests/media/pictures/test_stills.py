"""Real keyframes of every codec that comes in, and damaged ones."""

import random
from fractions import Fraction

import pytest
from av.video.frame import VideoFrame

from media.packets import CodecConfig, TrackKind
from media.pictures import jpegs, stills
from media.pictures.keyframes import BadPicture, decode
from media.pictures.sheets import Sheets
from tests.media.material import encoded_video
from tests.media.pictures.material import ORANGE, SVT_LOG, TEAL, is_near, keyframe, seen

X265 = (("x265-params", "log-level=none:open-gop=1"), ("preset", "ultrafast"))
FAST = (("preset", "veryfast"),)
VP9 = (("cpu-used", "8"), ("deadline", "realtime"))


@pytest.fixture(autouse=True)
def quiet_svt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SVT_LOG, "1")


@pytest.mark.parametrize(
    ("encoder", "fourcc", "pixels", "options"),
    [
        ("libx264", "avc1", "yuv420p", FAST),
        ("libx264", "avc1", "yuv420p10le", FAST),
        ("libx264", "avc1", "yuv444p", FAST),
        ("libx265", "hvc1", "yuv420p", X265),
        ("libx265", "hvc1", "yuv420p10le", X265),
        ("libsvtav1", "av01", "yuv420p", (("preset", "10"),)),
        ("libsvtav1", "av01", "yuv420p10le", (("preset", "10"),)),
        ("libvpx-vp9", "vp09", "yuv420p", VP9),
    ],
)
def test_every_codec_and_depth_gives_the_right_picture(
    encoder: str, fourcc: str, pixels: str, options: tuple[tuple[str, str], ...]
) -> None:
    config, packet = keyframe(encoder, fourcc, pixels=pixels, options=options)
    still = stills.take(config, packet.data, Sheets(), "s")
    size, left, right = seen(still.thumbnail)
    assert size == (640, 360)
    assert is_near(left, ORANGE), left
    assert is_near(right, TEAL), right


@pytest.mark.parametrize(("matrix", "size"), [(1, (320, 180)), (5, (1280, 720)), (9, (640, 360))])
@pytest.mark.parametrize("is_full", [False, True])
@pytest.mark.parametrize("pixels", ["yuv420p", "yuv420p10le"])
def test_matrix_and_range_are_those_of_the_stream(
    matrix: int, size: tuple[int, int], is_full: bool, pixels: str
) -> None:
    config, packet = keyframe("libx264", "avc1", size=size, matrix=matrix, is_full=is_full, pixels=pixels, options=FAST)
    _, left, right = seen(stills.take(config, packet.data, Sheets(), "s").thumbnail)
    assert is_near(left, ORANGE), left
    assert is_near(right, TEAL), right


@pytest.mark.parametrize(("matrix", "size"), [(1, (1280, 720)), (5, (640, 480))])
def test_an_unnamed_matrix_is_guessed_by_size(matrix: int, size: tuple[int, int]) -> None:
    config, packet = keyframe("libx264", "avc1", size=size, matrix=matrix, is_tagged=False, options=FAST)
    _, left, right = seen(stills.take(config, packet.data, Sheets(), "s").thumbnail)
    assert is_near(left, ORANGE, 5), left
    assert is_near(right, TEAL, 5), right


@pytest.mark.parametrize(("transfer", "white", "dark"), [(16, 253, 62), (18, 163, 76)])
def test_high_dynamic_range_is_shown_on_an_ordinary_screen(transfer: int, white: int, dark: int) -> None:
    # The signal 0.58 is the white of a page in PQ (203 cd/m2, ITU-R BT.2408), and grey in HLG.
    config, packet = keyframe(
        "libx264",
        "avc1",
        pixels="yuv420p10le",
        matrix=9,
        transfer=transfer,
        colours=((148, 148, 148), (77, 77, 77)),
        options=FAST,
    )
    _, left, right = seen(stills.take(config, packet.data, Sheets(), "s").thumbnail)
    assert is_near(left, (white, white, white)), left
    assert is_near(right, (dark, dark, dark)), right


@pytest.mark.parametrize(
    ("size", "aspect", "shown"),
    [
        ((1280, 720), Fraction(1), (640, 360)),
        ((720, 1280), Fraction(1), (640, 1138)),
        ((720, 576), Fraction(64, 45), (640, 360)),
        ((320, 240), Fraction(1), (320, 240)),
        ((64, 1024), Fraction(1), (64, 1024)),
        ((1280, 720), Fraction(100), (640, 360)),
    ],
)
def test_the_thumbnail_keeps_the_shape_and_is_never_enlarged(
    size: tuple[int, int], aspect: Fraction, shown: tuple[int, int]
) -> None:
    config, packet = keyframe("libx264", "avc1", size=size, aspect=aspect, options=FAST)
    assert seen(stills.take(config, packet.data, Sheets(), "s").thumbnail)[0] == shown


def test_a_strip_of_a_picture_fits_the_box() -> None:
    assert jpegs.fit(64, 4320, 640, 1138) == (16, 1138)
    assert jpegs.fit(8192, 2, 640, 1138) == (640, 2)


def test_every_keyframe_of_an_open_gop_gives_its_picture() -> None:
    options = {"x264-params": "annexb=0:scenecut=0:keyint=30:min-keyint=30:bframes=3:open-gop=1"}
    material = encoded_video("libx264", "avc1", options, frames=70, size="320x180")
    keyframes = [packet for packet in material.packets if packet.is_keyframe]
    assert len(keyframes) == 3
    for packet in keyframes:
        frame, _ = decode(material.config, packet.data)
        assert (frame.width, frame.height) == (320, 180)


def test_an_open_gop_without_a_recovery_point_gives_its_picture_too() -> None:
    options = {"x264-params": "annexb=0:scenecut=0:keyint=30:min-keyint=30:bframes=3:open-gop=1"}
    material = encoded_video("libx264", "avc1", options, frames=40, size="320x180")
    data = [packet for packet in material.packets if packet.is_keyframe][1].data
    kept = b""
    while data:
        size = 4 + int.from_bytes(data[:4], "big")
        assert data[4] & 31 != 5, "no IDR"
        if data[4] & 31 != 6:  # all but the SEI
            kept += data[:size]
        data = data[size:]
    frame, _ = decode(material.config, kept)
    assert frame.width == 320


def test_a_picture_of_noise_is_coded_more_coarsely() -> None:
    noise = random.Random(1)
    frame = VideoFrame(640, 360, jpegs.FORMAT)
    for plane in frame.planes:
        plane.update(noise.randbytes(plane.buffer_size))
    finest, coarser, coarsest = (jpegs.encode(frame, quantisers=(each,), most_bytes=0) for each in (3, 6, 31))
    assert len(finest) > len(coarser) > len(coarsest)
    assert jpegs.encode(frame, quantisers=(3, 6, 31), most_bytes=len(coarser)) == coarser
    assert jpegs.encode(frame, quantisers=(3, 31), most_bytes=1) == coarsest


def test_a_rich_picture_stays_small() -> None:
    material = encoded_video("libx264", "avc1", {"crf": "18", "x264-params": "annexb=0"}, frames=1, size="1920x1080")
    packet = material.packets[0]
    still = stills.take(material.config, packet.data, Sheets(), "s")
    assert 10_000 < len(still.thumbnail) <= stills.MOST_BYTES


@pytest.mark.parametrize(
    ("encoder", "fourcc", "options"),
    [("libx264", "avc1", FAST), ("libx265", "hvc1", X265), ("libsvtav1", "av01", (("preset", "10"),))],
)
def test_damage_gives_bad_picture_or_a_picture_and_spoils_nothing(
    encoder: str, fourcc: str, options: tuple[tuple[str, str], ...]
) -> None:
    config, packet = keyframe(encoder, fourcc, options=options)
    size = len(packet.data)
    for broken in (b"", b"\0" * 50, packet.data[: size // 2], packet.data[: size // 3] + b"\xff" * 99, packet.data[7:]):
        try:
            stills.take(config, broken, Sheets(), "s")
        except BadPicture:
            continue
    assert is_near(seen(stills.take(config, packet.data, Sheets(), "s").thumbnail)[1], ORANGE)


def test_a_keyframe_with_a_hole_is_no_picture() -> None:
    material = encoded_video("libx264", "avc1", {"crf": "18", "x264-params": "annexb=0"}, frames=1, size="640x360")
    data = material.packets[0].data
    middle = len(data) // 2
    flipped = data[:middle] + bytes((data[middle] ^ 0xFF,)) + data[middle + 1 :]
    for broken in (data[:middle], data[:-3], flipped):
        with pytest.raises(BadPicture, match="avc1"):
            decode(material.config, broken)


def test_a_picture_beyond_8k_is_refused_before_it_is_decoded() -> None:
    config, packet = keyframe("libx264", "avc1", size=(8208, 4400), options=(("preset", "ultrafast"),))
    with pytest.raises(BadPicture):
        decode(config, packet.data)


def test_an_unknown_codec_is_no_picture() -> None:
    with pytest.raises(BadPicture, match="no decoder of mp4v"):
        decode(CodecConfig(TrackKind.VIDEO, "mp4v", b""), b"data")
