"""The decoder of a stream's video: coded packets in, pictures out, whatever the bytes are."""

import os
from fractions import Fraction

import av
import msgspec
from av.codec.context import Flags, ThreadType
from av.video.frame import VideoFrame

from media.packets import VIDEO_TIMESCALE, CodecConfig, Packet

DECODERS = {"avc1": "h264", "hvc1": "hevc", "av01": "libdav1d", "vp09": "vp9"}
MAX_PIXELS = 8192 * 4320
"""Of a picture; larger ones are not decoded."""
ONE_THREAD_PIXELS = 2560 * 1440
"""Up to this size one thread keeps up with 60 pictures per second. Frame threads are for larger ones only: each adds
a picture of delay."""
MAX_THREADS = 4
MAX_MARKS = 256
"""Packets inside the decoder whose keyframe mark is remembered; decoders hold 20 at most."""

_TIME_BASE = Fraction(1, VIDEO_TIMESCALE)


class CannotDecode(Exception):
    """No decoder opens for this configuration."""


class Picture(msgspec.Struct, gc=False):
    """A decoded frame; `pts` in 90 kHz. `aspect` is the shape of its pixels, `fitted` the frame in the largest rung's
    size, once that is made.
    """

    frame: VideoFrame
    pts: int
    is_source_key: bool
    aspect: Fraction
    fitted: VideoFrame | None = None


class VideoDecoder:
    """Decodes one track, configuration after configuration. Blocks; for one thread.

    A packet that cannot be decoded is counted, and so are all after it up to the next keyframe: pictures that lack
    their references are worse than none.
    """

    def __init__(self) -> None:
        self.corrupt_packets = 0
        self._config: CodecConfig | None = None
        self._context: av.VideoCodecContext | None = None
        self._skips_to_keyframe = True
        self._keys: set[int] = set()
        self._last_pts: int | None = None

    def configure(self, config: CodecConfig) -> list[Picture]:
        """Take the configuration of what follows; return what the decoder still held. Raises `CannotDecode`."""
        if config == self._config and self._context is not None:
            return []  # OBS sends the same header again
        held = self.drain()
        self._config = config
        try:
            self._context = _opened(config)
        except (av.FFmpegError, ValueError) as error:
            self._context = None
            raise CannotDecode(f"{config.fourcc} cannot be decoded: {error}") from error
        return held

    def decode(self, packet: Packet) -> list[Picture]:
        """Return the pictures that this packet brings out."""
        if self._context is None or (self._skips_to_keyframe and not packet.is_keyframe):
            self.corrupt_packets += self._context is not None
            return []
        self._skips_to_keyframe = False
        if packet.is_keyframe:
            if len(self._keys) >= MAX_MARKS:
                self._keys.clear()
            self._keys.add(packet.pts)
        coded = av.Packet(packet.data)
        coded.pts, coded.dts, coded.time_base = packet.pts, packet.dts, _TIME_BASE
        coded.is_keyframe = packet.is_keyframe
        try:
            frames = self._context.decode(coded) if packet.data else []  # empty bytes would mean the end
        except av.FFmpegError as error:
            if isinstance(error, MemoryError):
                raise
            frames = []
            self._skip()
        return self._pictures(frames)

    def drain(self) -> list[Picture]:
        """Return what the decoder holds; the next packet is a keyframe that refers to nothing before it."""
        frames: list[VideoFrame] = []
        if self._context is not None and not self._skips_to_keyframe:
            try:
                frames = self._context.decode(None)
            except av.FFmpegError as error:
                if isinstance(error, MemoryError):
                    raise
                self.corrupt_packets += 1
            self._context.flush_buffers()
        self._skips_to_keyframe = True
        pictures = self._pictures(frames)
        self._keys.clear()
        return pictures

    def _skip(self) -> None:
        assert self._context is not None
        self.corrupt_packets += 1
        self._skips_to_keyframe = True
        self._context.flush_buffers()

    def _pictures(self, frames: list[VideoFrame]) -> list[Picture]:
        pictures = []
        for frame in frames:
            pts = frame.pts
            if pts is None or (self._last_pts is not None and pts <= self._last_pts):
                self.corrupt_packets += 1  # encoders need rising stamps
                continue
            if frame.is_corrupt:
                self.corrupt_packets += 1
                self._skips_to_keyframe = True
                continue
            self._last_pts = pts
            is_key = pts in self._keys
            if is_key:
                self._keys = {key for key in self._keys if key > pts}
            assert self._context is not None
            pictures.append(Picture(frame, pts, is_key, self._context.sample_aspect_ratio or Fraction(1)))
        return pictures


def _opened(config: CodecConfig) -> av.VideoCodecContext:
    name = DECODERS.get(config.fourcc)
    if name is None:
        raise CannotDecode(f"no decoder for {config.fourcc}")
    context = av.CodecContext.create(name, "r")
    assert isinstance(context, av.VideoCodecContext)
    if config.fourcc != "vp09":  # whose record says nothing to a decoder
        context.extradata = config.record
    context.options = {"max_pixels": str(MAX_PIXELS)}
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if config.width * config.height > ONE_THREAD_PIXELS:
        context.thread_count, context.thread_type = max(1, min(MAX_THREADS, cores)), ThreadType.FRAME
    elif config.fourcc == "av01":
        # dav1d with several threads and low_delay gives a picture out before it takes the next one.
        context.thread_count = max(1, min(2, cores))
        context.flags |= Flags.low_delay
    else:
        context.thread_count, context.thread_type = 1, ThreadType.NONE
    context.open()
    return context
