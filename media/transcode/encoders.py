"""The encoders that rungs may be made with: their options, opening them, and finding out which of them work here.

An encoder that FFmpeg lists may still need a card, a driver or a session that is not there, and a broken driver may
crash or hang whoever asks. So `probe` lets a process of its own encode a few pictures, and gives it a deadline.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from fractions import Fraction

import av
import av.logging
import msgspec
from av.codec.context import Flags
from av.video.frame import PictureType, VideoFrame

from media.codecs import annexb
from media.packets import VIDEO_TIMESCALE, CodecConfig, Packet, TrackKind
from media.transcode import bitstreams
from media.transcode.rungs import Rung

PROBE_S = 8.0
PROBE_FRAMES = 5
NEVER_FRAMES = 1_000_000
"""The encoder's own keyframe interval: so long that all keyframes are asked for."""
MANY_PIXELS_PER_S = 100_000_000
"""A rung with more than this (1080p60 has 124 million) is coded by two threads; fewer threads cost less CPU."""
AVCC_VERSION = b"\x01"
BT709 = 1
LIMITED_RANGE = 1
TIME_BASE = Fraction(1, VIDEO_TIMESCALE)

_VIDEO = TrackKind.VIDEO


class CannotEncode(Exception):
    """This encoder does not open here."""

    def __init__(self, encoder: str, reason: str) -> None:
        super().__init__(f"{encoder}: {reason}")
        self.encoder, self.reason = encoder, reason


class Candidate(msgspec.Struct, frozen=True):
    """An encoder by FFmpeg's name. `options` are fixed; `presets` are what its option `preset` may be."""

    name: str
    fourcc: str
    presets: tuple[str, ...]
    default_preset: str
    pixels: str
    options: dict[str, str]
    own_options: Callable[[int], dict[str, str]] | None = None
    """More options, of the bitrate."""


X264_PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower")
CANDIDATES = {
    candidate.name: candidate
    for candidate in (
        Candidate(
            "libx264",
            "avc1",
            X264_PRESETS,
            "veryfast",
            "yuv420p",
            # annexb=0: avcC and length-prefixed packets straight from x264; scenecut and open-gop would put keyframes
            # where the other renditions have none
            {"tune": "zerolatency", "forced-idr": "1", "x264-params": "scenecut=0:open-gop=0:annexb=0", "a53cc": "1"},
        ),
        Candidate(
            "h264_nvenc",
            "avc1",
            ("p1", "p2", "p3", "p4", "p5", "p6", "p7"),
            "p4",
            "yuv420p",
            {
                "tune": "ll",
                "rc": "cbr",
                "forced-idr": "1",
                "no-scenecut": "1",
                "zerolatency": "1",
                "delay": "0",
                "a53cc": "1",
            },
        ),
        Candidate(
            "h264_qsv",
            "avc1",
            ("veryfast", "faster", "fast", "medium", "slow"),
            "veryfast",
            "nv12",
            {"forced_idr": "1", "look_ahead": "0", "async_depth": "1", "a53cc": "1"},
        ),
        Candidate("h264_videotoolbox", "avc1", (), "", "yuv420p", {"realtime": "1", "prio_speed": "1", "a53cc": "1"}),
        Candidate(
            "libsvtav1",
            "av01",
            tuple(str(number) for number in range(6, 14)),
            "10",
            "yuv420p",
            {},
            # 1 s of buffer and no pictures from the future; lp=1: one thread's worth of parallelism
            lambda bitrate_bps: {
                "svtav1-params": f"pred-struct=1:rc=2:tbr={bitrate_bps // 1000}:buf-sz=1000:buf-initial-sz=600"
                ":buf-optimal-sz=600:lp=1:scd=0:lookahead=0"
            },
        ),
    )
}
FALLBACK = "libx264"


class RungEncoder:
    """One rung's encoder. Not thread-safe; `encode` blocks. Raises `CannotEncode` when it does not open."""

    def __init__(self, encoder: str, preset: str, rung: Rung) -> None:
        candidate = CANDIDATES.get(encoder)
        if candidate is None:
            raise CannotEncode(encoder, f"not one of {', '.join(CANDIDATES)}")
        self.candidate = candidate
        self._rung = rung
        try:
            self._context = _opened(candidate, preset, rung)
        except av.FFmpegError as error:
            raise CannotEncode(encoder, error.strerror or str(error)) from error
        except ValueError as error:
            raise CannotEncode(encoder, "these FFmpeg libraries do not have it") from error
        extra = bytes(self._context.extradata or b"")
        # Packets cannot tell: a length of 256 to 511 begins as a start code does.
        self._is_annexb = not extra.startswith(AVCC_VERSION)
        self.config = self._config_from(extra)
        """None until the encoder has told it, at the latest with its first packet."""

    def encode(self, frame: VideoFrame | None) -> list[Packet]:
        """Code a picture (None: all that is held) and return the packets that are ready, in 90 kHz."""
        return [self._converted(packet) for packet in self._context.encode(frame)]

    def _converted(self, packet: "av.Packet[av.VideoStream]") -> Packet:
        data, pts = bytes(packet), packet.pts
        assert pts is not None
        if self.config is None:
            self.config = self._config_from(data)
        if self.candidate.fourcc == "av01":
            data = bitstreams.without_delimiters(data)
        elif self._is_annexb:
            data = annexb.length_prefixed(data)
        return Packet(_VIDEO, pts, pts, packet.is_keyframe, data)  # no B-frames: decoded as shown

    def _config_from(self, data: bytes) -> CodecConfig | None:
        record: bytes | None
        if self.candidate.fourcc == "av01":
            record = bitstreams.av1c_from_obus(data)
        else:
            record = data if not self._is_annexb else annexb.avcc_from_annexb(data)
        if record is None:
            return None
        rung = self._rung
        return CodecConfig(_VIDEO, self.candidate.fourcc, record, width=rung.width, height=rung.height)


def _opened(candidate: Candidate, preset: str, rung: Rung) -> av.VideoCodecContext:
    context = av.CodecContext.create(candidate.name, "w")
    if not isinstance(context, av.VideoCodecContext):
        raise CannotEncode(candidate.name, "not a video encoder")
    context.width, context.height, context.pix_fmt = rung.width, rung.height, candidate.pixels
    context.time_base = TIME_BASE
    context.framerate = Fraction(rung.frame_rate).limit_denominator(1001)
    context.sample_aspect_ratio = Fraction(1)
    context.colorspace = context.color_primaries = context.color_trc = BT709
    context.color_range = LIMITED_RANGE
    context.gop_size = NEVER_FRAMES
    context.max_b_frames = 0
    context.thread_count = 2 if rung.width * rung.height * rung.frame_rate > MANY_PIXELS_PER_S else 1
    options = dict(candidate.options)
    if candidate.presets:
        options["preset"] = preset if preset in candidate.presets else candidate.default_preset
    if candidate.own_options is None:
        context.bit_rate = rung.bitrate_bps
        # A buffer of one second: BANDWIDTH is the peak of segments (RFC 8216, 4.3.4.2), so bursts cost viewers.
        options |= {"maxrate": str(rung.bitrate_bps), "bufsize": str(rung.bitrate_bps)}
    else:
        options |= candidate.own_options(rung.bitrate_bps)
    context.options = options
    context.flags |= Flags.global_header
    context.open()
    return context


# --- probing ------------------------------------------------------------------------------------------------


class Probed(msgspec.Struct, frozen=True):
    """Whether an encoder works here, and if not, why."""

    name: str
    is_able: bool
    reason: str = ""


def probe(names: Sequence[str] = tuple(CANDIDATES), *, wait_s: float = PROBE_S) -> list[Probed]:
    """Try each encoder in a process of its own. Blocks for up to `wait_s` for each of them."""
    return [_probe(name, wait_s) for name in names]


def _probe(name: str, wait_s: float) -> Probed:
    command = [sys.executable, "-m", "media", "encoders", "--try", name]
    environ = os.environ | {"SVT_LOG": "1"}
    try:
        done = subprocess.run(  # noqa: S603
            command, timeout=wait_s, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, env=environ
        )
    except subprocess.TimeoutExpired:
        return Probed(name, False, f"hangs: no picture within {wait_s:g} s")
    if done.returncode == 0:
        return Probed(name, True)
    if done.returncode < 0:
        return Probed(name, False, f"crashes (signal {-done.returncode})")
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    return Probed(name, False, lines[-1] if lines else f"exit code {done.returncode}")


def try_one(name: str) -> None:
    """Encode a few pictures in this process. Raises `CannotEncode`; may crash or hang with its driver."""
    rung = Rung("probe", 320, 192, 30.0, 300_000)
    encoder = RungEncoder(name, "", rung)
    packets: list[Packet] = []
    try:
        for number in range(PROBE_FRAMES):
            frame = blank(rung.width, rung.height, encoder.candidate.pixels)
            frame.pts, frame.time_base = number * VIDEO_TIMESCALE // 30, TIME_BASE
            frame.pict_type = PictureType.NONE if number else PictureType.I
            packets += encoder.encode(frame)
        packets += encoder.encode(None)
    except av.FFmpegError as error:
        raise CannotEncode(name, str(error)) from error
    if len(packets) != PROBE_FRAMES or not packets[0].is_keyframe or encoder.config is None:
        raise CannotEncode(name, f"{len(packets)} packets of {PROBE_FRAMES} pictures")


def blank(width: int, height: int, pixels: str) -> VideoFrame:
    """Return a picture of one colour."""
    frame = VideoFrame(width, height, pixels)
    for plane in frame.planes:
        plane.update(b"\x80" * plane.buffer_size)
    return frame


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command that tries encoders."""
    parser.add_argument("--try", dest="name", help="try this one in this process, which may crash or hang")


def main(arguments: argparse.Namespace) -> None:
    """Print what works as JSON, or with --try exit with a line that says why it does not."""
    if arguments.name is None:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(probe())).decode() + "\n")
        return
    try:
        try_one(arguments.name)
    except CannotEncode as error:
        sys.exit(error.reason)
