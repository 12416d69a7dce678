"""Delivery directives: what a client asks of a playlist in its query (RFC 8216bis, 6.2.5)."""

import re
from collections.abc import Mapping

import msgspec

from media.hls.playlists import Skip
from media.hls.window import Window

_NUMBER = re.compile(r"[0-9]{1,9}")


class BadDirective(Exception):
    """The request's `_HLS_` parameters make no sense or ask for too much: status 400."""


class Position(msgspec.Struct, frozen=True):
    """What the playlist must hold before it is answered."""

    msn: int
    part: int | None

    def check_reach(self, window: Window) -> None:
        """Raise `BadDirective` for what is too far ahead to be waited for (6.2.5.2).

        "The last Media Segment in the current Playlist" is taken to be the last complete one: the segment in progress
        has no URI yet, so it is the first of the two that may be waited for.
        """
        if self.msn > window.last_closed_msn + 2:
            raise BadDirective(f"segment {self.msn} is too far after {window.last_closed_msn}")
        next_msn, next_part = window.next_part
        if self.part is None or self.msn < next_msn:
            return
        target_s = window.part_target_s
        limit = 3 / target_s if target_s < 1 else 3  # the Advance Part Limit
        last_part = next_part - 1 if self.msn == next_msn else -1
        if self.part - last_part > limit:
            raise BadDirective(f"part {self.part} is too far after {last_part}")


def read_position(query: Mapping[str, str]) -> Position | None:
    """Return the position that is waited for, None for the playlist as it is. Raises `BadDirective`."""
    msn, part = _number(query, "_HLS_msn"), _number(query, "_HLS_part")
    if msn is not None:
        return Position(msn, part)
    if part is not None:
        raise BadDirective("_HLS_part without _HLS_msn")
    return None


def read_skip(query: Mapping[str, str]) -> Skip:
    """Return what may be left out; other values than those of the draft are ignored."""
    value = query.get("_HLS_skip")
    if value == "YES":
        return "YES"
    return "v2" if value == "v2" else ""


def _number(query: Mapping[str, str], name: str) -> int | None:
    value = query.get(name)
    if value is None:
        return None
    if not _NUMBER.fullmatch(value):
        raise BadDirective(f"{name} is not a number")
    return int(value)
