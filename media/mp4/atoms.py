"""Boxes as bytes: found within bounds, and written (ISO/IEC 14496-12, 4.2)."""

from collections.abc import Iterator

import msgspec

MAX_BOXES = 100_000
"""In one place; a segment has a few hundred."""


class BadMedia(Exception):
    """The bytes are no fMP4 as we write it: damaged, or somebody else's."""


class Box(msgspec.Struct, frozen=True, gc=False):
    """Where a box is: `start` of its header, `body` behind that, `end` behind all of it."""

    kind: bytes
    start: int
    body: int
    end: int


def boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """Yield the boxes that lie one behind the other from `start` to `end`. Raises `BadMedia`."""
    at, end = start, len(data) if end is None else end
    for _ in range(MAX_BOXES):
        if at == end:
            return
        if end - at < 8:
            raise BadMedia(f"{end - at} bytes where a box begins, at {at}")
        size, body = int.from_bytes(data[at : at + 4], "big"), at + 8
        kind = data[at + 4 : at + 8]
        if size == 1 and end - at >= 16:
            size, body = int.from_bytes(data[at + 8 : at + 16], "big"), at + 16
        elif size == 0:
            size = end - at  # up to the end
        if size < body - at or size > end - at:
            raise BadMedia(f"box {kind!r} of {size} bytes at {at}, where {end - at} are")
        yield Box(kind, at, body, at + size)
        at += size
    raise BadMedia(f"more than {MAX_BOXES} boxes")


def child(data: bytes, parent: Box | None, *path: bytes) -> Box:
    """Return the first box of this path inside of another, or of the file. Raises `BadMedia` without it."""
    box = parent
    for kind in path:
        inside = boxes(data) if box is None else boxes(data, box.body, box.end)
        found = next((each for each in inside if each.kind == kind), None)
        if found is None:
            raise BadMedia(f"no box {kind!r}")
        box = found
    assert box is not None, "a path has a step"
    return box


def box(kind: bytes, *contents: bytes) -> bytes:
    """Return a box."""
    body = b"".join(contents)
    return (8 + len(body)).to_bytes(4, "big") + kind + body


def full(kind: bytes, version: int, flags: int, *contents: bytes) -> bytes:
    """Return a box with version and flags (4.2.2)."""
    return box(kind, u32(version << 24 | flags), *contents)


def u32(value: int) -> bytes:
    """Return four bytes."""
    return value.to_bytes(4, "big")
