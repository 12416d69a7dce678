"""Coded clips for the transcode child, made with PyAV's encoders and stamped as `Timeline` does."""

import io
import math
import struct
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache

import av
import av.filter
from av.audio.frame import AudioFrame
from av.video.frame import PictureType, VideoFrame

from media.codecs.opus import dops_from_head, head_from_dops
from media.packets import VIDEO_TIMESCALE, CodecConfig, Packet, TrackKind
from tests.media.material import Material

FOURCCS = {
    "libx264": "avc1",
    "libx265": "hvc1",
    "libsvtav1": "av01",
    "libvpx-vp9": "vp09",
    "aac": "mp4a",
    "libopus": "Opus",
    "libmp3lame": ".mp3",
    "mp2": ".mp2",
    "ac3": "ac-3",
    "eac3": "ec-3",
    "flac": "fLaC",
}
FAST: dict[str, dict[str, str]] = {
    "libx264": {"preset": "ultrafast"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none:pools=1:frame-threads=1"},
    "libsvtav1": {"preset": "12"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
}
PADDING = {"libx264": "", "libx265": "repeat-headers=0"}


def pictures(
    size: str, count: int, *, rate: float = 30, pixels: str = "yuv420p", picture: str = "testsrc2"
) -> Iterator[VideoFrame]:
    """Yield pictures of one of FFmpeg's sources."""
    graph = av.filter.Graph()
    name, _, arguments = picture.partition("=")
    source = graph.add(name, arguments or f"size={size}:rate={rate}")
    chain = [source, graph.add("format", pixels), graph.add("buffersink")]
    graph.link_nodes(*chain)
    graph.configure()
    for _ in range(count):
        frame = graph.vpull()
        assert isinstance(frame, VideoFrame)
        frame.pict_type = PictureType.NONE
        yield frame


def video(
    encoder: str = "libx264",
    *,
    size: str = "320x180",
    frames: int = 60,
    rate: float = 30,
    gop: int = 30,
    options: dict[str, str] | None = None,
    pixels: str = "yuv420p",
    stamps: Sequence[int] | None = None,
    space: int | None = None,
    value_range: int | None = None,
    source: Iterator[VideoFrame] | None = None,
    aspect: Fraction | None = None,
) -> Material:
    """Encode pictures, one at each of `stamps` (90 kHz; else regularly), and return them as ISO BMFF stores them."""
    width, height = map(int, size.split("x"))
    file = io.BytesIO()
    with av.open(file, "w", format="mp4", options={"video_track_timescale": "90000"}) as container:
        stream = container.add_stream(encoder, rate=Fraction(rate).limit_denominator(1001))
        assert isinstance(stream, av.VideoStream)
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = width, height, pixels
        context.time_base = Fraction(1, VIDEO_TIMESCALE)
        context.gop_size, context.thread_count = gop, 1
        context.options = FAST.get(encoder, {}) | (options or {})
        if aspect is not None:
            context.sample_aspect_ratio = aspect
        if space is not None:
            context.colorspace = space
        if value_range is not None:
            context.color_range = value_range
        for number, frame in enumerate(source or pictures(size, frames, rate=rate, pixels=pixels)):
            frame.pts = stamps[number] if stamps else round(number * VIDEO_TIMESCALE / rate)
            frame.time_base = Fraction(1, VIDEO_TIMESCALE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    material = demuxed(file.getvalue(), FOURCCS[encoder])
    return Material(
        CodecConfig(TrackKind.VIDEO, FOURCCS[encoder], material.config.record, width=width, height=height),
        material.packets,
    )


def demuxed(data: bytes, fourcc: str, format_name: str = "mp4") -> Material:
    """Return the packets of the only track of a file."""
    options = {"ignore_editlist": "1"} if format_name == "mp4" else {}
    with av.open(io.BytesIO(data), "r", format=format_name, container_options=options) as container:
        stream = container.streams[0]
        extra = bytes(stream.codec_context.extradata or b"")
        if isinstance(stream, av.VideoStream):
            kind, rate = TrackKind.VIDEO, VIDEO_TIMESCALE
            config = CodecConfig(kind, fourcc, extra)
        else:
            assert isinstance(stream, av.AudioStream)
            kind, rate = TrackKind.AUDIO, 48_000 if fourcc == "Opus" else stream.codec_context.sample_rate
            if fourcc == "Opus":
                extra = dops_from_head(extra)
            elif fourcc == "fLaC":
                extra = b"\x80\x00\x00\x22" + extra
            config = CodecConfig(kind, fourcc, extra, sample_rate=rate, channels=stream.codec_context.channels)
        packets = []
        for packet in container.demux(stream):
            if packet.dts is None or packet.pts is None:
                continue
            base = packet.time_base
            packets.append(
                Packet(
                    kind,
                    round(packet.dts * base * rate),
                    round(packet.pts * base * rate),
                    packet.is_keyframe,
                    bytes(packet),
                )
            )
    return Material(config, packets)


# --- sound --------------------------------------------------------------------------------------------------

CLICK_S = 1.0
SILENCE_LEVEL = 0.05


def click(rate: int, channels: int, *, length_s: float = 2.0, at_s: float = CLICK_S, samples: int = 1024) -> bytes:
    """Return packed samples: silence, and from `at_s` on a tone at full level that ends after 100 ms."""
    first, last = round(at_s * rate), round((at_s + 0.1) * rate)
    values = (
        math.cos(2 * math.pi * 1000 * (number - first) / rate) * 0.8 if first <= number < last else 0.0
        for number in range(math.ceil(length_s * rate / samples) * samples)
    )
    return b"".join(struct.pack("<f", value) * channels for value in values)


LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}


@cache
def sound(
    encoder: str, *, rate: int = 48_000, channels: int = 2, length_s: float = 2.0, bit_rate: int = 128_000
) -> Material:
    """Encode the click; the packets are stamped so that a decoder plays it at `CLICK_S`."""
    file = io.BytesIO()
    format_name = "matroska"
    layout = LAYOUTS[channels]
    with av.open(file, "w", format=format_name) as container:
        stream = container.add_stream(encoder, rate=rate)
        assert isinstance(stream, av.AudioStream)
        context = stream.codec_context
        context.layout, context.bit_rate = layout, bit_rate
        context.open()
        resampler = av.AudioResampler(
            format=context.format, layout=layout, rate=rate, frame_size=context.frame_size or 1024
        )
        data = click(rate, channels, length_s=length_s)
        frame = AudioFrame(format="flt", layout=layout, samples=len(data) // (4 * channels))
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        frame.planes[0].update(data.ljust(frame.planes[0].buffer_size, b"\0"))
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return demuxed(file.getvalue(), FOURCCS[encoder], format_name)


def decoded_sound(config: CodecConfig, packets: Sequence[Packet]) -> dict[int, float]:
    """Decode AAC or Opus and return the level (of the first channel) at each sample's place."""
    is_opus = config.fourcc == "Opus"
    decoder = av.CodecContext.create("opus" if is_opus else "aac", "r")
    assert isinstance(decoder, av.AudioCodecContext)
    decoder.extradata = head_from_dops(config.record) if is_opus else config.record
    levels: dict[int, float] = {}
    for packet in packets:
        coded = av.Packet(packet.data)
        coded.pts = coded.dts = packet.pts
        coded.time_base = Fraction(1, config.sample_rate)
        for frame in decoder.decode(coded):
            assert frame.pts is not None
            values = struct.unpack_from(f"<{frame.samples}f", bytes(frame.planes[0]))
            levels.update(enumerate(values, frame.pts))
    return levels


def onset_s(levels: dict[int, float], rate: int) -> float:
    """Return when it is first loud."""
    return min(place for place, level in levels.items() if abs(level) > 0.4) / rate
