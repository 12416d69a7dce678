"""Cues out of what publishers and programs say beside the media: AMF data messages and the API's metadata.

EXT-X-DATERANGE (RFC 8216bis, 4.4.5.1): the names of client attributes are X- and A-Z, 0-9, -; their values are quoted
strings, which hold no double quote and no control character.
"""

import re

from media.packets import Cue, CueKind
from media.publication import Note
from schemas.ingest import AddMetadata

CLASS_PREFIX = "com.tallylight."
CAPTION_NOTES = frozenset({"onTextData", "onCaption"})
MAX_FIELDS, MAX_KEY_CHARS, MAX_VALUE_CHARS = 16, 50, 500
MAX_CAPTION_CHARS = 2_000

_NO_KEY = re.compile(r"[^A-Z0-9-]+")
_NO_CLASS = re.compile(r"[^A-Za-z0-9._-]+")
_NO_VALUE = re.compile(r'[\x00-\x1f\x7f"]+')
_NO_TEXT = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]+")


def cue_of_note(note: Note, start_s: float, cue_id: str) -> Cue:
    """Return the cue that a publisher's data means at this media time."""
    if note.name in CAPTION_NOTES and "text" in note.fields:
        fields = {"text": _NO_TEXT.sub(" ", note.fields["text"])[:MAX_CAPTION_CHARS]}
        if language := note.fields.get("language"):
            fields["language"] = language
        return Cue(cue_id, CueKind.CAPTION, start_s, None, "", fields)
    class_name = CLASS_PREFIX + (_NO_CLASS.sub("-", note.name).strip("-.")[:MAX_KEY_CHARS] or "data")
    return Cue(cue_id, CueKind.DATA, start_s, None, class_name, _attributes(note.fields))


def cue_of_command(command: AddMetadata, start_s: float) -> Cue:
    """Return the cue that the API asks for."""
    duration_s = None if command.duration_ms is None else command.duration_ms / 1000
    return Cue(command.cue_id, CueKind.DATA, start_s, duration_s, command.class_name, _attributes(command.fields))


def _attributes(fields: dict[str, str]) -> dict[str, str]:
    made: dict[str, str] = {}
    for name, value in fields.items():
        key = _NO_KEY.sub("-", name.upper()).strip("-")[:MAX_KEY_CHARS]
        if key and len(made) < MAX_FIELDS:
            made[key] = _NO_VALUE.sub(" ", value)[:MAX_VALUE_CHARS]
    return made
