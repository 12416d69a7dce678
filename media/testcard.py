"""A test card made with PyAV: a moving picture with a readable clock, and a tone that beeps each second.

The clock is drawn as seven-segment digits, because FFmpeg's own text filter needs fonts that a server may not have.
Under it runs a strip of cells that says the same time to a program: the milliseconds of the epoch modulo 2**32 as 32
bits, most significant first, white for one, then their parity; a page reads it back to measure glass-to-glass latency.
"""

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from fractions import Fraction

import av
import av.filter
import msgspec
from av.audio.frame import AudioFrame
from av.codec.context import Flags
from av.video.frame import PictureType, VideoFrame
from av.video.plane import VideoPlane

from media.packets import CodecConfig, Packet, TrackKind

SAMPLE_RATE = 48_000
SAMPLES_PER_FRAME = 1024
STRIP_CELLS = 33
WHITE, BLACK, GREY = 235, 16, 128
"""Luma in the limited range of BT.709; grey is the chroma of no colour."""

#      a
#    f   b     Each digit is the set of its lit segments.
#      g
#    e   c
#      d
_DIGITS = ("abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abcdfg")


class CardSettings(msgspec.Struct, frozen=True):
    """What the card looks like and how it is coded."""

    width: int = 1280
    height: int = 720
    frame_rate: int = 30
    keyframe_interval_s: float = 2.0
    video_bitrate_bps: int = 3_000_000
    audio_bitrate_bps: int = 128_000
    preset: str = "ultrafast"
    b_frames: int = 0


class TestCard:
    """Coded packets in decode order, stamped in milliseconds. Not thread-safe; `packets` blocks in encoders."""

    __test__ = False  # pytest would take the name for a test class

    def __init__(self, settings: CardSettings, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._clock = clock
        self._picture = _picture(settings)
        self._tone = _tone()
        self._video = _video_encoder(settings)
        self._audio = _audio_encoder(settings)
        self._frames = 0
        self._samples = 0

    @property
    def configs(self) -> tuple[CodecConfig, CodecConfig]:
        """The configuration of the video and of the audio track."""
        settings = self._settings
        video = CodecConfig(
            TrackKind.VIDEO, "avc1", bytes(self._video.extradata or b""), width=settings.width, height=settings.height
        )
        audio = CodecConfig(
            TrackKind.AUDIO, "mp4a", bytes(self._audio.extradata or b""), sample_rate=SAMPLE_RATE, channels=2
        )
        return video, audio

    def packets(self) -> Iterator[Packet]:
        """Draw and code one more picture and the sound up to its end; yield what the encoders give out."""
        settings = self._settings
        frame = self._picture()
        _draw_time(frame, self._clock())
        frame.pts = self._frames
        frame.time_base = Fraction(1, settings.frame_rate)
        gop = max(1, round(settings.keyframe_interval_s * settings.frame_rate))
        frame.pict_type = PictureType.I if self._frames % gop == 0 else PictureType.NONE
        self._frames += 1
        for coded in self._video.encode(frame):
            yield _packet(TrackKind.VIDEO, coded)
        until = self._frames * SAMPLE_RATE // settings.frame_rate
        while self._samples + SAMPLES_PER_FRAME <= until:
            sound = self._tone()
            sound.pts = self._samples
            sound.time_base = Fraction(1, SAMPLE_RATE)
            self._samples += SAMPLES_PER_FRAME
            for coded in self._audio.encode(sound):
                yield _packet(TrackKind.AUDIO, coded)

    @property
    def position_s(self) -> float:
        """How much of the card has been drawn."""
        return self._frames / self._settings.frame_rate


def _packet(kind: TrackKind, coded: "av.Packet[av.VideoStream] | av.Packet[av.AudioStream]") -> Packet:
    assert coded.dts is not None
    assert coded.pts is not None
    assert coded.time_base is not None
    # AAC begins one frame before zero (its priming), B-frames make the first decode times negative: one second of
    # lead keeps every stamp positive, as RTMP wants it.
    dts = round(coded.dts * coded.time_base * 1000) + 1000
    pts = round(coded.pts * coded.time_base * 1000) + 1000
    return Packet(kind, dts, pts, coded.is_keyframe, bytes(coded))


def _video_encoder(settings: CardSettings) -> av.VideoCodecContext:
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height = settings.width, settings.height
    encoder.pix_fmt = "yuv420p"
    encoder.time_base = Fraction(1, settings.frame_rate)
    encoder.framerate = Fraction(settings.frame_rate)
    encoder.bit_rate = settings.video_bitrate_bps
    encoder.gop_size = 10 * 60 * settings.frame_rate
    encoder.max_b_frames = settings.b_frames
    encoder.thread_count = 1
    encoder.options = {
        "preset": settings.preset,
        "forced-idr": "1",
        "maxrate": str(settings.video_bitrate_bps),
        "bufsize": str(settings.video_bitrate_bps),
        "x264-params": "scenecut=0:open-gop=0:annexb=0",
        **({} if settings.b_frames else {"tune": "zerolatency"}),
    }
    encoder.flags |= Flags.global_header
    encoder.open()
    return encoder


def _audio_encoder(settings: CardSettings) -> av.AudioCodecContext:
    encoder = av.CodecContext.create("aac", "w")
    encoder.sample_rate = SAMPLE_RATE
    encoder.layout = "stereo"
    encoder.format = "fltp"
    encoder.bit_rate = settings.audio_bitrate_bps
    encoder.time_base = Fraction(1, SAMPLE_RATE)
    encoder.flags |= Flags.global_header
    encoder.open()
    return encoder


def _picture(settings: CardSettings) -> Callable[[], VideoFrame]:
    graph = av.filter.Graph()
    size = f"{settings.width}x{settings.height}"
    source = graph.add("testsrc2", f"size={size}:rate={settings.frame_rate}")
    calm = graph.add("hue", "s=0.4:b=-0.8")
    plain = graph.add("format", "pix_fmts=yuv420p")
    sink = graph.add("buffersink")
    graph.link_nodes(source, calm, plain, sink)
    graph.configure()

    def pull() -> VideoFrame:
        frame = graph.vpull()
        assert isinstance(frame, VideoFrame)
        return frame

    return pull


def _tone() -> Callable[[], AudioFrame]:
    graph = av.filter.Graph()
    source = graph.add(
        "sine", f"frequency=220:beep_factor=4:sample_rate={SAMPLE_RATE}:samples_per_frame={SAMPLES_PER_FRAME}"
    )
    quiet = graph.add("volume", "0.25")
    stereo = graph.add("aformat", f"sample_fmts=fltp:channel_layouts=stereo:sample_rates={SAMPLE_RATE}")
    sink = graph.add("abuffersink")
    graph.link_nodes(source, quiet, stereo, sink)
    graph.configure()

    def pull() -> AudioFrame:
        frame = graph.pull()
        assert isinstance(frame, AudioFrame)
        return frame

    return pull


def _draw_time(frame: VideoFrame, now_s: float) -> None:
    unit = frame.height // 90
    now_ms = int(now_s * 1000)
    text = datetime.fromtimestamp(now_ms / 1000).astimezone().strftime("%H:%M:%S.") + f"{now_ms % 1000:03d}"
    width = sum(3 if letter in ":." else 8 for letter in text) * unit
    left, top = (frame.width - width) // 2, frame.height // 2 - 10 * unit
    box = (left - 2 * unit, top - 2 * unit, width + 3 * unit, 16 * unit)
    cell = frame.width // (STRIP_CELLS + 2)
    strip = frame.height - 2 * cell
    band = (0, strip - cell // 2, frame.width, 2 * cell)
    for plane in frame.planes[1:]:
        canvas = _Canvas(plane)
        for x, y, w, h in (box, band):
            canvas.fill(x // 2, y // 2, w // 2, h // 2, GREY)
        canvas.show()
    canvas = _Canvas(frame.planes[0])
    for area in (box, band):
        canvas.fill(*area, BLACK)
    for letter in text:
        left += canvas.letter(letter, left, top, unit)
    bits = now_ms % 2**32
    cells = [bits >> (31 - place) & 1 for place in range(32)]
    cells.append(sum(cells) % 2)
    for place, lit in enumerate(cells):
        canvas.fill((place + 1) * cell, strip, cell, cell, WHITE if lit else BLACK)
    canvas.show()


class _Canvas:
    """A copy of one plane, painted with rectangles and put back by `show`."""

    def __init__(self, plane: VideoPlane) -> None:
        self._plane = plane
        self._pixels = bytearray(plane)
        self._stride = plane.line_size

    def fill(self, x: int, y: int, width: int, height: int, value: int) -> None:
        row = bytes([value]) * width
        for start in range(y * self._stride + x, (y + height) * self._stride + x, self._stride):
            self._pixels[start : start + width] = row

    def show(self) -> None:
        self._plane.update(bytes(self._pixels))

    def letter(self, letter: str, x: int, y: int, unit: int) -> int:
        """Draw a digit, colon or point in a cell twelve units high; return how far the next one is."""
        if letter == ":":
            self.fill(x, y + 3 * unit, unit, unit, WHITE)
            self.fill(x, y + 8 * unit, unit, unit, WHITE)
            return 3 * unit
        if letter == ".":
            self.fill(x, y + 11 * unit, unit, unit, WHITE)
            return 3 * unit
        boxes = {
            "a": (0, 0, 6, 1),
            "b": (5, 0, 1, 6),
            "c": (5, 6, 1, 6),
            "d": (0, 11, 6, 1),
            "e": (0, 6, 1, 6),
            "f": (0, 0, 1, 6),
            "g": (0, 5, 6, 1),
        }
        for segment in _DIGITS[int(letter)]:
            left, top, width, height = boxes[segment]
            self.fill(x + left * unit, y + top * unit, width * unit, height * unit, WHITE)
        return 8 * unit
