"""HLS playlists from Structs to text (RFC 8216bis; the section is named where it matters). Nothing is parsed here."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal

import msgspec

MEDIA_VERSION = 9
"""EXT-X-SKIP needs 9; EXT-X-MAP outside of I-frame playlists needs 6 (section 8)."""
DATED_DELTA_VERSION = 10
"""An EXT-X-SKIP that replaces EXT-X-DATERANGE tags (section 8)."""
MULTIVARIANT_VERSION = 6
"""EXT-X-I-FRAME-STREAM-INF needs 4; 6 is that of the playlists' EXT-X-MAP. CC1 to CC4 need no more (section 8)."""


class Part(msgspec.Struct, frozen=True):
    """EXT-X-PART (4.4.4.9)."""

    uri: str
    duration_s: float
    is_independent: bool = False
    is_gap: bool = False


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """A media segment, or with `duration_s` None the one in progress, of which only parts exist.

    `map_uri` is the initialization section it needs; it is written where it changes.
    """

    uri: str
    duration_s: float | None
    map_uri: str | None = None
    program_date_time_ms: int | None = None
    is_discontinuous: bool = False
    is_gap: bool = False
    parts: Sequence[Part] = ()
    byte_range: tuple[int, int] | None = None
    """Length and offset of it in the file of that name; all of the file without one."""


class DateRange(msgspec.Struct, frozen=True, kw_only=True):
    """EXT-X-DATERANGE (4.4.5.1). `attributes` are the X- ones by their name without the X-."""

    range_id: str
    class_name: str
    start_ms: int  # since the epoch
    duration_s: float | None
    attributes: Mapping[str, str]


class Delta(msgspec.Struct, frozen=True):
    """What a delta update that leaves out date ranges says of them (6.2.5.1): the new ones, the ids of the removed."""

    date_ranges: Sequence[DateRange]
    removed: Sequence[str]


class ServerControl(msgspec.Struct, frozen=True, kw_only=True):
    """EXT-X-SERVER-CONTROL (4.4.3.8); the same in every playlist of a stream. Seconds."""

    hold_back_s: float
    part_hold_back_s: float | None = None
    can_skip_until_s: float | None = None
    can_skip_dates: bool = False
    can_block_reload: bool = True


class RenditionReport(msgspec.Struct, frozen=True):
    """EXT-X-RENDITION-REPORT (4.4.5.4): how far another rendition's playlist is."""

    uri: str
    last_msn: int
    last_part: int | None


class MediaPlaylist(msgspec.Struct, frozen=True, kw_only=True):
    """One rendition's playlist."""

    target_duration_s: int
    segments: Sequence[Segment]
    media_sequence: int = 0
    discontinuity_sequence: int = 0
    part_target_s: float | None = None
    server_control: ServerControl | None = None
    hint_uri: str | None = None
    reports: Sequence[RenditionReport] = ()
    date_ranges: Sequence[DateRange] = ()
    is_iframes_only: bool = False
    is_ended: bool = False
    playlist_type: Literal["VOD", "EVENT"] | None = None


class AudioGroup(msgspec.Struct, frozen=True):
    """EXT-X-MEDIA of type AUDIO (4.4.6.1)."""

    group: str
    name: str
    uri: str
    channels: int


class Subtitles(msgspec.Struct, frozen=True):
    """EXT-X-MEDIA of type SUBTITLES (4.4.6.1). `language` is BCP 47, or "" when nobody knows."""

    group: str
    name: str
    uri: str
    language: str


class ClosedCaptions(msgspec.Struct, frozen=True):
    """EXT-X-MEDIA of type CLOSED-CAPTIONS (4.4.6.1): inside of the video; `channel` is CC1 to CC4."""

    group: str
    name: str
    channel: str


class IFrames(msgspec.Struct, frozen=True, kw_only=True):
    """EXT-X-I-FRAME-STREAM-INF (4.4.6.3)."""

    uri: str
    bandwidth_bps: int
    average_bandwidth_bps: int
    codec: str
    width: int
    height: int


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """EXT-X-STREAM-INF (4.4.6.2). Bandwidths include the audio that plays along.

    `captions_group` None says nothing of captions inside of the video; if no variant has one, all are told NONE, where
    that is known.
    """

    uri: str
    bandwidth_bps: int
    average_bandwidth_bps: int
    codecs: Sequence[str]
    width: int = 0
    height: int = 0
    frame_rate: float = 0.0
    audio_group: str | None = None
    subtitles_group: str | None = None
    captions_group: str | None = None


class MultivariantPlaylist(msgspec.Struct, frozen=True):
    """What a player opens first."""

    variants: Sequence[Variant]
    audio: Sequence[AudioGroup] = ()
    subtitles: Sequence[Subtitles] = ()
    captions: Sequence[ClosedCaptions] = ()
    iframes: Sequence[IFrames] = ()
    knows_captions: bool = True
    """Whether the absence of closed captions is known, and told."""


FIRST_BPS = 3_000_000
"""The best variant within this is listed first: players that have measured nothing yet start with it."""


def ordered(variants: Sequence[Variant]) -> list[Variant]:
    """Put the one to start with first, then the best ones."""
    falling = sorted(variants, key=lambda variant: variant.bandwidth_bps, reverse=True)
    if not falling:
        return falling
    first = next((variant for variant in falling if variant.bandwidth_bps <= FIRST_BPS), falling[-1])
    return [first, *(variant for variant in falling if variant is not first)]


def write_media_playlist(playlist: MediaPlaylist, *, skip: int = 0, delta: Delta | None = None) -> str:
    """Return the playlist's text; with `skip` a delta update that leaves out that many segments (6.2.5.1).

    With `delta` it leaves out date ranges too.
    """
    map_uri = playlist.segments[skip - 1].map_uri if skip else None  # skipped along with its segment (4.4.5.2)
    segments = []
    for segment in playlist.segments[skip:]:
        if lines := write_segment(segment, map_uri):  # nothing may be known yet of the one in progress
            segments.append(lines)
        map_uri = segment.map_uri
    return join_media_playlist(playlist, segments, skip=skip, delta=delta)


def join_media_playlist(
    playlist: MediaPlaylist, segments: Iterable[str], *, skip: int = 0, delta: Delta | None = None
) -> str:
    """Return the playlist's text with segments that were written before, by `write_segment`; those it holds itself are
    not looked at.
    """
    version = MEDIA_VERSION if delta is None else DATED_DELTA_VERSION
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{version}", f"#EXT-X-TARGETDURATION:{playlist.target_duration_s}"]
    if playlist.server_control is not None:
        lines.append(_server_control(playlist.server_control))
    if playlist.part_target_s is not None:
        lines.append(f"#EXT-X-PART-INF:PART-TARGET={playlist.part_target_s:.3f}")
    if playlist.playlist_type is not None:
        lines.append(f"#EXT-X-PLAYLIST-TYPE:{playlist.playlist_type}")
    lines.append(f"#EXT-X-MEDIA-SEQUENCE:{playlist.media_sequence}")
    lines.append(f"#EXT-X-DISCONTINUITY-SEQUENCE:{playlist.discontinuity_sequence}")
    if playlist.is_iframes_only:
        lines.append("#EXT-X-I-FRAMES-ONLY")
    if skip:
        removed = "" if delta is None else f',RECENTLY-REMOVED-DATERANGES="{_TAB.join(map(_quotable, delta.removed))}"'
        lines.append(f"#EXT-X-SKIP:SKIPPED-SEGMENTS={skip}{removed}")
    lines += [_date_range(date_range) for date_range in (delta or playlist).date_ranges]
    lines += segments
    if playlist.is_ended:
        lines.append("#EXT-X-ENDLIST")
    elif playlist.hint_uri is not None:
        lines.append(f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="{playlist.hint_uri}"')
    for report in playlist.reports:
        last_part = "" if report.last_part is None else f",LAST-PART={report.last_part}"
        lines.append(f'#EXT-X-RENDITION-REPORT:URI="{report.uri}",LAST-MSN={report.last_msn}{last_part}')
    lines.append("")
    return "\n".join(lines)


def write_segment(segment: Segment, map_uri: str | None) -> str:
    """Return the lines of a segment that follows one with this initialization section; no line feed at the end."""
    lines = []
    # What applies to a segment comes before its first part (4.4.4.9).
    if segment.is_discontinuous:
        lines.append("#EXT-X-DISCONTINUITY")
    if segment.map_uri is not None and segment.map_uri != map_uri:
        lines.append(write_map(segment.map_uri))
    if segment.program_date_time_ms is not None:
        lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{format_time(segment.program_date_time_ms)}")
    for part in segment.parts:
        independent = ",INDEPENDENT=YES" if part.is_independent else ""
        gap = ",GAP=YES" if part.is_gap else ""
        lines.append(f'#EXT-X-PART:DURATION={part.duration_s:.5f},URI="{part.uri}"{independent}{gap}')
    if segment.duration_s is not None:
        if segment.is_gap:
            lines.append("#EXT-X-GAP")
        lines.append(f"#EXTINF:{segment.duration_s:.5f},")
        if segment.byte_range is not None:
            lines.append("#EXT-X-BYTERANGE:{}@{}".format(*segment.byte_range))
        lines.append(segment.uri)
    return "\n".join(lines)


def write_map(uri: str) -> str:
    """Return EXT-X-MAP (4.4.4.5)."""
    return f'#EXT-X-MAP:URI="{uri}"'


def _date_range(date_range: DateRange) -> str:
    attributes = [f'ID="{_quotable(date_range.range_id)}"', f'CLASS="{_quotable(date_range.class_name)}"']
    attributes.append(f'START-DATE="{format_time(date_range.start_ms)}"')
    if date_range.duration_s is not None:
        attributes.append(f"DURATION={date_range.duration_s:.3f}")
    # A publisher's names become those that an attribute list allows (4.2); equal ones may stand once.
    named = {_NOT_IN_NAMES.sub("-", name.upper()): value for name, value in date_range.attributes.items()}
    attributes += [f'X-{name}="{_quotable(value)}"' for name, value in named.items()]
    return "#EXT-X-DATERANGE:" + ",".join(attributes)


def _quotable(value: str) -> str:
    """Return the text without what a quoted string may not hold: line ends, double quotes (4.2)."""
    return _NOT_IN_STRINGS.sub(" ", value).replace('"', "'")


_TAB = "\t"
_NOT_IN_NAMES = re.compile(r"[^A-Z0-9-]")
_NOT_IN_STRINGS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")


def _server_control(control: ServerControl) -> str:
    attributes = []
    if control.can_block_reload:
        attributes.append("CAN-BLOCK-RELOAD=YES")
    if control.can_skip_until_s is not None:
        attributes.append(f"CAN-SKIP-UNTIL={control.can_skip_until_s:.3f}")
        if control.can_skip_dates:
            attributes.append("CAN-SKIP-DATERANGES=YES")
    if control.part_hold_back_s is not None:
        attributes.append(f"PART-HOLD-BACK={control.part_hold_back_s:.3f}")
    attributes.append(f"HOLD-BACK={control.hold_back_s:.3f}")
    return "#EXT-X-SERVER-CONTROL:" + ",".join(attributes)


def write_multivariant_playlist(playlist: MultivariantPlaylist) -> str:
    """Return the multivariant playlist's text."""
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{MULTIVARIANT_VERSION}"]
    lines += [
        f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="{audio.group}",NAME="{audio.name}",DEFAULT=YES,AUTOSELECT=YES,'
        f'CHANNELS="{audio.channels}",URI="{audio.uri}"'
        for audio in playlist.audio
    ]
    for subtitles in playlist.subtitles:
        language = f',LANGUAGE="{_quotable(subtitles.language)}"' if subtitles.language else ""
        lines.append(
            f'#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="{subtitles.group}",NAME="{_quotable(subtitles.name)}"{language},'
            f'DEFAULT=NO,AUTOSELECT=YES,FORCED=NO,URI="{subtitles.uri}"'
        )
    lines += [
        f'#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="{captions.group}",NAME="{captions.name}",'
        f'DEFAULT=NO,AUTOSELECT=YES,INSTREAM-ID="{captions.channel}"'
        for captions in playlist.captions
    ]
    # NONE is for all variants or for none of them (4.4.6.2).
    has_captions = any(variant.captions_group is not None for variant in playlist.variants)
    tells_none = playlist.knows_captions and not has_captions
    for variant in playlist.variants:
        lines.append("#EXT-X-STREAM-INF:" + ",".join(_variant(variant, tells_none=tells_none)))
        lines.append(variant.uri)
    lines += [
        f"#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH={stills.bandwidth_bps},AVERAGE-BANDWIDTH={stills.average_bandwidth_bps},"
        f'CODECS="{stills.codec}"{_resolution(stills.width, stills.height)},URI="{stills.uri}"'
        for stills in playlist.iframes
    ]
    lines.append("")
    return "\n".join(lines)


def _variant(variant: Variant, *, tells_none: bool) -> list[str]:
    attributes = [
        f"BANDWIDTH={variant.bandwidth_bps}",
        f"AVERAGE-BANDWIDTH={variant.average_bandwidth_bps}",
        f'CODECS="{",".join(variant.codecs)}"{_resolution(variant.width, variant.height)}',
    ]
    if variant.frame_rate:
        attributes.append(f"FRAME-RATE={variant.frame_rate:.3f}")
    if variant.audio_group is not None:
        attributes.append(f'AUDIO="{variant.audio_group}"')
    if variant.subtitles_group is not None:
        attributes.append(f'SUBTITLES="{variant.subtitles_group}"')
    if variant.captions_group is not None:
        attributes.append(f'CLOSED-CAPTIONS="{variant.captions_group}"')
    elif tells_none:
        attributes.append("CLOSED-CAPTIONS=NONE")
    return attributes


def _resolution(width: int, height: int) -> str:
    return f",RESOLUTION={width}x{height}" if width and height else ""


def format_time(time_ms: int) -> str:
    """Return milliseconds since the epoch as EXT-X-PROGRAM-DATE-TIME writes them: 2026-01-02T03:04:05.678Z."""
    seconds, ms = divmod(time_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC).isoformat()[:19]}.{ms:03d}Z"
