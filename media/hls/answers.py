"""Answers to the requests of HLS clients, and how long each may be kept (the cache headers are decided here)."""

from http import HTTPStatus

import msgspec

PLAYLIST_TYPE = "application/vnd.apple.mpegurl"
CAPTIONS_TYPE = "text/vtt; charset=utf-8"
IMMUTABLE = "public, max-age=31536000, immutable"
BRIEF = "public, max-age=1"
PICTURE = "public, max-age=10"
"""A picture of the stream whose name stays while it changes: one comes every 10 s."""
NO_STORE = "no-store"


class Answer(msgspec.Struct, frozen=True):
    """What the origin says to one request."""

    status: HTTPStatus
    headers: dict[str, str]
    body: bytes


def playlist_answer(body: bytes, cache: str = BRIEF) -> Answer:
    """Return a playlist."""
    return Answer(HTTPStatus.OK, {"Content-Type": PLAYLIST_TYPE, "Cache-Control": cache}, body)


def media_answer(body: bytes, *, is_audio: bool) -> Answer:
    """Return a part, a segment or an initialization section; their names are never used again for other bytes."""
    kind = "audio/mp4" if is_audio else "video/mp4"
    return Answer(HTTPStatus.OK, {"Content-Type": kind, "Cache-Control": IMMUTABLE}, body)


def captions_answer(body: bytes) -> Answer:
    """Return a segment of captions; its name is never used again for another text."""
    return Answer(HTTPStatus.OK, {"Content-Type": CAPTIONS_TYPE, "Cache-Control": IMMUTABLE}, body)


def picture_answer(body: bytes, content_type: str, *, is_final: bool) -> Answer:
    """Return a thumbnail, a storyboard or its index; `is_final`: its name is never used again for other bytes."""
    cache = IMMUTABLE if is_final else PICTURE
    return Answer(HTTPStatus.OK, {"Content-Type": content_type, "Cache-Control": cache}, body)


def refusal(status: HTTPStatus) -> Answer:
    """Return an answer without media."""
    cache = NO_STORE if status is HTTPStatus.SERVICE_UNAVAILABLE else BRIEF
    body = f"{status.phrase}\n".encode()
    return Answer(status, {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": cache}, body)
