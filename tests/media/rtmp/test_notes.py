"""Claims of media.rtmp.notes: what data messages mean, and that none of them is too much."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.publication import Description, Note
from media.rtmp import amf
from media.rtmp.amf import AmfValue
from media.rtmp.connection import DataTag
from media.rtmp.notes import FIELD_CHARS, MAX_FIELDS, NAME_CHARS, NOISE, NOTES_AT_ONCE, NOTES_PER_S, DataReader, flatten


def read(name: str, *values: AmfValue, timestamp: int = 40) -> Description | Note | None:
    return DataReader().read(DataTag(timestamp, name, list(values)), 0.0)


def test_metadata_of_obs_is_a_description() -> None:
    said: dict[str, AmfValue] = {
        "duration": 0.0, "fileSize": 0.0, "width": 1920.0, "height": 1080.0, "videocodecid": 7.0,
        "videodatarate": 6000.0, "framerate": 60.0, "audiocodecid": 10.0, "audiosamplerate": 48000.0,
        "audiosamplesize": 16.0, "audiochannels": 2.0, "stereo": True, "2.1": False,
        "encoder": "obs-output module (libobs version 30.2.0)",
    }  # fmt: skip
    assert read("onMetaData", said) == Description(60.0, 6_000_000, "obs-output module (libobs version 30.2.0)")


@pytest.mark.parametrize(
    ("said", "description"),
    [
        ({"framerate": "29.97"}, Description(frame_rate=29.97)),  # as text
        ({"fps": 25.0}, Description(frame_rate=25.0)),
        ({"videodatarate": 2929.6875}, Description(video_bitrate_bps=2_929_688)),
        ({"framerate": math.nan, "videodatarate": math.inf}, None),
        ({"framerate": -1.0, "videodatarate": 1e300, "encoder": 7.0}, None),
        ({"framerate": True, "videodatarate": "fast", "encoder": ""}, None),
        ({}, None),
    ],
)
def test_metadata_is_believed_where_it_can_be(said: dict[str, AmfValue], description: Description | None) -> None:
    assert read("onMetaData", said) == description


def test_metadata_without_an_object_says_nothing() -> None:
    assert read("onMetaData") is None
    assert read("onMetaData", None, 5.0) is None


def test_text_and_cue_points_are_notes() -> None:
    assert read("onTextData", {"text": "Guten Tag.\nWeiter", "language": "deu", "trackid": 1.0}) == Note(
        40, "onTextData", {"text": "Guten Tag.\nWeiter", "language": "deu", "trackid": "1"}
    )
    cue: dict[str, AmfValue] = {"name": "goal", "time": 1.5, "type": "event", "parameters": {"team": "B", "sure": True}}
    assert read("onCuePoint", cue, timestamp=7) == Note(
        7,
        "onCuePoint",
        {"name": "goal", "time": "1.5", "type": "event", "parameters.team": "B", "parameters.sure": "true"},
    )


def test_values_without_a_name_have_one() -> None:
    assert read("score", "1:0", 5.0) == Note(40, "score", {"value": "1:0"})
    assert flatten([["a", "b"]]) == {"0": "a", "1": "b"}


@pytest.mark.parametrize("name", sorted(NOISE))
def test_noise_is_nothing(name: str) -> None:
    assert read(name, {"code": "NetStream.Publish.Start"}) is None


def test_notes_are_bounded_in_every_direction() -> None:
    nested: AmfValue = "deep"
    for _ in range(10):
        nested = {"x": nested}
    fields = flatten([{str(n): "y" * 9_000 for n in range(100)}, {"nested": nested}])
    assert len(fields) == MAX_FIELDS
    assert {len(value) for value in fields.values()} == {FIELD_CHARS}
    assert flatten([{"n": nested}]) == {}
    note = read("n" * 300, {"k" * 300: "v"})
    assert isinstance(note, Note)
    assert len(note.name) == NAME_CHARS
    assert [len(key) for key in note.fields] == [NAME_CHARS]


def test_what_is_no_text_is_left_out() -> None:
    assert flatten([{"a": None, "b": b"\0\1", "c": math.inf, "d": "x\0\x1b[31my"}]) == {"d": "x[31my"}


def test_a_flood_of_notes_is_cut_to_what_viewers_can_take() -> None:
    reader = DataReader()
    tag = DataTag(0, "onTextData", [{"text": "x"}])
    taken = sum(reader.read(tag, n / 1000) is not None for n in range(10_000))
    assert taken == pytest.approx(NOTES_AT_ONCE + 10 * NOTES_PER_S, abs=1)
    assert reader.left_out == 10_000 - taken


VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=20) | st.binary(max_size=9) | st.integers(-9, 9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=30,
)


@given(st.sampled_from(["onMetaData", "onTextData", ""]), st.lists(VALUES, max_size=4))
def test_any_values_give_bounded_text_or_nothing(name: str, values: list[AmfValue]) -> None:
    said = read(name, *values)
    if isinstance(said, Note):
        assert len(said.fields) <= MAX_FIELDS
        assert all(0 < len(key) <= NAME_CHARS and len(text) <= FIELD_CHARS for key, text in said.fields.items())
        amf.encode(dict(said.fields))
