"""Keyframes of real encoders that show two known colours, and eyes that read them back."""

import io
from fractions import Fraction
from functools import cache

import av
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import ColorRange, Colorspace

from media.packets import CodecConfig, Packet, TrackKind

Colour = tuple[int, int, int]
ORANGE, TEAL = (220, 120, 40), (20, 130, 140)
SVT_LOG = "SVT_LOG"
"""SVT-AV1 prints to stderr unless this variable is 1."""


def two_colours(width: int, height: int, left: Colour = ORANGE, right: Colour = TEAL) -> VideoFrame:
    """Return a picture in RGB whose halves are plain."""
    frame = VideoFrame(width, height, "rgb24")
    plane = frame.planes[0]
    line = bytes(left) * (width // 2) + bytes(right) * (width - width // 2)
    plane.update((line + bytes(plane.line_size - len(line))) * height)
    return frame


@cache
def keyframe(
    encoder: str,
    fourcc: str,
    *,
    size: tuple[int, int] = (640, 360),
    pixels: str = "yuv420p",
    matrix: int = 1,
    transfer: int = 1,
    is_full: bool = False,
    is_tagged: bool = True,
    options: tuple[tuple[str, str], ...] = (),
    colours: tuple[Colour, Colour] = (ORANGE, TEAL),
    aspect: Fraction = Fraction(1),
) -> tuple[CodecConfig, Packet]:
    """Return configuration and first packet of a short stream; `matrix` and `transfer` as in ISO/IEC 23091-2."""
    packets, config = stream(
        encoder, fourcc, size=size, pixels=pixels, matrix=matrix, transfer=transfer, is_full=is_full,
        is_tagged=is_tagged, options=options, colours=colours, aspect=aspect,
    )  # fmt: skip
    return config, packets[0]


def stream(
    encoder: str,
    fourcc: str,
    *,
    size: tuple[int, int],
    pixels: str,
    matrix: int,
    transfer: int,
    is_full: bool,
    is_tagged: bool,
    options: tuple[tuple[str, str], ...],
    colours: tuple[Colour, Colour],
    aspect: Fraction,
    frames: int = 4,
) -> tuple[list[Packet], CodecConfig]:
    width, height = size
    swscale = {1: Colorspace.ITU709, 5: Colorspace.ITU601, 9: Colorspace.BT2020}[matrix]
    source = two_colours(width, height, *colours).reformat(
        format=pixels,
        dst_colorspace=swscale,
        src_color_range=ColorRange.JPEG,
        dst_color_range=ColorRange.JPEG if is_full else ColorRange.MPEG,
    )
    target = io.BytesIO()
    with av.open(target, "w", format="mp4") as container:
        track = container.add_stream(encoder, rate=30, options=dict(options))
        assert isinstance(track, av.VideoStream)
        track.width, track.height, track.pix_fmt = width, height, pixels
        track.codec_context.sample_aspect_ratio = aspect
        if is_tagged:
            track.codec_context.colorspace = matrix
            track.codec_context.color_trc = transfer
            track.codec_context.color_primaries = 9 if matrix == 9 else 1
        track.codec_context.color_range = ColorRange.JPEG if is_full else ColorRange.MPEG
        for number in range(frames):
            source.pts, source.time_base = number, Fraction(1, 30)
            source.pict_type = PictureType.NONE
            container.mux(track.encode(source))
        container.mux(track.encode(None))
    target.seek(0)
    with av.open(target, "r", format="mp4") as container:
        record = bytes(container.streams.video[0].codec_context.extradata or b"")
        packets = [
            Packet(TrackKind.VIDEO, packet.dts or 0, packet.pts or 0, packet.is_keyframe, bytes(packet))
            for packet in container.demux(video=0)
            if packet.size
        ]
    return packets, CodecConfig(TrackKind.VIDEO, fourcc, record, width, height)


def seen(jpeg: bytes) -> tuple[tuple[int, int], Colour, Colour]:
    """Return a JPEG's size and the mean colours of the middles of its halves, as a browser shows them."""
    frame = decoded_jpeg(jpeg)
    quarter = frame.width // 4
    return (frame.width, frame.height), mean(frame, quarter), mean(frame, 3 * quarter)


def decoded_jpeg(jpeg: bytes) -> VideoFrame:
    """Decode and convert to RGB as JFIF says: BT.601, full range."""
    decoder = av.CodecContext.create("mjpeg", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    (frame,) = [*decoder.decode(av.Packet(jpeg)), *decoder.decode(None)]
    assert isinstance(frame, VideoFrame)
    return frame.reformat(
        format="rgb24",
        src_colorspace=Colorspace.ITU601,
        src_color_range=ColorRange.JPEG,
        dst_color_range=ColorRange.JPEG,
        interpolation="BICUBIC",
    )


def mean(frame: VideoFrame, middle: int, reach: int = 4, top: int = 0, height: int = 0) -> Colour:
    """Return the mean colour of a strip around a column."""
    plane = frame.planes[0]
    data = bytes(plane)
    lines = range(top, top + (height or frame.height))
    sums = [0, 0, 0]
    for line in lines:
        start = line * plane.line_size + 3 * (middle - reach)
        for channel in range(3):
            sums[channel] += sum(data[start + channel : start + 6 * reach : 3])
    count = len(lines) * 2 * reach
    return sums[0] // count, sums[1] // count, sums[2] // count


def is_near(colour: Colour, wanted: Colour, slack: int = 8) -> bool:
    return all(abs(a - b) <= slack for a, b in zip(colour, wanted, strict=True))
