"""Reads back what the packager wrote."""

import struct

import msgspec

from media.hls.boxes import TIME_OFFSET_S
from media.hls.segmenter import AUDIO, Part
from media.packets import VIDEO_TIMESCALE
from tests.media.material import AUDIO_CONFIG


class Written(msgspec.Struct, frozen=True):
    """A sample as its fragment tells."""

    dts: int
    duration: int
    is_sync: bool
    data: bytes


def samples(part: Part) -> list[Written]:
    """Read a fragment of ours."""
    data = part.data
    is_video = part.rendition != AUDIO
    rate = VIDEO_TIMESCALE if is_video else AUDIO_CONFIG.sample_rate
    (dts,) = struct.unpack_from(">Q", data, data.index(b"tfdt") + 8)
    dts -= TIME_OFFSET_S * rate
    run = data.index(b"trun")
    count, offset = struct.unpack_from(">II", data, run + 8)
    written = []
    for number in range(count):
        if is_video:
            duration, size, flags, _ = struct.unpack_from(">IIIi", data, run + 16 + 16 * number)
        else:
            duration, size = struct.unpack_from(">II", data, run + 16 + 8 * number)
            flags = 0x02000000
        written.append(Written(dts, duration, flags == 0x02000000, data[offset : offset + size]))
        dts += duration
        offset += size
    assert offset == len(data)
    return written
