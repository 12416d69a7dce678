"""AMF0 and AMF3: bytes of real encoders, every type, references, limits, and any bytes at all."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.rtmp.amf import MAX_DEPTH, MAX_VALUES, AmfValue, BadAmf, EcmaArray, decode, encode

OBS_RELEASE_STREAM = bytes.fromhex("02000d72656c6561736553747265616d 004000000000000000 05 02000774657374 6b6579")


def amf3(body: str) -> AmfValue:
    (value,) = decode(b"\x11" + bytes.fromhex(body))
    return value


def test_release_stream_as_librtmp_sends_it() -> None:
    assert decode(OBS_RELEASE_STREAM) == ["releaseStream", 2.0, None, "testkey"]
    assert encode("releaseStream", 2, None, "testkey") == OBS_RELEASE_STREAM


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ("00 3ff8000000000000", 1.5),
        ("01 00", False),
        ("01 01", True),
        ("02 0003 616263", "abc"),
        ("02 0001 ff", "\ufffd"),
        ("03 0001 61 0101 0000 09", {"a": True}),
        ("05", None),
        ("06", None),
        ("08 00000000 0001 61 05 0000 09", {"a": None}),
        ("08 000000ff 0000 09", {}),
        ("0a 00000002 05 0101", [None, True]),
        ("0b 4059000000000000 0000", 100.0),
        ("0c 00000003 616263", "abc"),
        ("0d", None),
        ("0f 00000003 3c612f", "<a/"),
        ("10 0003 466f6f 0001 61 0100 0000 09", {"a": False}),
        ("03 0000 05 0000 09", {"": None}),
    ],
)
def test_every_amf0_type(data: str, value: AmfValue) -> None:
    assert decode(bytes.fromhex(data)) == [value]


def test_a_reference_names_an_earlier_object() -> None:
    data = bytes.fromhex("03 0001 61 0101 0000 09  07 0000")
    assert decode(data) == [{"a": True}, {"a": True}]


@pytest.mark.parametrize(
    "data",
    [
        "07 0000",  # to nothing
        "03 0001 61 07 0000 0000 09",  # to the object around it
        "0a 00000001 07 0000",
        "04",  # movie clip
        "0e",  # record set
        "12",
        "00 3ff8",
        "02 0004 616263",
        "0c ffffffff 61",
        "0a ffffffff",
        "03 0001 61 05",  # no end
        "08 0000",
    ],
)
def test_bad_amf0_is_refused(data: str) -> None:
    with pytest.raises(BadAmf):
        decode(bytes.fromhex(data))


def test_depth_is_limited() -> None:
    nested = bytes.fromhex("0a00000001") * MAX_DEPTH + b"\x05"
    assert decode(nested) != []
    with pytest.raises(BadAmf, match="deeper"):
        decode(bytes.fromhex("0a00000001") * (MAX_DEPTH + 1) + b"\x05")


def test_count_of_values_is_limited() -> None:
    assert len(decode(b"\x05" * MAX_VALUES)) == MAX_VALUES
    with pytest.raises(BadAmf, match="more than"):
        decode(b"\x05" * (MAX_VALUES + 1))
    with pytest.raises(BadAmf, match="array of"):
        decode(bytes.fromhex("0a00010000") + b"\x05" * 65536)


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ("00", None),
        ("01", None),
        ("02", False),
        ("03", True),
        ("04 7f", 127),
        ("04 8100", 128),
        ("04 ffff7f", 0x1FFFFF),
        ("04 80c08000", 0x200000),
        ("04 ffffffff", -1),
        ("04 c0808000", -(1 << 28)),
        ("05 3ff8000000000000", 1.5),
        ("06 07616263", "abc"),
        ("06 01", ""),
        ("07 07616263", "abc"),
        ("08 01 4059000000000000", 100.0),
        ("09 05 01 0401 0402", [1, 2]),
        ("09 03 0361 0405 01 0401", {"a": 5, "0": 1}),
        ("0a 0b 01 0361 0401 0362 03 01", {"a": 1, "b": True}),  # dynamic
        ("0a 13 01 0361 0407", {"a": 7}),  # sealed
        ("0b 07616263", "abc"),
        ("0c 07010203", b"\1\2\3"),
    ],
)
def test_every_amf3_type(data: str, value: AmfValue) -> None:
    assert amf3(data) == value


def test_amf3_references_to_strings_objects_and_traits() -> None:
    assert amf3("09 05 01 0607616263 0600") == ["abc", "abc"]
    assert amf3("09 05 01 0a0b01 0361 0401 01 0a02") == [{"a": 1}, {"a": 1}]
    assert amf3("09 05 01 0a13010361 0401 0a01 0402") == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    "data",
    [
        "0d 01 00",  # vector
        "11 01 00",  # dictionary
        "06 00",  # string reference to nothing
        "0a 02",  # object reference to nothing
        "09 03 01 0900",  # to the array around it
        "0a 01",  # traits reference to nothing
        "0a 07 01",  # externalizable
        "09 ffffffff 01",
        "0a fffffffb 01",
        "04 ff",
        "0c 0701",
    ],
)
def test_bad_amf3_is_refused(data: str) -> None:
    with pytest.raises(BadAmf):
        amf3(data)


def test_amf3_depth_is_limited() -> None:
    with pytest.raises(BadAmf, match="deeper"):
        amf3("090301" * 40 + "01")


def test_amf0_goes_on_behind_an_amf3_value() -> None:
    data = encode("connect", 1) + b"\x11" + bytes.fromhex("0a0b01 0761707 0 060b6c697665 2f".replace(" ", "") + "01")
    assert decode(data + b"\x05") == ["connect", 1.0, {"app": "live/"}, None]


def test_metadata_is_written_as_ecma_array() -> None:
    data = encode(EcmaArray({"width": 1280}))
    assert data == bytes.fromhex("08 00000001 0005 7769647468 004094000000000000 000009")


def test_long_strings_are_written_long() -> None:
    assert decode(encode("x" * 70_000)) == ["x" * 70_000]


def test_a_type_without_amf0_is_our_mistake() -> None:
    with pytest.raises(TypeError):
        encode(b"bytes")


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(allow_nan=False), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=12,
)


@given(st.lists(VALUES, max_size=4))
def test_what_is_written_is_read(values: list[AmfValue]) -> None:
    assert decode(encode(*values)) == values


@given(st.one_of(st.binary(max_size=200), st.binary(max_size=200).map(lambda tail: b"\x11" + tail)))
def test_any_bytes_give_values_or_bad_amf(data: bytes) -> None:
    try:
        values = decode(data)
    except BadAmf:
        return
    assert len(values) <= MAX_VALUES
