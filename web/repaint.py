"""Paints an uploaded picture anew, in the three sizes of an emote. A program of its own: `python -I repaint.py`.

What was uploaded is decoded by C libraries that had their holes, so this happens in a process without environment,
files or memory to waste, which may crash, hang or be killed without harm. It reads the picture from its standard input
and writes an `Outcome` as MessagePack. Imports nothing of ours: it is started for each picture.
"""

import io
import resource
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from PIL import Image

FORMATS: Final = ("PNG", "WEBP", "GIF", "AVIF")
SIDE_MAX: Final = 4096
"""Pixels."""
FRAMES_MAX: Final = 60
PIXELS_MAX: Final = 48_000_000
"""Of all frames together: what takes a second or two to decode."""
SCALES: Final = (1, 2, 4)
HEIGHT: Final = 28
"""Pixels of the smallest size; emotes stand in lines of text."""
WIDTH_MAX: Final = 3 * HEIGHT
"""Of the smallest size: wider pictures get lower."""
SHORTEST_MS, DEFAULT_MS = 20, 100
"""Frames that say they are shown for less are shown for `DEFAULT_MS`, as browsers do."""
QUALITIES: Final = (85, 60, 35)
"""Of moving pictures, one after the other until all sizes fit; what does not move is kept without loss."""
SIZE_MAX: Final = 256 * 1024
"""Bytes of a picture that is served."""
MEMORY_MAX: Final = 1 << 30
CPU_MAX_S: Final = 10


class Painted(msgspec.Struct, frozen=True, array_like=True):
    """One size."""

    scale: int
    width: int
    height: int
    content: bytes


class Outcome(msgspec.Struct, frozen=True):
    """The sizes, or why there are none: words that go behind "image"."""

    pictures: list[Painted] = []
    is_animated: bool = False
    refusal: str = ""


class Refused(Exception):
    """The picture is none for an emote; the text says why."""


def repaint(content: bytes) -> Outcome:
    """Return the picture in all sizes, or a refusal. Never raises but `MemoryError`."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            frames, durations_ms = _frames(image)
            pictures = _paint(frames, durations_ms)
        return Outcome(pictures, is_animated=len(frames) > 1)
    except Refused as refused:
        return Outcome(refusal=str(refused))
    except UnidentifiedImageError:
        return Outcome(refusal="must be a PNG, WebP, GIF or AVIF picture")
    except MemoryError:
        raise
    except Exception:  # decoders raise what they like at broken pictures, and this is the end of this process
        return Outcome(refusal="can't be read: the picture is broken")


def _frames(image: "Image.Image") -> tuple[list["Image.Image"], list[int]]:
    """Return the frames in their largest size, and for how many ms each is shown. Raises `Refused`."""
    width, height = image.size
    if max(width, height) > SIDE_MAX:
        raise Refused(f"must be at most {SIDE_MAX} pixels wide and high, not {width} x {height}")
    number = int(getattr(image, "n_frames", 1))
    if number > FRAMES_MAX:
        raise Refused(f"must have at most {FRAMES_MAX} frames, not {number}")
    if number * width * height > PIXELS_MAX:
        raise Refused(f"is too large: {number} frames of {width} x {height} pixels")
    frames, durations_ms = [], []
    for index in range(number):
        image.seek(index)
        image.load()
        frames.append(_fit(_upright(image), SCALES[-1]))
        duration_ms = round(image.info.get("duration") or 0)
        durations_ms.append(duration_ms if duration_ms >= SHORTEST_MS else DEFAULT_MS)
    if all(frame.getchannel("A").getextrema() == (0, 0) for frame in frames):
        raise Refused("has nothing to see")
    return frames, durations_ms


def _upright(image: "Image.Image") -> "Image.Image":
    from PIL import ImageOps

    return ImageOps.exif_transpose(image.convert("RGBA"))


def _fit(image: "Image.Image", scale: int) -> "Image.Image":
    """Return the image in the size of a scale, in its own proportions, and with nothing but its pixels."""
    from PIL import Image

    height, width_max = HEIGHT * scale, WIDTH_MAX * scale
    width = round(image.width * height / image.height)
    if width > width_max:
        width, height = width_max, round(image.height * width_max / image.width)
    fitted = image.resize((max(width, 1), max(height, 1)), Image.Resampling.LANCZOS)
    fitted.info.clear()
    return fitted


def _paint(frames: Sequence["Image.Image"], durations_ms: Sequence[int]) -> list[Painted]:
    for quality in QUALITIES:
        pictures = [_encode(frames, durations_ms, scale, quality) for scale in SCALES]
        if all(len(picture.content) <= SIZE_MAX for picture in pictures):
            return pictures
    raise Refused("is too large when it is made an emote: take fewer frames")


def _encode(frames: Sequence["Image.Image"], durations_ms: Sequence[int], scale: int, quality: int) -> Painted:
    fitted = [frame if scale == SCALES[-1] else _fit(frame, scale) for frame in frames]
    first, others = fitted[0], fitted[1:]
    content = io.BytesIO()
    if others:
        first.save(
            content,
            "WEBP",
            save_all=True,
            append_images=others,
            duration=list(durations_ms),
            loop=0,
            quality=quality,
            method=4,
        )
    else:
        first.save(content, "WEBP", lossless=True, quality=100, method=4)
    return Painted(scale, first.width, first.height, content.getvalue())


def main() -> None:
    """Repaint what is on the standard input."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_MAX_S, CPU_MAX_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    sys.stdout.buffer.write(msgspec.msgpack.encode(repaint(sys.stdin.buffer.read())))


if __name__ == "__main__":
    main()
