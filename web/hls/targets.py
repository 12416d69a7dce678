"""What a request target under `/hls/` names (RFC 8216bis, section 6.2.5: delivery directives).

NoSuchTarget     nothing of that shape exists: 404
BadDirective     a directive that may not be guessed at: 400
"""

import re
from enum import IntEnum
from typing import Final

PREFIX: Final = "/hls/"
MULTIVARIANT_NAME: Final = "playlist.m3u8"

_NAME = r"[A-Za-z0-9_-]{1,64}"
_FILE = r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}\.(?:m3u8|mp4|m4s|vtt|jpg)"
_PATH = re.compile(rf"/hls/({_NAME})/(?:({_NAME})/({_FILE})|playlist\.m3u8)", re.ASCII)
_PART = re.compile(r".*-[0-9]+-[0-9]+\.m4s", re.ASCII)
_CAPTIONS = re.compile(r"captions-[0-9]+\.vtt", re.ASCII)
_STILLS = "-iframes.m3u8"
_NUMBER = re.compile(r"[0-9]{1,15}", re.ASCII)
_SKIPS = ("YES", "v2")


class NoSuchTarget(Exception):
    """The path has no shape that this server or any origin serves."""


class BadDirective(Exception):
    """A known directive is repeated, malformed, or lacks the one it needs."""


class Kind(IntEnum):
    """What is asked for; also the index of its counters."""

    OTHER = 0
    MULTIVARIANT = 1
    PLAYLIST = 2
    INIT = 3
    SEGMENT = 4
    PART = 5
    SIDE_PLAYLIST = 6
    """Of captions or of keyframes: who fetches it fetches a playlist of media too, and is counted there."""
    CAPTIONS = 7
    PICTURE = 8
    """A thumbnail, a storyboard or its index."""


PLAYLISTS: Final = (Kind.MULTIVARIANT, Kind.PLAYLIST, Kind.SIDE_PLAYLIST)
"""What is text, worth compressing, and changes while its name stays."""


class Wanted:
    """One resource: `channel` as the client spells it (id or name), and where its session's origin has it.

    `key` is equal for equal requests and carries the known directives only, sorted; it is None for a multivariant
    playlist, whose session only the registry knows. `is_positioned`: it asks for a position, and so may block.
    """

    __slots__ = ("channel", "file", "is_positioned", "key", "kind", "session")

    def __init__(self, channel: str, session: str | None, file: str, kind: Kind, directives: str) -> None:
        self.channel = channel
        self.session = session
        self.file = file + directives
        self.kind = kind
        self.is_positioned = "_HLS_msn" in directives
        self.key = None if session is None else f"{session}/{self.file}"


def parse_target(target: str) -> Wanted:
    """Return what the target names, or raise one of this module's errors.

    Query parameters that are no known directive are ignored (section 6.2.5 reserves `_HLS_` for later drafts), and
    so is every query on something that is no media playlist.
    """
    path, _, query = target.partition("?")
    match = _PATH.fullmatch(path)
    if match is None:
        raise NoSuchTarget(path)
    channel, session, file = match.groups()
    if session is None:
        return Wanted(channel, None, MULTIVARIANT_NAME, Kind.MULTIVARIANT, "")
    if file == MULTIVARIANT_NAME:  # its relative URIs hold only one folder further up
        raise NoSuchTarget(path)
    kind = _kind(file)
    takes_directives = kind is Kind.PLAYLIST or kind is Kind.SIDE_PLAYLIST
    return Wanted(channel, session, file, kind, _directives(query) if query and takes_directives else "")


def _kind(file: str) -> Kind:
    if file.endswith(".m3u8"):
        is_aside = file == "captions.m3u8" or file.endswith(_STILLS)
        return Kind.SIDE_PLAYLIST if is_aside else Kind.PLAYLIST
    if file.endswith(".mp4"):
        return Kind.INIT
    if file.endswith(".jpg"):
        return Kind.PICTURE
    if file.endswith(".vtt"):
        return Kind.CAPTIONS if _CAPTIONS.fullmatch(file) else Kind.PICTURE
    return Kind.PART if _PART.fullmatch(file) else Kind.SEGMENT


def _directives(query: str) -> str:
    """Return the known directives in one spelling, `?` included, or nothing."""
    found: dict[str, str] = {}
    for field in query.split("&"):
        name, _, value = field.partition("=")
        if name not in ("_HLS_msn", "_HLS_part", "_HLS_skip"):
            continue
        if name in found:
            raise BadDirective(f"{name} is repeated")
        if name == "_HLS_skip":
            if value not in _SKIPS:
                raise BadDirective("_HLS_skip is neither YES nor v2")
            found[name] = value
        elif _NUMBER.fullmatch(value) is None:
            raise BadDirective(f"{name} is no decimal number of at most 15 digits")
        else:
            found[name] = str(int(value))
    if "_HLS_part" in found and "_HLS_msn" not in found:
        raise BadDirective("_HLS_part needs _HLS_msn")
    return "?" + "&".join(f"{name}={found[name]}" for name in sorted(found)) if found else ""
