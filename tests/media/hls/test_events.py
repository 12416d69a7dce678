"""Timed metadata in media: boxes and tags byte by byte."""

import struct

from media.hls.events import MAX_TAG_BYTES, event_box, id3_tag
from media.packets import Cue, CueKind

CUE = Cue("goal-1", CueKind.DATA, 12.5, 1.5, "com.example.score", {"SCORE": "2:1 ü"})


def frames(tag: bytes) -> dict[str, str]:
    """Read an ID3v2.4 tag of TXXX frames."""
    assert tag[:6] == b"ID3\x04\x00\x00"
    size = _syncsafe(tag[6:10])
    assert size == len(tag) - 10
    found, at = {}, 10
    while at < len(tag):
        assert tag[at : at + 4] == b"TXXX"
        length = _syncsafe(tag[at + 4 : at + 8])
        assert tag[at + 8 : at + 11] == b"\0\0\3"  # no flags; UTF-8
        name, value, rest = tag[at + 11 : at + 10 + length].split(b"\0")
        assert rest == b""
        found[name.decode()] = value.decode()
        at += 10 + length
    return found


def _syncsafe(data: bytes) -> int:
    assert all(byte < 0x80 for byte in data)
    return sum(byte << shift for byte, shift in zip(data, (21, 14, 7, 0), strict=True))


def test_the_box_has_the_time_of_the_boxes_around_it() -> None:
    box = event_box(CUE, 7)
    assert struct.unpack(">I4s", box[:8]) == (len(box), b"emsg")
    version, timescale, ticks, duration, number = struct.unpack(">IIQII", box[8:32])
    assert (version, timescale, number) == (1 << 24, 90_000, 7)
    assert (ticks, duration) == (round(22.5 * 90_000), 135_000)
    scheme, value, tag = box[32:].split(b"\0", 2)
    assert (scheme, value) == (b"https://aomedia.org/emsg/ID3", b"")
    assert frames(tag) == {"ID": "goal-1", "CLASS": "com.example.score", "SCORE": "2:1 ü"}


def test_a_duration_that_nobody_knows_says_so() -> None:
    box = event_box(Cue("x", CueKind.DATA, -20, None, "c", {}), 1 << 32)
    assert struct.unpack(">QII", box[16:32]) == (0, 0xFFFFFFFF, 0)  # a time before the boxes' zero is their zero


def test_sizes_are_syncsafe() -> None:
    assert frames(id3_tag({"LONG": "x" * 5000})) == {"LONG": "x" * 5000}


def test_a_tag_stays_within_its_limit_and_whole() -> None:
    tag = id3_tag({str(number): "x" * 1000 for number in range(200)})
    assert len(tag) <= MAX_TAG_BYTES + 10
    assert len(frames(tag)) == 64


def test_what_would_end_a_string_early_is_taken_out() -> None:
    assert frames(id3_tag({"A\0B": "c\0d\ud800"})) == {"A B": "c d?"}
