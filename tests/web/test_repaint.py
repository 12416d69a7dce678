"""Uploaded pictures painted anew: sizes, proportions, movement, and what is refused."""

import io
import struct
import zlib

import pytest
from PIL import Image, ImageDraw

from web.repaint import FRAMES_MAX, PIXELS_MAX, SIDE_MAX, Outcome, repaint

RED, CLEAR = (255, 0, 0, 255), (0, 0, 0, 0)


def picture(size: tuple[int, int] = (112, 112), *, format_: str = "PNG", color: tuple[int, ...] = RED) -> bytes:
    mode = "RGBA" if len(color) == 4 else "RGB"
    return encoded(Image.new(mode, size, color), format_)


def encoded(image: Image.Image, format_: str, **options: object) -> bytes:
    content = io.BytesIO()
    image.save(content, format_, **options)
    return content.getvalue()


def moving(frames: int, format_: str, *, size: int = 64, duration_ms: int = 50) -> bytes:
    images = []
    for n in range(frames):
        image = Image.new("RGBA", (size, size), CLEAR)
        ImageDraw.Draw(image).rectangle((n % size, 0, n % size + 9, size), fill=RED)
        images.append(image)
    options = {"save_all": True, "append_images": images[1:], "duration": duration_ms, "loop": 0}
    return encoded(images[0], format_, **options)


def opened(outcome: Outcome) -> list[Image.Image]:
    assert outcome.refusal == ""
    images: list[Image.Image] = [Image.open(io.BytesIO(each.content)) for each in outcome.pictures]
    assert [image.format for image in images] == ["WEBP"] * 3
    assert [(each.width, each.height) for each in outcome.pictures] == [image.size for image in images]
    return images


@pytest.mark.parametrize("format_", ["PNG", "WEBP", "GIF", "AVIF"])
def test_all_kinds_become_three_sizes_of_webp(format_: str) -> None:
    outcome = repaint(picture(format_=format_))
    assert [image.size for image in opened(outcome)] == [(28, 28), (56, 56), (112, 112)]
    assert [each.scale for each in outcome.pictures] == [1, 2, 4]
    assert not outcome.is_animated


@pytest.mark.parametrize(
    ("size", "smallest"),
    [((200, 100), (56, 28)), ((50, 100), (14, 28)), ((4096, 8), (84, 1)), ((8, 4096), (1, 28)), ((1, 1), (28, 28))],
)
def test_proportions_are_kept(size: tuple[int, int], smallest: tuple[int, int]) -> None:
    assert opened(repaint(picture(size)))[0].size == smallest


@pytest.mark.parametrize("format_", ["GIF", "WEBP", "PNG", "AVIF"])
def test_what_moves_goes_on_moving(format_: str) -> None:
    outcome = repaint(moving(12, format_))
    assert outcome.is_animated
    for image in opened(outcome):
        assert image.n_frames == 12  # type: ignore[attr-defined]
        image.seek(5)
        image.load()
        assert image.info["duration"] == 50


def test_frames_that_are_shown_for_no_time_are_shown_as_browsers_do() -> None:
    outcome = repaint(moving(3, "GIF", duration_ms=0))
    image = opened(outcome)[0]
    image.seek(1)
    image.load()
    assert image.info["duration"] == 100


def test_transparency_stays() -> None:
    image = Image.new("RGBA", (112, 112), CLEAR)
    ImageDraw.Draw(image).ellipse((0, 0, 111, 111), fill=RED)
    for each in opened(repaint(encoded(image, "PNG"))):
        pixels = each.convert("RGBA")
        assert pixels.getpixel((0, 0))[3] < 8  # type: ignore[index]
        assert pixels.getpixel((each.width // 2, each.height // 2)) == RED


def test_nothing_but_pixels_goes_along() -> None:
    exif = Image.Exif()
    exif[0x010E] = "where I live"
    image = Image.new("RGB", (64, 64), (0, 0, 255))
    for format_ in ("PNG", "WEBP"):
        content = encoded(image, format_, exif=exif, icc_profile=b"profile" * 50, xmp=b"<secret/>")
        assert b"where I live" in content
        for each in opened(repaint(content)):
            assert not {"exif", "icc_profile", "xmp"} & each.info.keys()


def test_a_photo_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned
    outcome = repaint(encoded(Image.new("RGB", (100, 50), (0, 0, 255)), "WEBP", exif=exif))
    assert opened(outcome)[0].size == (14, 28)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "must be a PNG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>", "must be a PNG"),
        (b"GIF89a", "must be a PNG"),
        (picture()[:60], "broken"),
        (picture(format_="JPEG", color=(1, 2, 3)), "must be a PNG"),
        (picture(format_="TIFF"), "must be a PNG"),
        (picture(color=CLEAR), "nothing to see"),
    ],
    ids=["nothing", "SVG", "no picture", "half a picture", "JPEG", "TIFF", "invisible"],
)
def test_what_is_no_emote_is_refused(content: bytes, why: str) -> None:
    outcome = repaint(content)
    assert why in outcome.refusal
    assert outcome.pictures == []


def bomb(side: int) -> bytes:
    """A PNG of so many black pixels, in few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * ((side // 8 + 1) * side), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (bomb(SIDE_MAX + 1), f"at most {SIDE_MAX} pixels"),
        (bomb(30_000), ""),
        (moving(FRAMES_MAX + 1, "GIF", size=16), f"at most {FRAMES_MAX} frames"),
        (moving(50, "GIF", size=1000), "too large"),
    ],
    ids=["too wide", "a bomb", "too many frames", "too many pixels"],
)
def test_pictures_that_are_too_much_are_refused(content: bytes, why: str) -> None:
    assert PIXELS_MAX < 50 * 1000 * 1000
    outcome = repaint(content)
    assert outcome.refusal
    assert why in outcome.refusal
