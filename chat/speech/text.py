"""What may be said at all: a line of visible text in NFC, or a command.

Refused is what harms other readers: characters that move or hide the text around them (Unicode's Trojan Source
problem, UTR 36 section 3), towers of combining marks, what no terminal or IRC line can carry.
"""

import hashlib
import re
import unicodedata
from typing import Final

import msgspec

from schemas.chat import CONTENT_MAX, KEY_MAX
from schemas.errors import ApiError, ErrorCode

MARKS_MAX: Final = 8
"""Combining marks in a row: no script needs more than four or five."""
RAW_MAX: Final = 4 * CONTENT_MAX
"""Characters that are looked at; what is longer is too long in any form."""
_UNSEEN_LETTERS: Final = "\u115f\u1160\u3164\uffa0\u2800"
"""Fillers that are letters or signs by category, with nothing to see."""
_EDGE: Final = "\u00ad\u034f\u200b\u200c\u200d\u2060\ufeff\U000e0000" + _UNSEEN_LETTERS
"""Nothing at the ends of a line; some chat programs add one to say the same thing twice."""
_FORBIDDEN: Final = re.compile(
    "[\u0000-\u001f\u007f-\u009f]"  # control characters
    "|[\u202a-\u202e\u2066-\u2069]"  # bidirectional embeddings, overrides, isolates
    "|[\u2028\u2029\ufff9-\ufffb]"  # line separators, annotations
    "|[\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"  # lone surrogates, noncharacters
)
_KEY: Final = re.compile(rf"[!-~]{{1,{KEY_MAX}}}")
_COMMAND: Final = re.compile(r"/[A-Za-z]")
_ACTION: Final = re.compile(r"/me(?:\s+|\Z)", re.IGNORECASE)
_SPACE: Final = re.compile(r"\s+")


class Spoken(msgspec.Struct, frozen=True):
    """Text to be said."""

    content: str
    is_action: bool = False


class Command(msgspec.Struct, frozen=True):
    """Something to be done: the line from its slash on."""

    line: str


def read(content: str) -> Spoken | Command:
    """Return what a typed line means. Raises INVALID_REQUEST, PAYLOAD_TOO_LARGE."""
    line = clean(content)
    if line.startswith("//"):
        return Spoken(clean(line[1:]))
    if found := _ACTION.match(line):
        return Spoken(clean(line[found.end() :]), is_action=True)
    if _COMMAND.match(line):
        return Command(line)
    return Spoken(line)


def clean(content: str) -> str:
    """Return the text in NFC without what is at its ends. Raises INVALID_REQUEST, PAYLOAD_TOO_LARGE."""
    if len(content) > RAW_MAX:
        raise _too_long(len(content))
    if found := _FORBIDDEN.search(content):
        raise _bad(f"must not have the character U+{ord(found.group()):04X}")
    line = _trim(unicodedata.normalize("NFC", content))
    if len(line) > CONTENT_MAX:
        raise _too_long(len(line))
    if line.isascii():
        if not line:
            raise _bad("is empty")
        return line
    _refuse_towers(line)
    if not any(_is_visible(character) for character in line):
        raise _bad("has nothing to see")
    return line


def check_key(key: str) -> None:
    """Raise INVALID_REQUEST for what is no idempotency key."""
    if not _KEY.fullmatch(key):
        reason = f"must be 1 to {KEY_MAX} visible ASCII characters"
        raise ApiError(ErrorCode.INVALID_REQUEST, f"idempotencyKey: {reason}.", fields={"idempotencyKey": reason})


def digest(content: str) -> str:
    """Return what texts have in common that read the same: without case, spaces, and what is not seen."""
    folded = unicodedata.normalize("NFKC", content).casefold()
    seen = "".join(character for character in folded if not _is_ignorable(character))
    return hashlib.blake2s(_SPACE.sub(" ", seen).strip().encode(), digest_size=12).hexdigest()


def _trim(line: str) -> str:
    """Take spaces and unseen characters from the ends, in whatever order they come."""
    start, end = 0, len(line)
    while start < end and (line[start].isspace() or line[start] in _EDGE):
        start += 1
    while start < end and (line[end - 1].isspace() or line[end - 1] in _EDGE):
        end -= 1
    return line[start:end]


def _refuse_towers(line: str) -> None:
    marks = 0
    for character in line:
        marks = marks + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        if marks > MARKS_MAX:
            raise _bad(f"has more than {MARKS_MAX} combining marks in a row")


def _is_visible(character: str) -> bool:
    return unicodedata.category(character)[0] not in "ZCM" and character not in _UNSEEN_LETTERS


def _is_ignorable(character: str) -> bool:
    if character.isascii():
        return False
    kind = unicodedata.category(character)
    # U+034F and variation selectors are marks, U+E0000 is not assigned
    is_selector = "\ufe00" <= character <= "\ufe0f" or "\U000e0000" <= character <= "\U000e0fff"
    return kind == "Cf" or is_selector or character == "\u034f" or character in _UNSEEN_LETTERS


def _bad(reason: str) -> ApiError:
    return ApiError(ErrorCode.INVALID_REQUEST, f"content: {reason}.", fields={"content": reason})


def _too_long(length: int) -> ApiError:
    reason = f"must have at most {CONTENT_MAX} characters, not {length}"
    return ApiError(ErrorCode.PAYLOAD_TOO_LARGE, f"content: {reason}.", fields={"content": reason})
