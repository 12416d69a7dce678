"""Claims of media.cues: what data in a stream and metadata of the API become."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.cues import cue_of_command, cue_of_note
from media.packets import Cue, CueKind
from media.publication import Note
from schemas.ids import SessionId
from schemas.ingest import AddMetadata


@pytest.mark.parametrize("name", ["onTextData", "onCaption"])
def test_text_is_a_caption(name: str) -> None:
    cue = cue_of_note(Note(0, name, {"text": 'He said\n"yes"\0', "language": "en"}), 1.5, "n1")
    assert cue == Cue("n1", CueKind.CAPTION, 1.5, None, "", {"text": 'He said\n"yes" ', "language": "en"})


def test_a_caption_without_text_is_data() -> None:
    cue = cue_of_note(Note(0, "onTextData", {"trackid": "1"}), 1.5, "n1")
    assert (cue.kind, cue.class_name, cue.fields) == (CueKind.DATA, "com.tallylight.onTextData", {"TRACKID": "1"})


def test_names_and_values_become_what_a_playlist_can_hold() -> None:
    note = Note(0, "on Cue/Point", {"score_home": 'say "hi"\r\nnow', "ключ": "x", "": "y", "a" * 99: "z" * 999})
    cue = cue_of_note(note, 0.0, "n1")
    assert cue.class_name == "com.tallylight.on-Cue-Point"
    assert cue.fields == {"SCORE-HOME": "say  hi now", "A" * 50: "z" * 500}


def test_a_command_keeps_its_class_and_duration() -> None:
    command = AddMetadata(SessionId("s"), "m1", "com.example.score", 2500, {"HOME": "1"})
    assert cue_of_command(command, 3.0) == Cue("m1", CueKind.DATA, 3.0, 2.5, "com.example.score", {"HOME": "1"})
    endless = AddMetadata(SessionId("s"), "m1", "com.example.score", None, {})
    assert cue_of_command(endless, 3.0).duration_s is None


@given(st.text(max_size=60), st.dictionaries(st.text(max_size=60), st.text(max_size=60), max_size=30))
def test_whatever_is_sent_can_stand_in_a_playlist(name: str, fields: dict[str, str]) -> None:
    cue = cue_of_note(Note(0, f"x{name}", fields), 0.0, "n1")
    assert re.fullmatch(r"com\.tallylight\.[A-Za-z0-9._-]+", cue.class_name)
    assert len(cue.fields) <= 16
    for key, value in cue.fields.items():
        assert re.fullmatch(r"[A-Z0-9-]{1,50}", key)
        assert re.fullmatch(r'[^\x00-\x1f\x7f"]{0,500}', value)
