"""Lines of IRC (RFC 1459, section 2.3.1) with message tags (https://ircv3.net/specs/extensions/message-tags)."""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

LINE_MAX: Final = 4096
"""Bytes of a line that a client sends, its tags included; 500 characters of four bytes fit with room for tags."""
PARAMS_MAX: Final = 15
_ESCAPES: Final = {";": "\\:", " ": "\\s", "\\": "\\\\", "\r": "\\r", "\n": "\\n"}
_TO_ESCAPE: Final = re.compile(r"[; \\\r\n]")
_ESCAPED: Final = re.compile(r"\\(.?)", re.DOTALL)
_MEANT: Final = {":": ";", "s": " ", "\\": "\\", "r": "\r", "n": "\n"}
_BREAKS: Final = re.compile(r"[\0\r\n]+")


class Line(msgspec.Struct, frozen=True):
    """What a client sent; the command is in capitals."""

    command: str
    params: list[str]
    tags: dict[str, str] = {}

    def param(self, number: int) -> str:
        """Return a parameter, "" for one that was left out."""
        return self.params[number] if number < len(self.params) else ""


def parse(text: str) -> Line | None:
    """Return the line, None for an empty one. There is no other bad one: what is left out is "", more is ignored."""
    tags: dict[str, str] = {}
    rest = text.lstrip(" ")
    if rest.startswith("@"):
        written, _, rest = rest[1:].partition(" ")
        tags = _tags(written)
        rest = rest.lstrip(" ")
    if rest.startswith(":"):  # clients have no say in who they are
        rest = rest.partition(" ")[2].lstrip(" ")
    command, _, rest = rest.partition(" ")
    return Line(command.upper(), _params(rest), tags) if command else None


def _params(rest: str) -> list[str]:
    params: list[str] = []
    while rest := rest.lstrip(" "):
        if rest.startswith(":") or len(params) == PARAMS_MAX - 1:
            params.append(rest.removeprefix(":"))
            break
        param, _, rest = rest.partition(" ")
        params.append(param)
    return params


def _tags(written: str) -> dict[str, str]:
    tags: dict[str, str] = {}
    for tag in filter(None, written.split(";")):
        name, _, value = tag.partition("=")
        tags[name] = unescape(value)
    return tags


def unescape(value: str) -> str:
    """Return what the value of a tag means."""
    return _ESCAPED.sub(lambda found: _MEANT.get(found[1], found[1]), value) if "\\" in value else value


def escape(value: str) -> str:
    """Return a value as it stands in a tag."""
    return _TO_ESCAPE.sub(lambda found: _ESCAPES[found[0]], value.replace("\0", ""))


def tagged(tags: Mapping[str, str | int]) -> str:
    """Return tags as they stand before a line, in alphabetical order as clients see them elsewhere."""
    return f"@{';'.join(f'{name}={escape(str(tags[name]))}' for name in sorted(tags))} "


def one_line(text: str) -> str:
    """Return a text that can't end the line it is in."""
    return _BREAKS.sub(" ", text)
