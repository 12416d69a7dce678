"""Captions inside of pictures, found in crafted SEI messages."""

import time

import pytest

from media.codecs.cc import carries_captions, has_long_lengths
from media.packets import CodecConfig, TrackKind

TEXT = b"\xfc\x94\x20"  # cc_valid, type 0 (line 21, field 1): resume caption loading
PADDING = b"\xfc\x80\x80"
DTVCC = b"\xff\x02\x21"  # cc_valid, type 3: a 708 packet begins
INVALID = b"\xf8\x94\x20"  # the same text, but not valid
SLICE = b"\x65" + b"\x88" * 400
DELIMITER = b"\x09\xf0"


def cc_data(*triplets: bytes, flags: int = 0xC0) -> bytes:
    return b"\xb5\x00\x31GA94\x03" + bytes((flags | len(triplets), 0xFF)) + b"".join(triplets) + b"\xff"


def message(payload: bytes, kind: int = 4) -> bytes:
    size = len(payload)
    return bytes((kind,)) + b"\xff" * (size // 255) + bytes((size % 255,)) + payload


def h264_sei(*messages: bytes) -> bytes:
    return b"\x06" + b"".join(messages) + b"\x80"


def hevc_sei(*messages: bytes) -> bytes:
    return b"\x4e\x01" + b"".join(messages) + b"\x80"


def unit(*nals: bytes) -> bytes:
    return b"".join(len(nal).to_bytes(4, "big") + nal for nal in nals)


TIMING = message(b"\x12\x34", kind=1)


@pytest.mark.parametrize("triplets", [(TEXT,), (DTVCC,), (PADDING, TEXT), (PADDING,) * 30 + (TEXT,)])
def test_text_is_found(triplets: tuple[bytes, ...]) -> None:
    said = message(cc_data(*triplets))
    assert carries_captions("avc1", unit(DELIMITER, h264_sei(TIMING, said), SLICE))
    assert carries_captions("avc1", unit(h264_sei(TIMING), h264_sei(said), SLICE))
    assert carries_captions("hvc1", unit(b"\x46\x01\x50", hevc_sei(said), b"\x26\x01" + SLICE))


def test_a_message_longer_than_254_bytes_has_its_size_in_several() -> None:
    assert carries_captions("avc1", unit(h264_sei(message(cc_data(TEXT) + bytes(600))), SLICE))


def test_emulation_prevention_does_not_hide_text() -> None:
    padding = b"\xfc\x80\x80\xfa\x00\x00\x03\xfa\x00\x00\x03"  # two DTVCC triplets that are not valid
    body = cc_data().replace(b"\xc0", b"\xc4", 1)[:-1] + padding + TEXT + b"\xff"
    assert carries_captions("avc1", unit(h264_sei(message(body)), SLICE))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\0",
        unit(SLICE),
        unit(DELIMITER, h264_sei(TIMING), SLICE),
        unit(h264_sei(message(cc_data(PADDING))), SLICE),  # an encoder that could, but has nothing to say
        unit(h264_sei(message(cc_data(INVALID))), SLICE),
        unit(h264_sei(message(cc_data())), SLICE),
        unit(h264_sei(message(cc_data(TEXT, flags=0x80))), SLICE),  # process_cc_data_flag is not set
        unit(h264_sei(message(cc_data(TEXT), kind=5)), SLICE),  # unregistered user data that looks like it
        unit(h264_sei(message(cc_data(TEXT).replace(b"GA94", b"DTG1"))), SLICE),  # another kind: active format
        unit(SLICE, h264_sei(message(cc_data(TEXT)))),  # behind the picture it would be the next one's
        unit(*[DELIMITER] * 20, h264_sei(message(cc_data(TEXT))), SLICE),  # beyond what is looked at
        unit(h264_sei(message(bytes(2000), kind=5), message(cc_data(TEXT))), SLICE),  # too far from the beginning
        unit(h264_sei(message(cc_data(TEXT))))[:19],  # torn before its text
        b"\xff\xff\xff\xff" + h264_sei(message(cc_data(PADDING))),
    ],
)
def test_what_is_no_text_is_not_found(data: bytes) -> None:
    assert not carries_captions("avc1", data)
    assert not carries_captions("hvc1", data)


def test_every_torn_unit_gives_an_answer() -> None:
    whole = unit(DELIMITER, h264_sei(TIMING, message(cc_data(PADDING, TEXT))), SLICE)
    answers = [carries_captions("avc1", whole[:length]) for length in range(len(whole))]
    assert answers == sorted(answers)  # not found, and from the text on found


@pytest.mark.parametrize(
    ("fourcc", "record", "readable"),
    [
        ("avc1", bytes.fromhex("0164001effe1"), True),
        ("avc1", bytes.fromhex("0164001efde1"), False),  # lengths of two bytes
        ("hvc1", bytes(21) + b"\x0f", True),
        ("hvc1", bytes(21) + b"\x0d", False),
        ("avc1", b"", False),
        ("av01", bytes.fromhex("81080c00"), False),
    ],
)
def test_what_can_be_looked_at(fourcc: str, record: bytes, readable: bool) -> None:
    assert has_long_lengths(CodecConfig(TrackKind.VIDEO, fourcc, record)) is readable


def test_a_usual_packet_costs_little() -> None:
    packet = unit(DELIMITER, h264_sei(TIMING), b"\x41" + b"\x9a" * 4000)
    best = min(_timed(packet) for _ in range(20))
    assert best < 2e-6  # 0.2 us on an idle machine


def _timed(packet: bytes) -> float:
    began = time.perf_counter()
    for _ in range(200):
        carries_captions("avc1", packet)
    return (time.perf_counter() - began) / 200
