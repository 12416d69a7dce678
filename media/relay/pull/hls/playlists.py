"""Playlists of strangers (RFC 8216), through the m3u8 library and within bounds.

Errors: `BadPlaylist` (the text is a sentence for the owner).
"""

import math
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin

import m3u8
import msgspec

MAX_PLAYLIST_BYTES = 2 << 20
"""A day of segments of 4 s with signed addresses."""
MAX_SEGMENTS = 25_000
MAX_VARIANTS = 200
LONGEST_SEGMENT_S = 60.0
LEAST_TARGET_S = 1.0
LAST_NUMBER = 1 << 62
MOST_HEIGHT = 2160
_CARRIED = ("avc1", "avc3", "hvc1", "hev1", "av01", "mp4a", "opus", "ac-3", "ec-3", "flac", "mp3")
_FOR_ALL = ("avc1", "avc3")
"""Every browser plays these pictures as they come."""


class BadPlaylist(Exception):
    """Nothing can be fetched by it."""


Span = tuple[int, int]
"""First byte and number of bytes."""


class Key(msgspec.Struct, frozen=True):
    """AES-128 (section 4.3.2.4). `iv` None: the media sequence number."""

    url: str
    iv: bytes | None


class Part(msgspec.Struct, frozen=True):
    """A file, or a span of one."""

    url: str
    span: Span | None = None


class Segment(msgspec.Struct, frozen=True):
    """`starts_anew`: its clock or its coding does not go on from the one before."""

    msn: int
    part: Part
    duration_s: float
    init: Part | None = None
    key: Key | None = None
    starts_anew: bool = False
    is_gap: bool = False


class MediaPlaylist(msgspec.Struct, frozen=True):
    """What there is now."""

    target_s: float
    segments: list[Segment]
    is_ended: bool


class Variant(msgspec.Struct, frozen=True):
    """The chosen rendition: where its pictures are, and its sound, where that is apart."""

    url: str
    sound_url: str = ""


def is_multivariant(text: str) -> bool:
    """Return whether it lists playlists and not segments."""
    return "#EXT-X-STREAM-INF" in text


def choose_variant(text: str, url: str) -> Variant:
    """Return the best rendition of a multivariant playlist. Raises `BadPlaylist`."""
    playlist = _parsed(text)
    variants = [each for each in playlist.playlists[:MAX_VARIANTS] if each.uri and _is_carried(each)]
    if not variants:
        raise BadPlaylist("The playlist lists nothing that is carried here.")
    best = max(variants, key=_worth)
    sounds = [
        each
        for each in playlist.media[:MAX_VARIANTS]
        if each.type == "AUDIO" and each.group_id == best.stream_info.audio and each.uri
    ]
    within = [each for each in playlist.media if each.type == "AUDIO" and each.group_id == best.stream_info.audio]
    if any(not each.uri and each.default == "YES" for each in within):
        sounds = []  # the usual sound is in the pictures' playlist (section 4.3.4.1)
    sound = next((each for each in sounds if each.default == "YES"), sounds[0] if sounds else None)
    return Variant(urljoin(url, best.uri), urljoin(url, sound.uri) if sound is not None else "")


def read_media(text: str, url: str) -> MediaPlaylist:
    """Read a media playlist. Raises `BadPlaylist`."""
    if text.count("#EXTINF") > MAX_SEGMENTS:
        raise BadPlaylist("The playlist is too long.")
    playlist = _parsed(text)
    if playlist.is_variant:
        raise BadPlaylist("The playlist leads to more playlists.")
    try:
        segments = list(_segments(playlist, url))
        target_s = _seconds(playlist.target_duration) or max((each.duration_s for each in segments), default=0.0)
    except (TypeError, ValueError, AttributeError) as error:
        raise BadPlaylist("The playlist cannot be read.") from error
    return MediaPlaylist(max(target_s, LEAST_TARGET_S), segments, bool(playlist.is_endlist))


def _parsed(text: str) -> Any:
    try:
        return m3u8.loads(text)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, m3u8.ParseError) as error:
        raise BadPlaylist("The playlist cannot be read.") from error


def _is_carried(variant: Any) -> bool:
    info = variant.stream_info
    if info.resolution is not None and min(info.resolution) > MOST_HEIGHT:
        return False
    codecs = [codec.strip().lower() for codec in (info.codecs or "").split(",") if codec.strip()]
    return all(codec.startswith(_CARRIED) for codec in codecs)


def _worth(variant: Any) -> tuple[bool, bool, int]:
    info = variant.stream_info
    codecs = (info.codecs or "").lower()
    has_pictures = not codecs or info.resolution is not None or any(name in codecs for name in _CARRIED[:5])
    return has_pictures, not codecs or any(name in codecs for name in _FOR_ALL), info.bandwidth or 0


def _segments(playlist: Any, url: str) -> Iterator[Segment]:
    init_before: Part | None = None
    end_before: tuple[str, int] = ("", 0)
    first = int(playlist.media_sequence or 0)
    if not 0 <= first < LAST_NUMBER:
        raise ValueError(f"media sequence number {first}")
    whole = [each for each in playlist.segments if each.uri]  # the last may have parts alone (low latency)
    for number, each in enumerate(whole):
        part = _part(each, url, end_before)
        end_before = (part.url, sum(part.span)) if part.span is not None else ("", 0)
        init = _part(each.init_section, url, ("", 0)) if each.init_section is not None else None
        yield Segment(
            msn=first + number,
            part=part,
            duration_s=_seconds(each.duration),
            init=init,
            key=_key(each.key, url),
            starts_anew=bool(each.discontinuity) or (number > 0 and init != init_before),
            is_gap=bool(each.gap_tag),
        )
        init_before = init


def _seconds(number: Any) -> float:
    seconds = float(number or 0)
    return min(max(seconds, 0.0), LONGEST_SEGMENT_S) if math.isfinite(seconds) else 0.0


def _part(each: Any, url: str, end_before: tuple[str, int]) -> Part:
    if not each.uri:
        raise ValueError("a segment without an address")
    own = urljoin(url, each.uri)
    if not each.byterange:
        return Part(own)
    length, _, start = str(each.byterange).partition("@")
    begin = int(start) if start else end_before[1] if end_before[0] == own else 0
    span = (begin, int(length))
    if span[0] < 0 or span[1] <= 0:
        raise ValueError("a span of no bytes")
    return Part(own, span)


def _key(key: Any, url: str) -> Key | None:
    if key is None or key.method in {None, "NONE"}:
        return None
    if key.method != "AES-128" or not key.uri or (key.keyformat or "identity") != "identity":
        raise BadPlaylist("The stream is encrypted in a way that is not understood here.")
    iv = bytes.fromhex(key.iv[2:].zfill(32)) if key.iv else None
    if iv is not None and len(iv) != 16:
        raise ValueError("an IV of another length")
    return Key(urljoin(url, key.uri), iv)
