"""A decoded picture of any size, shape and pixel format, made to fit a rung: BT.709, limited range, 4:2:0, 8 bits.

A filter graph does it rather than a bare scaler: it leaves the source picture as it is (several rungs read it at
the same time), keeps its side data (captions), and draws bars without a copy.
"""

import threading
from collections.abc import Sequence
from fractions import Fraction

import av
import av.filter
from av.filter.context import FilterContext
from av.video.frame import VideoFrame

from media.transcode.decoding import Picture

SQUARE = Fraction(1)
SHARED_PIXELS = "yuv420p"
"""Encoders that want others scale for themselves."""
BARS_FROM = 0.02
"""A shape that is off by less than this is stretched: rung sizes are rounded to even numbers."""
MAX_STRETCH = 16
"""Sample aspect ratios beyond 1:16 and 16:1 are nonsense (ITU-T H.264, table E-1 ends at 4:1 ... 160:99)."""
UNSPECIFIED = 2
BT709, BT601 = 1, 6
LIMITED, FULL = 1, 2
RGB = 0
HD_HEIGHT, HD_WIDTH = 720, 1280
HDR_TRANSFERS = frozenset({16, 18})
"""SMPTE ST 2084 (PQ) and ARIB STD-B67 (HLG) (ITU-T H.273, table 3)."""

Shape = tuple[int, int, str, int, int, int, Fraction]
"""What a graph is made for: width, height, pixel format, colour space, range, transfer and sample aspect ratio."""


def tag(frame: VideoFrame) -> None:
    """Write down what an untagged picture is, as players guess it. Once, before threads share the picture."""
    if frame.colorspace == UNSPECIFIED:
        is_hd = frame.height >= HD_HEIGHT or frame.width >= HD_WIDTH
        frame.colorspace = BT709 if is_hd else BT601
    if frame.color_range not in {LIMITED, FULL}:
        frame.color_range = FULL if frame.colorspace == RGB or frame.format.name.startswith("yuvj") else LIMITED


def fitted_size(width: int, height: int, aspect: Fraction, into: tuple[int, int]) -> tuple[int, int]:
    """Return the even size with the shape of width*aspect x height that fits into the given one."""
    wide, high = into
    if not Fraction(1, MAX_STRETCH) <= aspect <= MAX_STRETCH:
        aspect = SQUARE
    shape = Fraction(width, height) * aspect
    if abs(shape / Fraction(wide, high) - 1) < BARS_FROM:
        return into
    if shape > Fraction(wide, high):
        high = int(wide / shape)
    else:
        wide = int(high * shape)
    return max(2, wide // 2 * 2), max(2, high // 2 * 2)


class Fitter:
    """Fits pictures into one size. Not thread-safe; many may read the same picture at once."""

    def __init__(self, width: int, height: int, pixels: str = "yuv420p") -> None:
        self._size = (width, height)
        self._pixels = pixels
        self._shape: Shape | None = None
        self._graph: av.filter.Graph | None = None
        self._source: FilterContext | None = None
        self._sink: FilterContext | None = None

    def fit(self, frame: VideoFrame, aspect: Fraction) -> VideoFrame:
        """Return a new picture object of this size with the stamps of `frame`, which has been through `tag`."""
        shape = (
            frame.width,
            frame.height,
            frame.format.name,
            frame.colorspace,
            frame.color_range,
            frame.color_trc,
            aspect,
        )
        if shape != self._shape:
            self._build(shape)
        assert self._source is not None
        assert self._sink is not None
        self._source.push(frame)
        fitted = self._sink.pull()
        assert isinstance(fitted, VideoFrame)
        return fitted

    def _build(self, shape: Shape) -> None:
        width, height, pixels, space, value_range, transfer, aspect = shape
        (wide, high), (full_wide, full_high) = fitted_size(width, height, aspect, self._size), self._size
        graph = av.filter.Graph()
        graph.threads = 1
        chain = [
            graph.add(
                "buffer",
                f"video_size={width}x{height}:pix_fmt={pixels}:time_base=1/90000:pixel_aspect=1/1"
                f":colorspace={space}:range={value_range}",
            )
        ]
        scale = f"{wide}:{high}:flags=bicubic:out_color_matrix=bt709:out_range=limited"
        if transfer in HDR_TRANSFERS:
            scale += ":out_transfer=bt709:out_primaries=bt709"
        chain.append(graph.add("scale", scale))
        chain.append(graph.add("format", f"pix_fmts={self._pixels}"))
        if (wide, high) != self._size:
            left, top = (full_wide - wide) // 4 * 2, (full_high - high) // 4 * 2  # even: chroma has half of it
            chain.append(graph.add("pad", f"{full_wide}:{full_high}:{left}:{top}:black"))
        chain.append(graph.add("setsar", "1"))
        chain.append(graph.add("buffersink"))
        graph.link_nodes(*chain)
        graph.configure()
        self._graph, self._source, self._sink = graph, chain[0], chain[-1]
        self._shape = shape


class SharedFitter:
    """Fits each picture once into the size of the largest rung, for that rung and as the source of the smaller ones.

    Scaling 1080p to 480p and 360p by way of 720p takes half of the CPU, and what is coded of it differs by less than
    0.1 dB of PSNR. Thread-safe.
    """

    def __init__(self, width: int, height: int) -> None:
        self.size = (width, height)
        self.is_used = True
        """False once the largest rung is gone: then the way round costs more than it saves."""
        self._fitter = Fitter(width, height)
        self._lock = threading.Lock()

    def fit(self, picture: Picture) -> VideoFrame:
        """Return the picture in this size: for all threads the same object."""
        with self._lock:
            if picture.fitted is None:
                picture.fitted = self._fitter.fit(picture.frame, picture.aspect)
            return picture.fitted


def shared_fitter(sizes: Sequence[tuple[int, int]]) -> SharedFitter | None:
    """Return what rungs of these sizes share, None where there is nothing: all must have nearly the same shape."""
    if len(sizes) < 2:
        return None
    wide, high = largest = max(sizes, key=lambda size: size[0] * size[1])
    is_smaller = all(size == largest or (size[0] < wide and size[1] < high) for size in sizes)
    if not is_smaller or any(fitted_size(wide, high, SQUARE, size) != size for size in sizes):
        return None
    return SharedFitter(wide, high)
