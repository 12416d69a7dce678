"""Media for packaging tests: packets made of numbers, and packets that a real encoder made."""

import asyncio
import io
import struct
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import av.filter
import msgspec

from media.codecs import audio_config, video_config
from media.hls.boxes import TIME_OFFSET_S, timescale
from media.journal.writer import Journal
from media.live import LiveStream
from media.packets import VIDEO_TIMESCALE, CodecConfig, MediaEvent, Packet, TrackKind
from media.spool import Spool
from media.transcode.rungs import Rung
from schemas.ids import ChannelId, SessionId
from schemas.ingest import PublishGrant

SESSION = SessionId("session")
WALL_CLOCK = 1_700_000_000.0
"""When media time 0 arrives in these tests."""

VIDEO_CONFIG = CodecConfig(
    TrackKind.VIDEO, "avc1", bytes.fromhex("0164001effe100046764001e01000268ee"), width=1280, height=720
)
AUDIO_CONFIG = CodecConfig(TrackKind.AUDIO, "mp4a", bytes.fromhex("1190"), sample_rate=48_000, channels=2)


spools: list[Spool] = []
"""Spools that tests have started."""


class Material(msgspec.Struct, frozen=True):
    """One track: its configuration and its packets in media time."""

    config: CodecConfig
    packets: list[Packet]

    def fresh(self) -> "list[Packet]":
        """Return copies, for code that changes packets."""
        return [msgspec.structs.replace(packet) for packet in self.packets]


def seconds(packet: Packet, config: CodecConfig | None = None) -> float:
    """Return a packet's decode time in seconds."""
    rate = VIDEO_TIMESCALE if packet.kind is TrackKind.VIDEO else (config or AUDIO_CONFIG).sample_rate
    return packet.dts / rate


def video_packets(
    length_s: float = 10, *, fps: float = 30, gop: int = 60, start_s: float = 0, delay: int = 0, size: int = 100
) -> list[Packet]:
    """Return regular frames, a keyframe every `gop` frames; `delay` is presentation minus decode time in ticks."""
    first = round(start_s * VIDEO_TIMESCALE)
    return [
        video_packet(first + round(number * VIDEO_TIMESCALE / fps), number % gop == 0, delay=delay, size=size)
        for number in range(round(length_s * fps))
    ]


def video_packet(dts: int, is_keyframe: bool, *, delay: int = 0, size: int = 100) -> Packet:
    """Return one frame."""
    return Packet(TrackKind.VIDEO, dts, dts + delay, is_keyframe, struct.pack(">q", dts) * (size // 8 + 1))


def audio_packets(length_s: float = 10, *, rate: int = 48_000, start_s: float = 0, frame: int = 1024) -> list[Packet]:
    """Return regular access units."""
    first = round(start_s * rate)
    return [
        Packet(TrackKind.AUDIO, dts, dts, True, struct.pack(">q", dts) * 4)
        for dts in range(first, first + round(length_s * rate), frame)
    ]


def interleaved(*packets: Iterable[Packet]) -> list[Packet]:
    """Return the tracks' packets in the order of their decode times, as a publisher sends them."""
    return sorted((packet for track in packets for packet in track), key=seconds)


def usual(length_s: float = 10, *, fps: float = 30, gop: int = 60) -> list[MediaEvent]:
    """Return a stream with both tracks."""
    return [
        VIDEO_CONFIG,
        AUDIO_CONFIG,
        *interleaved(video_packets(length_s, fps=fps, gop=gop), audio_packets(length_s)),
    ]


def make_stream(
    directory: Path, *, part_s: float = 0.333, segment_s: float = 2.0, rungs: Sequence[Rung] = ()
) -> LiveStream:
    """Return a stream with a spool of its own, which `conftest.py` ends."""
    spools.append(Spool(directory / "spool"))
    return LiveStream(
        SESSION,
        part_s=part_s,
        segment_s=segment_s,
        spool=spools[-1],
        journal=begin(spools[-1]),
        choose_rungs=lambda _source: rungs,
    )


def begin(spool: Spool, session: SessionId = SESSION) -> Journal:
    """Begin a session's journal."""
    grant = PublishGrant(ChannelId("channel"), "ann", session)
    return spool.begin(grant, key_digest="0" * 64, started_at_ms=round(WALL_CLOCK * 1000))


def feed(stream: LiveStream, events: Iterable[MediaEvent]) -> None:
    """Feed events that arrive as they are played."""
    now = WALL_CLOCK
    for event in events:
        if isinstance(event, Packet):
            now = WALL_CLOCK + seconds(event)
        stream.feed(event, now)


async def play(stream: LiveStream, events: Iterable[MediaEvent]) -> None:
    """Feed events and let the disk keep up, as it does when they come in their own time."""
    for event in events:
        feed(stream, [event])
        while stream.spool.waiting_writes:
            await asyncio.sleep(0.0005)


# --- real encoders ------------------------------------------------------------------------------------------


@cache
def h264(length_s: int = 7, *, b_frames: int = 2, size: str = "320x180") -> Material:
    """Encode a test picture at 30 frames per second with a keyframe every 2 s."""
    options = {
        "preset": "veryfast",
        "x264-params": f"annexb=0:scenecut=0:keyint=60:min-keyint=60:bframes={b_frames}:open-gop=0",
    }
    return encoded_video("libx264", "avc1", options, frames=length_s * 30, size=size)


@cache
def aac(length_s: int = 7) -> Material:
    """Encode a tone."""
    return encoded_audio("aac", "mp4a", count=length_s * 48_000 // 1024)


def encoded_video(encoder: str, fourcc: str, options: dict[str, str], *, frames: int, size: str) -> Material:
    """Encode a test picture; the stamps are in ticks of 90 kHz."""
    width, height = map(int, size.split("x"))
    context = av.CodecContext.create(encoder, "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.time_base, context.framerate = Fraction(1, 30), Fraction(30)
    context.gop_size = 60
    context.thread_count = 1
    context.options = options
    context.flags |= av.codec.context.Flags.global_header
    packets = [packet for frame in pictures(size, frames) for packet in context.encode(frame)]
    packets += context.encode(None)
    config = video_config(fourcc, bytes(context.extradata or b""))
    config = msgspec.structs.replace(config, width=width, height=height)
    return Material(config, list(_converted(TrackKind.VIDEO, packets, VIDEO_TIMESCALE)))


def pictures(size: str, count: int) -> Iterator[av.VideoFrame]:
    graph = av.filter.Graph()
    source = graph.add("testsrc2", f"size={size}:rate=30")
    pixels, sink = graph.add("format", "yuv420p"), graph.add("buffersink")
    source.link_to(pixels)
    pixels.link_to(sink)
    graph.configure()
    for number in range(count):
        frame = graph.vpull()
        frame.pts, frame.time_base = number, Fraction(1, 30)
        frame.pict_type = av.video.frame.PictureType.NONE
        yield frame


def encoded_audio(encoder: str, fourcc: str, *, count: int, sample_format: str = "fltp") -> Material:
    """Encode a tone at 48 kHz; AC-3 and its kin have their configuration in the first packet."""
    context = av.CodecContext.create(encoder, "w")
    assert isinstance(context, av.AudioCodecContext)
    context.sample_rate, context.layout, context.format = 48_000, "stereo", sample_format
    context.bit_rate = 96_000
    context.time_base = Fraction(1, 48_000)
    context.flags |= av.codec.context.Flags.global_header
    context.open()
    packets = [packet for frame in tones(count, sample_format, context.frame_size) for packet in context.encode(frame)]
    packets += context.encode(None)
    record = bytes(context.extradata or b"") or bytes(packets[0])
    return Material(audio_config(fourcc, record), list(_converted(TrackKind.AUDIO, packets, 48_000)))


def tones(count: int, sample_format: str, samples: int) -> Iterator[av.AudioFrame]:
    graph = av.filter.Graph()
    source = graph.add("sine", f"frequency=440:sample_rate=48000:samples_per_frame={samples}")
    layout = graph.add("aformat", f"sample_fmts={sample_format}:channel_layouts=stereo")
    sink = graph.add("abuffersink")
    source.link_to(layout)
    layout.link_to(sink)
    graph.configure()
    for number in range(count):
        frame = graph.pull()
        assert isinstance(frame, av.AudioFrame)
        frame.pts, frame.time_base = number * samples, Fraction(1, 48_000)
        yield frame


def _converted(kind: TrackKind, packets: "Sequence[av.Packet[Any]]", rate: int) -> Iterator[Packet]:
    for packet in packets:
        assert packet.dts is not None
        assert packet.pts is not None
        assert packet.time_base is not None
        scale = packet.time_base * rate
        yield Packet(
            kind,
            int(packet.dts * scale),
            int(packet.pts * scale),
            packet.is_keyframe or kind is TrackKind.AUDIO,
            bytes(packet),
        )


# --- back from fMP4 -----------------------------------------------------------------------------------------


class Unpacked(msgspec.Struct, frozen=True):
    """An access unit as FFmpeg reads it out of fMP4, without the packager's offset."""

    dts: int
    pts: int
    is_keyframe: bool
    data: bytes


def unpack(config: CodecConfig, data: bytes) -> list[Unpacked]:
    """Read an initialization section and fragments with FFmpeg."""
    offset = TIME_OFFSET_S * timescale(config)
    with av.open(io.BytesIO(data), "r", format="mp4") as container:
        return [
            Unpacked(packet.dts - offset, packet.pts - offset, packet.is_keyframe, bytes(packet))
            for packet in container.demux()
            if packet.size and packet.dts is not None and packet.pts is not None
        ]


def as_unpacked(packets: Iterable[Packet]) -> list[Unpacked]:
    """Return what `unpack` should give for these packets."""
    return [Unpacked(packet.dts, packet.pts, packet.is_keyframe, packet.data) for packet in packets]


def decoded_frames(data: bytes) -> int:
    """Decode everything with FFmpeg and return the number of frames; raises for damage."""
    with av.open(io.BytesIO(data), "r", format="mp4") as container:
        stream = container.streams[0]
        assert isinstance(stream, av.VideoStream | av.AudioStream)
        return sum(1 for _ in container.decode(stream))
