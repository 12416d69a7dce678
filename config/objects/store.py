"""The narrow interface of an object store, so that another kind is sixty lines.

StoreError
    NoSuchObject        there is nothing under this key
    StoreUnavailable    it does not answer, or says to come back: try again later
    StoreRefused        it will say no again until an operator changes something; the text is for him
"""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

IMMUTABLE = "public, max-age=31536000, immutable"
"""Cache-Control of objects whose names are never used again for other bytes."""
BRIEF = "public, max-age=2"
"""Cache-Control of playlists in storage, which grow."""


class StoreError(Exception):
    """Something about a store."""


class NoSuchObject(StoreError):
    """There is nothing under this key."""


class StoreUnavailable(StoreError):
    """It does not answer right now: try again later."""


class StoreRefused(StoreError):
    """It refuses until an operator changes something: a wrong secret, no such bucket, a clock that is off."""


class ObjectInfo(msgspec.Struct, frozen=True):
    """What is known of a stored object without reading it."""

    key: str
    size: int
    content_type: str


class ObjectStore(Protocol):
    """Keys are relative paths of [A-Za-z0-9._-] and slashes, and no part begins with a dot (`ValueError`).

    Every call has a deadline and raises `StoreError`.
    """

    async def put(self, key: str, body: bytes | Path, *, content_type: str, cache_control: str = IMMUTABLE) -> None:
        """Store bytes or a file; what stood there is replaced at once, never half. Large files go in parts.

        Raises `OSError` when the file cannot be read. It may become the object: its bytes must not change any more.
        """

    async def get(self, key: str, first: int = 0, last: int | None = None) -> bytes:
        """Return an object's bytes from `first` to `last`, both included; to its end without `last`."""

    async def head(self, key: str) -> ObjectInfo | None:
        """Return what is known of an object, None when there is none."""

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove objects; those that are not there are no error."""

    def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """Yield what begins with this; for checks and tests, nothing of the product lists."""

    def presigned_url(self, key: str, expires_s: int) -> str | None:
        """Return an address under which anybody may GET the object for a while; None where there is no such thing."""

    async def check(self) -> str:
        """Write, read and delete a small object; return what this store is in a few words for `tally doctor`."""

    async def close(self) -> None:
        """Let go of connections and threads."""
