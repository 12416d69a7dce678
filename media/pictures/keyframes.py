"""One picture out of one keyframe, each with a decoder of its own: no keyframe can spoil the next one's.

Errors: `BadPicture` (the keyframe cannot be decoded; the publisher's fault).
"""

from fractions import Fraction

import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from media.packets import CodecConfig

DECODERS = {"avc1": "h264", "hvc1": "hevc", "av01": "libdav1d", "vp09": "vp9"}
"""FFmpeg's decoder of each sample entry."""
MAX_PIXELS = 8192 * 4320
"""Of a picture; a decoder refuses larger ones before it allocates them."""


LONGEST_PIXEL = 4
"""A pixel that claims to be longer than so many of its widths, or wider, is taken for a square one."""


class BadPicture(Exception):
    """The text says why."""


def decode(config: CodecConfig, data: bytes) -> tuple[VideoFrame, Fraction]:
    """Return the picture of a keyframe and how wide one of its pixels is. Raises `BadPicture`."""
    name = DECODERS.get(config.fourcc)
    if name is None:
        raise BadPicture(f"no decoder of {config.fourcc}")
    try:
        decoder = _open(name, config)
        packet = av.Packet(data)
        packet.is_keyframe = True
        # A picture that may still be reordered comes out with the end of the stream only.
        frames = decoder.decode(packet) or decoder.decode(None)
    except (av.FFmpegError, MemoryError, ValueError) as error:
        raise BadPicture(f"{config.fourcc}: {error}") from error
    if not frames:
        raise BadPicture(f"{config.fourcc}: {len(data)} bytes without a picture")
    return frames[0], _pixel_aspect(decoder)


def _pixel_aspect(decoder: VideoCodecContext) -> Fraction:
    aspect = decoder.sample_aspect_ratio
    is_believable = aspect is not None and Fraction(1, LONGEST_PIXEL) <= aspect <= LONGEST_PIXEL
    return aspect if aspect is not None and is_believable else Fraction(1)


def _open(name: str, config: CodecConfig) -> VideoCodecContext:
    decoder = av.CodecContext.create(name, "r")
    assert isinstance(decoder, VideoCodecContext)
    if config.fourcc != "vp09":  # whose configuration is in every keyframe; FFmpeg knows no vpcC
        decoder.extradata = config.record
    decoder.thread_count = 1
    # Damage is an error, instead of a picture with holes painted over.
    decoder.options = {"max_pixels": str(MAX_PIXELS), "err_detect": "explode"}
    decoder.open()
    return decoder
