import pytest
from aiortc.codecs.h264 import h264_depayload
from hypothesis import given
from hypothesis import strategies as st

from media.codecs.annexb import parameter_sets
from media.codecs.bits import BadConfig
from media.packets import CodecConfig, Packet, TrackKind
from media.webrtc.watch.packetiser import MAX_PAYLOAD_BYTES, h264_payloads
from tests.media.material import VIDEO_CONFIG

SPS, PPS = parameter_sets(VIDEO_CONFIG)
IDR, SLICE, SEI, AUD = b"\x65idr", b"\x41slice", b"\x06sei", b"\x09\xf0"


def sample(*units: bytes) -> bytes:
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in units)


def payloads(*units: bytes, key: bool = False, limit: int = MAX_PAYLOAD_BYTES) -> list[bytes]:
    return h264_payloads(VIDEO_CONFIG, Packet(TrackKind.VIDEO, 0, 0, key, sample(*units)), limit)


def units_of(payloads: list[bytes]) -> list[bytes]:
    """Put NAL units together again, by somebody else's reading of RFC 6184."""
    return b"".join(map(h264_depayload, payloads)).split(b"\x00\x00\x00\x01")[1:]


def test_a_small_keyframe_is_one_aggregate_with_its_parameter_sets() -> None:
    [payload] = payloads(IDR, key=True)
    assert payload[0] == 0x60 | 24  # STAP-A of the highest importance inside
    assert payload[1:3] == len(SPS).to_bytes(2, "big")
    assert units_of([payload]) == [SPS, PPS, IDR]


def test_a_single_unit_goes_as_it_is() -> None:
    assert payloads(SLICE) == [SLICE]


def test_a_long_unit_goes_in_fragments_of_one_size() -> None:
    unit = b"\x41" + bytes(range(1, 256)) * 12
    fragments = payloads(unit)
    assert [fragment[0] for fragment in fragments] == [0x40 | 28] * 3
    assert [fragment[1] for fragment in fragments] == [0x80 | 1, 1, 0x40 | 1]  # start and end of the unit of kind 1
    assert len({len(fragment) for fragment in fragments}) == 1
    assert units_of(fragments) == [unit]


def test_a_unit_one_byte_too_long_goes_in_two_fragments() -> None:
    assert len(payloads(b"\x41" + bytes(MAX_PAYLOAD_BYTES - 1))) == 1
    assert len(payloads(b"\x41" + bytes(MAX_PAYLOAD_BYTES))) == 2


def test_what_players_do_without_is_left_out() -> None:
    assert payloads(AUD, SEI, SLICE, b"\x0cfiller") == [SLICE]
    assert payloads(AUD, SEI) == []


def test_torn_lengths_lose_the_end_alone() -> None:
    packet = Packet(TrackKind.VIDEO, 0, 0, False, sample(SLICE) + b"\x00\x00\x10\x00short")
    assert h264_payloads(VIDEO_CONFIG, packet) == [SLICE]


def test_a_torn_configuration_is_said() -> None:
    config = CodecConfig(TrackKind.VIDEO, "avc1", bytes.fromhex("0164001effe1ffff6764"), width=16, height=16)
    with pytest.raises(BadConfig):
        h264_payloads(config, Packet(TrackKind.VIDEO, 0, 0, True, sample(IDR)))


@given(st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=12), st.integers(16, 90))
def test_any_units_come_together_again_within_any_limit(bodies: list[bytes], limit: int) -> None:
    units = [b"\x41" + body.replace(b"\x00", b"\x01") for body in bodies]
    made = payloads(*units, limit=limit)
    assert max(map(len, made)) <= limit
    assert units_of(made) == units
