"""Cursors of lists: the place of a page's last row, unreadable on purpose, for the client to give back."""

import base64
import binascii
from typing import TypeVar

import msgspec

from schemas.errors import ApiError, ErrorCode

T = TypeVar("T")


def write(place: object) -> str:
    """Return the cursor that goes on behind a place."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def read(text: str | msgspec.UnsetType, kind: type[T]) -> T | None:
    """Return the place that a cursor means, None without one. Raises INVALID_REQUEST for what is no cursor."""
    if isinstance(text, msgspec.UnsetType):
        return None
    try:
        padded = text + "=" * (-len(text) % 4)
        return msgspec.json.decode(base64.b64decode(padded.encode(), altchars=b"-_", validate=True), type=kind)
    except (binascii.Error, msgspec.DecodeError, UnicodeError):
        reason = "is not a cursor of this list"
        raise ApiError(ErrorCode.INVALID_REQUEST, f"cursor: {reason}", fields={"cursor": reason}) from None
