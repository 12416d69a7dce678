"""Reads media playlists as strictly as a test should: an unknown line or a missing attribute fails."""

import re
from datetime import datetime

import msgspec

_ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=("[^"]*"|[^",]*)(?:,|$)')


class ListedPart(msgspec.Struct, frozen=True):
    """EXT-X-PART."""

    uri: str
    duration_s: float
    is_independent: bool


class Listed(msgspec.Struct):
    """A segment, or without `uri` the parts of the one in progress."""

    msn: int
    uri: str | None = None
    duration_s: float = 0
    map_uri: str | None = None
    """EXT-X-MAP written at this segment."""
    time: float | None = None
    is_discontinuous: bool = False
    is_gap: bool = False
    parts: list[ListedPart] = []
    byte_range: tuple[int, int] | None = None
    """Length and offset."""
    tags: list[str] = []
    """Names of the tags in their order."""


class Listing(msgspec.Struct):
    """A media playlist."""

    text: str
    header: dict[str, str] = {}
    segments: list[Listed] = []
    open: Listed | None = None
    skipped: int = 0
    removed: list[str] | None = None
    """RECENTLY-REMOVED-DATERANGES of a delta update, if it has them."""
    dates: list[dict[str, str]] = []
    hints: list[dict[str, str]] = []
    reports: list[dict[str, str]] = []
    is_ended: bool = False

    @property
    def target_duration_s(self) -> int:
        return int(self.header["TARGETDURATION"])

    @property
    def media_sequence(self) -> int:
        return int(self.header["MEDIA-SEQUENCE"])

    @property
    def discontinuity_sequence(self) -> int:
        return int(self.header["DISCONTINUITY-SEQUENCE"])

    @property
    def part_target_s(self) -> float:
        return float(attributes(self.header["PART-INF"])["PART-TARGET"])

    @property
    def server_control(self) -> dict[str, str]:
        return attributes(self.header["SERVER-CONTROL"])

    @property
    def entries(self) -> list[Listed]:
        """All segments, with the one in progress."""
        return [*self.segments, self.open] if self.open else list(self.segments)

    @property
    def parts(self) -> list[ListedPart]:
        return [part for entry in self.entries for part in entry.parts]

    @property
    def duration_s(self) -> float:
        """Length of what is listed, parts of the segment in progress included."""
        open_s = sum(part.duration_s for part in self.open.parts) if self.open else 0.0
        return sum(segment.duration_s for segment in self.segments) + open_s


def attributes(text: str) -> dict[str, str]:
    """Return an attribute list (RFC 8216bis, 4.2) without its quotes."""
    found = list(_ATTRIBUTE.finditer(text))
    assert "".join(match[0] for match in found) == text, text
    return {match[1]: match[2].strip('"') for match in found}


def read(body: bytes) -> Listing:
    """Read a media playlist."""
    lines = body.decode().splitlines()
    assert lines[0] == "#EXTM3U"
    listing = Listing(body.decode())
    entry: Listed | None = None
    for line in lines[1:]:
        assert line, "no empty lines"
        name, _, value = line.removeprefix("#EXT-X-").removeprefix("#").partition(":")
        if name in {
            "VERSION", "TARGETDURATION", "SERVER-CONTROL", "PART-INF", "MEDIA-SEQUENCE", "DISCONTINUITY-SEQUENCE",
            "PLAYLIST-TYPE", "I-FRAMES-ONLY",
        }:  # fmt: skip
            assert entry is None, f"{name} after the first segment"
            assert name not in listing.header, f"{name} twice"
            listing.header[name] = value
            continue
        if name == "SKIP":
            assert not listing.skipped
            assert entry is None
            skip = attributes(value)
            listing.skipped = int(skip["SKIPPED-SEGMENTS"])
            if "RECENTLY-REMOVED-DATERANGES" in skip:
                listing.removed = skip["RECENTLY-REMOVED-DATERANGES"].split("\t")
            continue
        if name == "DATERANGE":
            assert entry is None
            listing.dates.append(attributes(value))
            continue
        if name in {"ENDLIST", "PRELOAD-HINT", "RENDITION-REPORT"}:
            _tail(listing, name, value)
            continue
        has_tail = listing.is_ended or listing.hints or listing.reports
        assert not has_tail, f"{line} after the tail"
        if entry is None:
            entry = Listed(listing.media_sequence + listing.skipped + len(listing.segments))
        if not line.startswith("#"):
            assert "EXTINF" in entry.tags
            entry.uri = line
            listing.segments.append(entry)
            entry = None
            continue
        entry.tags.append(name)
        _segment_tag(entry, name, value)
    listing.open = entry
    return listing


def _tail(listing: Listing, name: str, value: str) -> None:
    if name == "ENDLIST":
        listing.is_ended = True
    elif name == "PRELOAD-HINT":
        listing.hints.append(attributes(value))
    else:
        listing.reports.append(attributes(value))


def _segment_tag(entry: Listed, name: str, value: str) -> None:
    match name:
        case "EXTINF":
            assert value.endswith(",")
            entry.duration_s = float(value[:-1])
        case "MAP":
            entry.map_uri = attributes(value)["URI"]
        case "PROGRAM-DATE-TIME":
            entry.time = datetime.fromisoformat(value).timestamp()
        case "DISCONTINUITY":
            entry.is_discontinuous = True
        case "GAP":
            entry.is_gap = True
        case "BYTERANGE":
            length, offset = value.split("@")
            entry.byte_range = (int(length), int(offset))
        case "PART":
            part = attributes(value)
            entry.parts.append(ListedPart(part["URI"], float(part["DURATION"]), part.get("INDEPENDENT") == "YES"))
        case _:
            raise AssertionError(f"unknown tag {name}")
