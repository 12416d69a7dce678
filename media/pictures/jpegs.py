"""Pictures in the size, colours and coding of the web: JPEG (JFIF: full range, BT.601 matrix)."""

from fractions import Fraction

import av
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, VideoReformatter

FORMAT = "yuvj420p"
HD_HEIGHT = 576
"""Pictures that do not name their matrix have BT.709's when they are higher or wider than PAL, as players guess."""
HD_WIDTH = 1024
_LAMBDA = 118  # FF_QP2LAMBDA: FFmpeg's unit of quantisers
_MATRICES = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.SMPTE170M,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
    10: Colorspace.BT2020,
}
"""By AVColorSpace, which is ISO/IEC 23091-2's MatrixCoefficients."""
_HDR = frozenset({int(ColorTrc.SMPTE2084), int(ColorTrc.ARIB_STD_B67)})
_FULL_FORMATS = ("yuvj", "gbr", "rgb", "bgr")


def fit(width: int, height: int, most_width: int, most_height: int, aspect: Fraction = Fraction(1)) -> tuple[int, int]:
    """Return the even size that fits into the box, shape kept, never enlarged; `aspect` is that of one pixel."""
    shown_width = width * aspect
    scale = min(Fraction(1), Fraction(most_width) / shown_width, Fraction(most_height, height))
    return _even(shown_width * scale), _even(height * scale)


def _even(length: Fraction) -> int:
    return max(2, 2 * round(length / 2))


def reduced(frame: VideoFrame, width: int, height: int) -> VideoFrame:
    """Return the picture in this size and in JPEG's colours."""
    is_hdr = frame.color_trc in _HDR
    return VideoReformatter().reformat(
        frame,
        width,
        height,
        FORMAT,
        src_colorspace=_matrix(frame),
        dst_colorspace=Colorspace.ITU601,
        interpolation="AREA",
        src_color_range=_range(frame),
        dst_color_range=ColorRange.JPEG,
        dst_color_trc=ColorTrc.IEC61966_2_1 if is_hdr else None,
        dst_color_primaries=ColorPrimaries.BT709 if is_hdr else None,
        threads=1,
    )


def _matrix(frame: VideoFrame) -> Colorspace:
    known = _MATRICES.get(frame.colorspace)
    if known is not None:
        return known
    is_hd = frame.height > HD_HEIGHT or frame.width > HD_WIDTH
    return Colorspace.ITU709 if is_hd else Colorspace.ITU601


def _range(frame: VideoFrame) -> ColorRange:
    if frame.color_range == ColorRange.JPEG or frame.format.name.startswith(_FULL_FORMATS):
        return ColorRange.JPEG
    return ColorRange.MPEG


def encode(frame: VideoFrame, *, quantisers: tuple[int, ...], most_bytes: int) -> bytes:
    """Return the JPEG with the first quantiser (2 is best, 31 worst) that keeps it small enough, or with the last."""
    jpeg = b""
    for quantiser in quantisers:
        jpeg = _encode(frame, quantiser)
        if len(jpeg) <= most_bytes:
            break
    return jpeg


def _encode(frame: VideoFrame, quantiser: int) -> bytes:
    encoder = av.CodecContext.create("mjpeg", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = frame.width, frame.height, FORMAT
    encoder.time_base = Fraction(1, 1)
    encoder.thread_count = 1
    encoder.color_range = ColorRange.JPEG
    encoder.flags |= Flags.qscale
    encoder.qmin = encoder.qmax = quantiser
    encoder.global_quality = quantiser * _LAMBDA
    frame.pts = 0
    return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])
