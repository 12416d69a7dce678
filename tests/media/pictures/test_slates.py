"""Slates as the child makes them, decoded again."""

from fractions import Fraction
from pathlib import Path

import av
import pytest
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace

from media.codecs import rfc6381
from media.codecs.h264 import parse_avcc
from media.pictures import loops
from media.pictures.slates import SlateClip, SlateProfile, profile_of, usual_rate
from tests.media.pictures.material import ORANGE, TEAL, is_near, mean, two_colours


def decoded(clip: SlateClip) -> list[VideoFrame]:
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.extradata = clip.config.record
    frames: list[VideoFrame] = []
    for packet in clip.packets:
        frames += decoder.decode(av.Packet(packet.data))
    return [*frames, *decoder.decode(None)]


def in_rgb(frame: VideoFrame) -> VideoFrame:
    return frame.reformat(
        format="rgb24",
        src_colorspace=Colorspace.ITU709,
        src_color_range=ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
    )


def saved(path: Path, frame: VideoFrame, codec: str, pixels: str) -> Path:
    with av.open(str(path), "w", format="image2", options={"update": "1"}) as container:
        track = container.add_stream(codec, rate=1)
        assert isinstance(track, av.VideoStream)
        track.width, track.height, track.pix_fmt = frame.width, frame.height, pixels
        frame.pts, frame.time_base = 0, Fraction(1)
        container.mux(track.encode(frame))
        container.mux(track.encode(None))
    return path


@pytest.mark.parametrize(
    ("profile", "frames", "duration", "level"),
    [
        (profile_of(1280, 720, 30), 60, 180_000, 31),
        (profile_of(854, 480, 29.97), 60, 180_180, 31),
        (profile_of(1920, 1080, 60), 120, 180_000, 42),
        (profile_of(640, 360, 25), 50, 180_000, 30),
        (profile_of(720, 1280, 24), 48, 180_000, 31),
    ],
)
def test_a_slate_is_one_keyframe_and_a_loop_in_the_shape_of_the_profile(
    profile: SlateProfile, frames: int, duration: int, level: int
) -> None:
    slate = loops.make(profile, "")
    clip = slate.clip
    assert slate.trouble == ""
    assert [packet.is_keyframe for packet in clip.packets] == [True] + [False] * (frames - 1)
    assert clip.packets[0].dts == 0
    assert all(packet.dts == packet.pts for packet in clip.packets)
    steps = {b.dts - a.dts for a, b in zip(clip.packets, clip.packets[1:], strict=False)}
    assert max(steps) - min(steps) <= 1
    assert clip.duration == duration
    assert 0 < clip.duration - clip.packets[-1].dts <= max(steps)
    shown = decoded(clip)
    assert len(shown) == frames
    assert (shown[0].width, shown[0].height) == (profile.width, profile.height)
    assert (clip.config.width, clip.config.height) == (profile.width, profile.height)
    record = parse_avcc(clip.config.record)
    assert record.profile == 100
    assert record.nal_length_size == 4
    assert record.level <= level
    assert rfc6381(clip.config).startswith("avc1.6400")
    assert sum(len(packet.data) for packet in clip.packets) * 8 / 2 < 500_000, "bits per second"


def test_the_first_packet_is_an_idr_with_lengths() -> None:
    data = loops.make(profile_of(640, 360, 30), "").clip.packets[0].data
    kinds = []
    while data:
        size = int.from_bytes(data[:4], "big")
        kinds.append(data[4] & 31)
        data = data[4 + size :]
    assert kinds[-1] == 5


def test_our_slate_is_calm_dark_and_has_a_lamp() -> None:
    frame = in_rgb(decoded(loops.make(profile_of(1280, 720, 30), "").clip)[-1])
    ground = (13, 14, 17)
    assert is_near(mean(frame, 20), ground, 4)
    assert is_near(mean(frame, 640, 4, 265, 8), (168, 51, 46), 12)


def test_an_upright_slate_shows_ours_larger_without_bars() -> None:
    frame = in_rgb(decoded(loops.make(profile_of(720, 1280, 30), "").clip)[-1])
    for top in (4, 1260):
        assert is_near(mean(frame, 360, 100, top, 8), (13, 14, 17), 4)
    row = [mean(frame, column, 2, 660, 100) for column in range(60, 660, 4)]
    lit = [60 + 4 * place for place, colour in enumerate(row) if min(colour) > 40]
    assert lit[-1] - lit[0] > 720 * 0.6, "the words take most of the width"
    assert lit[0] > 40
    assert lit[-1] < 680


@pytest.mark.parametrize(("codec", "pixels", "name"), [("png", "rgb24", "a.png"), ("mjpeg", "yuvj420p", "a.jpg")])
def test_the_operators_picture_is_shown_whole_with_bars(tmp_path: Path, codec: str, pixels: str, name: str) -> None:
    source = two_colours(400, 400).reformat(
        format=pixels,
        dst_colorspace=Colorspace.ITU601,
        src_color_range=ColorRange.JPEG,
        dst_color_range=ColorRange.JPEG,
    )
    slate = loops.make(profile_of(640, 360, 30), str(saved(tmp_path / name, source, codec, pixels)))
    assert slate.trouble == ""
    frame = in_rgb(decoded(slate.clip)[0])
    assert is_near(mean(frame, 60), (0, 0, 0))
    assert is_near(mean(frame, 230), ORANGE, 10), mean(frame, 230)
    assert is_near(mean(frame, 410), TEAL, 10), mean(frame, 410)
    assert is_near(mean(frame, 580), (0, 0, 0))


def test_what_is_transparent_is_black(tmp_path: Path) -> None:
    frame = two_colours(400, 400).reformat(format="rgba")
    plane = frame.planes[0]
    clear = bytearray(plane)
    clear[3::4] = bytes(len(clear) // 4)
    plane.update(bytes(clear))
    slate = loops.make(profile_of(640, 360, 30), str(saved(tmp_path / "a.png", frame, "png", "rgba")))
    assert slate.trouble == ""
    assert is_near(mean(in_rgb(decoded(slate.clip)[0]), 230), (0, 0, 0))


def test_a_picture_that_cannot_be_read_gives_ours_and_the_reason(tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    ours = loops.make(profile_of(320, 180, 30), "").clip
    for path in (broken, tmp_path / "none.png"):
        slate = loops.make(profile_of(320, 180, 30), str(path))
        assert path.name in slate.trouble or "Invalid data" in slate.trouble
        assert [packet.data for packet in slate.clip.packets] == [packet.data for packet in ours.packets]


@pytest.mark.parametrize(
    ("given", "usual"),
    [
        (29.97, Fraction(30000, 1001)),
        (29.9, Fraction(30000, 1001)),
        (30.02, Fraction(30)),
        (59.94, Fraction(60000, 1001)),
        (24.9, Fraction(25)),
        (23.976, Fraction(24000, 1001)),
        (144, Fraction(60)),
        (1, Fraction(10)),
        (0, Fraction(30)),
    ],
)
def test_rates_are_rounded_to_usual_ones(given: float, usual: Fraction) -> None:
    assert usual_rate(given) == usual
    assert usual_rate(float(usual)) == usual, "a rounded rate stays"


def test_sides_are_even_and_possible() -> None:
    assert profile_of(853, 479, 30) == SlateProfile(854, 480, 30)
    assert profile_of(2, 20_000, 30) == SlateProfile(32, 8192, 30)
