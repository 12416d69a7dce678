"""Pictures coded anew, in the codec, size, depth and colours of their source.

Never in another codec: a playlist may name several, but players choose their decoder once, when they begin.
"""

import io
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import chain

import av
import msgspec
from av.video.frame import PictureType, VideoFrame

from media.clips.units import Unit, frame_ticks
from media.codecs import h264
from media.codecs.bits import BadConfig
from media.mp4.avcc import free_ids
from media.packets import VIDEO_TIMESCALE, CodecConfig, Packet, TrackKind
from media.transcode.decoding import CannotDecode, Picture, VideoDecoder

QUALITY = {"libx264": "20", "libx265": "22", "libsvtav1": "28", "libvpx-vp9": "28"}
"""CRF: hardly to be told from its source."""
PEAK = 1.5
"""What a piece may take of bits, of what the segment took that it stands for: players chose the rendition by that."""
LEAST_PEAK_BPS = 300_000
ENCODERS = {"avc1": "libx264", "hvc1": "libx265", "av01": "libsvtav1", "vp09": "libvpx-vp9"}
PIXELS = {
    "libx264": ("yuv420p", "yuvj420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "yuv444p10le"),
    "libx265": ("yuv420p", "yuvj420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "yuv444p10le"),
    "libsvtav1": ("yuv420p", "yuv420p10le"),
    "libvpx-vp9": ("yuv420p", "yuv422p", "yuv444p", "yuv420p10le"),
}
"""Formats that are kept; others become the first."""
AVC_PROFILES = {66: "baseline", 77: "main", 100: "high"}
NEVER_FRAMES = 1_000_000
_TIME_BASE = Fraction(1, VIDEO_TIMESCALE)


class CannotRecode(Exception):
    """These pictures cannot be decoded, or not be coded again."""


class Recoded(msgspec.Struct, frozen=True):
    """What came out: the first unit is a keyframe, and each is shown when its source was."""

    config: CodecConfig
    units: list[Unit]


def recode(config: CodecConfig, units: Sequence[Unit], first_pts: int, end_pts: int, *, number: int = 0) -> Recoded:
    """Code the pictures of a segment from `first_pts` up to `end_pts`, not included. Raises `CannotRecode`.

    The first of the units is a keyframe. Pieces of one source with different numbers can share a sample entry with it.
    """
    pictures = _decoded(config, units, first_pts, end_pts)
    first = next(pictures, None)
    if first is None:
        raise CannotRecode("no picture could be decoded")
    try:
        options = _options(config, units, number)
        stamps, record, packets = _encoded(config, units, options, first, pictures)
    except (av.FFmpegError, ValueError) as error:
        raise CannotRecode(f"{config.fourcc} of {first.frame.format.name} cannot be coded: {error}") from error
    if len(packets) != len(stamps):
        raise CannotRecode(f"{len(packets)} of {len(stamps)} pictures were coded")
    # Decoded as much before it is shown as in the stream, so that decode times go on into the next segment.
    delay = max(units[0].pts - units[0].dts, 0)
    coded = [
        Unit(pts - delay, pts, max(end - pts, 1), pts == stamps[0], data)
        for pts, end, data in zip(stamps, [*stamps[1:], end_pts], packets, strict=True)
    ]
    return Recoded(msgspec.structs.replace(config, record=record or config.record), coded)


def _decoded(config: CodecConfig, units: Sequence[Unit], first_pts: int, end_pts: int) -> Iterator[Picture]:
    """Decode no more than is needed: from the last keyframe that is shown before the first picture."""
    begin = max((n for n, unit in enumerate(units) if unit.is_sync and unit.pts <= first_pts), default=0)
    end = max((n for n, unit in enumerate(units) if unit.pts < end_pts), default=-1) + 1
    decoder = VideoDecoder()
    try:
        decoder.configure(config)
    except CannotDecode as error:
        raise CannotRecode(str(error)) from error
    for unit in [*units[begin:end], None]:
        if unit is None:
            pictures = decoder.drain()
        else:
            pictures = decoder.decode(Packet(TrackKind.VIDEO, unit.dts, unit.pts, unit.is_sync, unit.data))
        yield from (picture for picture in pictures if first_pts <= picture.pts < end_pts)


def _encoded(
    config: CodecConfig, units: Sequence[Unit], options: dict[str, str], first: Picture, others: Iterable[Picture]
) -> tuple[list[int], bytes, list[bytes]]:
    """Return when each picture is shown, the configuration record and the coded pictures, as ISO BMFF stores them.

    FFmpeg's muxer brings both into that form. One picture after the other: a second of 4K is 700 MB.
    """
    file = io.BytesIO()
    stamps: list[int] = []
    with av.open(file, "w", format="mp4", options={"video_track_timescale": str(VIDEO_TIMESCALE)}) as container:
        name = ENCODERS[config.fourcc]
        stream = container.add_stream(name, rate=_rate(units))
        assert isinstance(stream, av.VideoStream)
        _set(stream.codec_context, name, first, units)
        stream.codec_context.options = options
        for picture in chain([first], others):
            frame = _fitted(picture.frame, stream.codec_context)
            frame.pts, frame.time_base = picture.pts - first.pts, _TIME_BASE
            frame.pict_type = PictureType.NONE if stamps else PictureType.I
            stamps.append(picture.pts)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return stamps, *_demuxed(file.getvalue())


def _set(context: av.VideoCodecContext, name: str, picture: Picture, units: Sequence[Unit]) -> None:
    frame, pixels = picture.frame, PIXELS[name]
    context.width, context.height = frame.width, frame.height
    context.pix_fmt = frame.format.name if frame.format.name in pixels else pixels[0]
    context.time_base, context.framerate = _TIME_BASE, _rate(units)
    context.sample_aspect_ratio = picture.aspect
    context.colorspace, context.color_primaries = frame.colorspace, frame.color_primaries
    context.color_trc, context.color_range = frame.color_trc, frame.color_range
    context.gop_size, context.max_b_frames, context.thread_count = NEVER_FRAMES, 0, 1


def _options(config: CodecConfig, units: Sequence[Unit], number: int) -> dict[str, str]:
    name = ENCODERS[config.fourcc]
    length_s = max(sum(unit.duration for unit in units), 1) / VIDEO_TIMESCALE
    peak = max(round(sum(len(unit.data) for unit in units) * 8 / length_s * PEAK), LEAST_PEAK_BPS)
    capped = {"crf": QUALITY[name], "maxrate": str(peak), "bufsize": str(peak)}
    match name:
        case "libx264":
            parameters = f"scenecut=0:sps-id={free_ids(config.record)[number]}"
            return capped | {"preset": "veryfast", "x264-params": parameters} | _avc_options(config)
        case "libx265":
            quiet = "log-level=error:scenecut=0:bframes=0:pools=1:frame-threads=1:repeat-headers=0"
            return {"preset": "ultrafast", "crf": QUALITY[name], "x265-params": quiet}
        case "libsvtav1":
            return {"preset": "10", "crf": QUALITY[name], "svtav1-params": "pred-struct=1:lp=1:scd=0:lookahead=0"}
    return {"deadline": "realtime", "cpu-used": "6", "crf": QUALITY[name], "b": "0", "lag-in-frames": "0"}


def _avc_options(config: CodecConfig) -> dict[str, str]:
    """Ask for the source's profile and level, so that CODECS says the same of the piece."""
    try:
        avc = h264.parse_avcc(config.record)
    except BadConfig:
        return {}
    options = {"level": f"{avc.level / 10:.1f}"} if avc.level >= 10 else {}
    return options | ({"profile": AVC_PROFILES[avc.profile]} if avc.profile in AVC_PROFILES else {})


def _rate(units: Sequence[Unit]) -> Fraction:
    return Fraction(VIDEO_TIMESCALE, frame_ticks(units)).limit_denominator(1001)


def _fitted(frame: VideoFrame, context: av.VideoCodecContext) -> VideoFrame:
    if (frame.width, frame.height, frame.format.name) == (context.width, context.height, context.pix_fmt):
        return frame
    return frame.reformat(context.width, context.height, context.pix_fmt)


def _demuxed(data: bytes) -> tuple[bytes, list[bytes]]:
    with av.open(io.BytesIO(data), "r", format="mp4", container_options={"ignore_editlist": "1"}) as container:
        stream = container.streams.video[0]
        record = bytes(stream.codec_context.extradata or b"")
        return record, [bytes(packet) for packet in container.demux(stream) if packet.size]
