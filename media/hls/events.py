"""Timed metadata inside of media: an ID3 tag in an `emsg` box (AOM ID3 Timed Metadata in CMAF; ID3v2.4.0).

Players that look at media, not at playlists, tell their page of it: hls.js as FRAG_PARSING_METADATA, Safari as a cue.
"""

import struct
from collections.abc import Mapping

from media.hls.boxes import TIME_OFFSET_S
from media.packets import VIDEO_TIMESCALE, Cue

SCHEME = "https://aomedia.org/emsg/ID3"
MAX_TAG_BYTES = 64 << 10
"""A tag is in every rendition, before media that players wait for; fields beyond this are left out."""
CLASS_FIELD, ID_FIELD = "CLASS", "ID"
"""Descriptions of the frames that hold a cue's own class and id."""
_UNKNOWN_DURATION = 0xFFFFFFFF
_MAX_DURATION = 0xFFFFFFFE
_UTF8 = b"\3"


def event_box(cue: Cue, number: int) -> bytes:
    """Return the `emsg` box, version 1, of a cue; `number` tells it from the others of the stream.

    ISO/IEC 23009-1, 5.10.3.3: the presentation time is on the clock of the boxes around it.
    """
    ticks = max(0, round((cue.start_s + TIME_OFFSET_S) * VIDEO_TIMESCALE))
    duration = _UNKNOWN_DURATION
    if cue.duration_s is not None:
        duration = min(round(cue.duration_s * VIDEO_TIMESCALE), _MAX_DURATION)
    body = b"".join(
        (
            struct.pack(">IIQII", 1 << 24, VIDEO_TIMESCALE, ticks, duration, number & 0xFFFFFFFF),
            SCHEME.encode() + b"\0",
            b"\0",  # value: nothing to tell kinds of ID3 apart
            id3_tag({ID_FIELD: cue.cue_id, CLASS_FIELD: cue.class_name, **cue.fields}),
        )
    )
    return (8 + len(body)).to_bytes(4, "big") + b"emsg" + body


def id3_tag(fields: Mapping[str, str]) -> bytes:
    """Return an ID3v2.4 tag with a TXXX frame for each field (ID3v2.4.0 frames, 4.2.6)."""
    frames, size = [], 0
    for name, value in fields.items():
        content = _UTF8 + _terminated(name) + _terminated(value)
        frame = b"TXXX" + _syncsafe(len(content)) + b"\0\0" + content
        size += len(frame)
        if size > MAX_TAG_BYTES:
            break
        frames.append(frame)
    body = b"".join(frames)
    return b"ID3\x04\x00\x00" + _syncsafe(len(body)) + body


def _terminated(text: str) -> bytes:
    return text.replace("\0", " ").encode(errors="replace") + b"\0"


def _syncsafe(size: int) -> bytes:
    """ID3v2.4.0 structure, 6.2: seven bits in each byte."""
    return bytes((size >> 21 & 0x7F, size >> 14 & 0x7F, size >> 7 & 0x7F, size & 0x7F))
