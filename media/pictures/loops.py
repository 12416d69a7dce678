"""A slate: a still picture fitted into the shape of a rendition and coded as a loop of two seconds."""

from fractions import Fraction
from pathlib import Path

import av
import av.filter
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc

from media.codecs import video_config
from media.packets import VIDEO_TIMESCALE, Packet, TrackKind
from media.pictures.messages import Slate
from media.pictures.slates import SlateClip, SlateProfile, usual_rate

OURS = Path(__file__).with_name("slate.png")
OUR_GROUND, THEIR_GROUND = "0x0d0e11", "black"
"""Colours of the bars; ours is that of our slate, where none are seen."""
OUR_CORE_WIDTH = 860
"""Pixels in the middle of our slate that hold all of it: an upright rendition shows them larger."""
LENGTH_S = 2
OPTIONS = {
    "preset": "superfast",
    "tune": "zerolatency",
    "crf": "23",
    "forced-idr": "1",
    # Nothing moves: what looks for movement is off, which saves a third of the time.
    "x264-params": "annexb=0:scenecut=0:open-gop=0:bframes=0:ref=1:keyint=infinite"
    ":subme=0:partitions=none:aq-mode=0:weightp=0",
}
_VIDEO = TrackKind.VIDEO
_NO_PICTURE = (av.FFmpegError, OSError, ValueError, MemoryError)


def make(profile: SlateProfile, picture: str) -> Slate:
    """Return the loop; our own picture, and the reason, when that at `picture` cannot be shown."""
    rate, trouble = usual_rate(profile.frame_rate), ""
    if picture:
        try:
            return Slate(_code(fitted(read(Path(picture)), profile.width, profile.height), rate))
        except _NO_PICTURE as error:
            trouble = f"{type(error).__name__}: {error}"
    ours = fitted(read(OURS), profile.width, profile.height, ground=OUR_GROUND, core_width=OUR_CORE_WIDTH)
    return Slate(_code(ours, rate), trouble)


def read(path: Path) -> VideoFrame:
    """Return the picture in a PNG or JPEG file. Raises FFmpeg's errors, `OSError`, `ValueError`."""
    with av.open(str(path)) as container:
        if not container.streams.video:
            raise ValueError("no picture in this file")
        return next(container.decode(video=0))


def fitted(
    picture: VideoFrame, width: int, height: int, *, ground: str = THEIR_GROUND, core_width: int = 0
) -> VideoFrame:
    """Return the picture in the middle of a frame of this size, in the colours of HD video.

    All of it is shown, or of one with a core at least that.
    """
    seen_width = min(picture.width, max(core_width, picture.height * width // height)) if core_width else picture.width
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=picture.width, height=picture.height, format=picture.format, time_base=Fraction(1, 1)
    )
    cropped = graph.add("crop", f"{seen_width}:{picture.height}")
    scaled = graph.add("scale", f"{width}:{height}:force_original_aspect_ratio=decrease:flags=lanczos")
    rgba = graph.add("format", "pix_fmts=gbrap")
    canvas = graph.add("color", f"color={ground}:size={width}x{height}:rate=1:duration=1")
    # In RGB: what is transparent shows the ground, whatever matrix the picture has.
    over = graph.add("overlay", "x=(W-w)/2:y=(H-h)/2:format=gbrp")
    out = graph.add("format", "pix_fmts=gbrp")
    sink = graph.add("buffersink")
    source.link_to(cropped)
    cropped.link_to(scaled)
    scaled.link_to(rgba)
    canvas.link_to(over, 0, 0)
    rgba.link_to(over, 0, 1)
    over.link_to(out)
    out.link_to(sink)
    graph.configure()
    picture.pts, picture.time_base = 0, Fraction(1, 1)
    graph.vpush(picture, at=0)
    graph.vpush(None, at=0)
    return graph.vpull().reformat(
        format="yuv420p",
        dst_colorspace=Colorspace.ITU709,
        src_color_range=ColorRange.JPEG,
        dst_color_range=ColorRange.MPEG,
        interpolation="BICUBIC",
        threads=1,
    )


def _code(frame: VideoFrame, rate: Fraction) -> SlateClip:
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = frame.width, frame.height, "yuv420p"
    encoder.time_base, encoder.framerate = 1 / rate, rate
    encoder.color_range = ColorRange.MPEG
    encoder.colorspace = 1  # AVCOL_SPC_BT709
    encoder.color_primaries, encoder.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
    encoder.thread_count = 1
    encoder.options = OPTIONS  # x264 takes the lowest level that fits size and rate by itself
    encoder.flags |= Flags.global_header
    encoder.open()
    frame.time_base = 1 / rate
    packets: list[Packet] = []
    for number in range(round(LENGTH_S * rate)):
        frame.pts = number
        frame.pict_type = PictureType.I if number == 0 else PictureType.NONE
        packets += [_packet(coded, rate) for coded in encoder.encode(frame)]
    packets += [_packet(coded, rate) for coded in encoder.encode(None)]
    config = video_config("avc1", bytes(encoder.extradata or b""))
    return SlateClip(config, packets, _ticks(len(packets), rate))


def _packet(coded: "av.Packet[av.VideoStream]", rate: Fraction) -> Packet:
    assert coded.pts is not None
    stamp = _ticks(coded.pts, rate)
    return Packet(_VIDEO, stamp, stamp, coded.is_keyframe, bytes(coded))


def _ticks(frames: int, rate: Fraction) -> int:
    return round(frames * VIDEO_TIMESCALE / rate)
