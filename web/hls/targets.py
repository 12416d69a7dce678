"""What a request target names (RFC 8216bis, section 6.2.5: delivery directives).

    /hls/{channel}/playlist.m3u8 | rewind.m3u8 | {session}/{file}     live, and back from it
    /vods/{vodId}/{file}, /clips/{clipId}/{file}                      recordings and clips
    …/access                                                          may whoever asks have all of it?

Behind the root may stand a token (`schemas.access`): `/hls/~{token}/{channel}/…`. Pages and downloads, which have one
part less (`/clips/{clipId}`, `/vods/{vodId}.mp4`), are the web application's.

NoSuchTarget     nothing of that shape exists: 404
BadDirective     a directive that may not be guessed at: 400
"""

import re
from enum import IntEnum
from typing import Final, Literal, cast

from schemas.ingest import live_key, session_key

Root = Literal["hls", "vods", "clips"]
ROOTS: Final[tuple[Root, ...]] = ("hls", "vods", "clips")
MULTIVARIANT_NAME: Final = "playlist.m3u8"
REWIND_NAME: Final = "rewind.m3u8"
ACCESS_NAME: Final = "access"

_NAME = r"[A-Za-z0-9_-]{1,64}"
_FILE = r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}\.(?:m3u8|mp4|m4s|vtt|jpg)"
_TOKEN = r"(?:~([A-Za-z0-9._-]{1,100})/)?"  # noqa: S105 (a shape, no token)
_LIVE = re.compile(rf"/hls/{_TOKEN}({_NAME})/(?:({_NAME})/({_FILE})|(playlist\.m3u8|rewind\.m3u8|access))", re.ASCII)
_KEPT = re.compile(rf"/(vods|clips)/{_TOKEN}({_NAME})/({_FILE}|access)", re.ASCII)
_OURS = re.compile(rb"/hls/|/(?:vods|clips)/(?:~[^/?# ]*/)?[^/?#~ ][^/?# ]*/", re.ASCII)
_UNDECIDED = re.compile(rb"/(?:vods|clips)/(?:~[^/?# ]*/)?[^/?# ]*", re.ASCII)
_PART = re.compile(r".*-[0-9]+-[0-9]+\.m4s", re.ASCII)
_CAPTIONS = re.compile(r"captions-[0-9]+\.vtt", re.ASCII)
_STILLS = "-iframes.m3u8"
_REWIND = "rewind-"
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
    REWIND = 9
    """A playlist of what a live stream can be rewound to."""
    KEPT_PLAYLIST = 10
    """A playlist of a recording or clip."""
    KEPT_FILE = 11
    """Anything else of a recording or clip."""
    ACCESS = 12


PLAYLISTS: Final = (Kind.MULTIVARIANT, Kind.PLAYLIST, Kind.SIDE_PLAYLIST, Kind.REWIND, Kind.KEPT_PLAYLIST)
"""What is text, worth compressing, and changes while its name stays."""


class Wanted:
    """One resource: `name` as the client spells it (a channel's id or name, a recording's or clip's id).

    `key` is equal for equal requests, whatever their tokens, and carries the known directives only, sorted; it is None
    for what names no session, which only the registry knows. `is_positioned`: it asks for a position, and so may
    block. `registry_key`: where a live one is looked up. `proved_tick` and `admitted_tick`: the second of the clock in
    which its token was found good, and what is in memory of it for everybody who asks like this.
    """

    __slots__ = (
        "admitted_tick",
        "file",
        "is_positioned",
        "key",
        "kind",
        "name",
        "proved_tick",
        "registry_key",
        "root",
        "session",
        "token",
    )

    def __init__(
        self,
        name: str,
        session: str | None,
        file: str,
        kind: Kind,
        directives: str = "",
        *,
        root: Root = "hls",
        token: str = "",
    ) -> None:
        self.root = root
        self.token = token
        self.name = name
        self.session = session
        self.file = file + directives
        self.kind = kind
        self.is_positioned = "_HLS_msn" in directives
        self.registry_key = live_key(name) if session is None else session_key(session)
        self.key: str | None = None
        if root != "hls":
            self.key = f"{root}/{name}/{self.file}"
        elif session is not None:
            self.key = f"{session}/{self.file}"
        self.proved_tick = -1
        self.admitted_tick = -1


def is_ours(target: bytes) -> bool | None:
    """Whether delivery answers this; None when that cannot be seen before more of it has come."""
    if _OURS.match(target):
        return True
    whole = target.partition(b" ")[0]
    if whole != target:
        return False
    is_open = _UNDECIDED.fullmatch(target) or any(f"/{root}/".encode().startswith(target) for root in ROOTS)
    return None if is_open else False


def parse_target(target: str) -> Wanted:
    """Return what the target names, or raise one of this module's errors.

    Query parameters that are no known directive are ignored (section 6.2.5 reserves `_HLS_` for later drafts), and
    so is every query on something that is no media playlist.
    """
    path, _, query = target.partition("?")
    if not path.startswith("/hls/"):
        return _parse_kept(path, query)
    match = _LIVE.fullmatch(path)
    if match is None:
        raise NoSuchTarget(path)
    token, channel, session, file, alone = match.groups(default="")
    if alone:  # of whatever session is live
        kinds = {MULTIVARIANT_NAME: Kind.MULTIVARIANT, REWIND_NAME: Kind.REWIND, ACCESS_NAME: Kind.ACCESS}
        return Wanted(channel, None, alone, kinds[alone], token=token)
    if file in (MULTIVARIANT_NAME, REWIND_NAME):  # their relative URIs hold only one folder further up
        raise NoSuchTarget(path)
    kind = _kind(file)
    directives = ""
    if query and kind in (Kind.PLAYLIST, Kind.SIDE_PLAYLIST):
        directives = _directives(query)
    elif query and kind is Kind.REWIND:
        directives = _skip_only(query)
    return Wanted(channel, session, file, kind, directives, token=token)


def _parse_kept(path: str, query: str) -> Wanted:
    match = _KEPT.fullmatch(path)
    if match is None:
        raise NoSuchTarget(path)
    root, token, name, file = match.groups(default="")
    if _PART.fullmatch(file):
        raise NoSuchTarget(path)  # parts are of live streams
    is_playlist = file.endswith(".m3u8")
    kind = Kind.ACCESS if file == ACCESS_NAME else Kind.KEPT_PLAYLIST if is_playlist else Kind.KEPT_FILE
    takes_directives = is_playlist and file != MULTIVARIANT_NAME
    directives = _skip_only(query) if query and takes_directives else ""
    return Wanted(name, None, file, kind, directives, root=cast(Root, root), token=token)


def _skip_only(query: str) -> str:
    """Return the directive that playlists without blocking reload obey; positions are nothing to wait for."""
    return "?_HLS_skip=YES" if "_HLS_skip" in _directives(query) else ""


def _kind(file: str) -> Kind:
    if file.endswith(".m3u8"):
        if file.startswith(_REWIND):
            return Kind.REWIND
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
