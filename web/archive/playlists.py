"""Media playlists of what is in storage: of a live stream that can be rewound, and of recordings (RFC 8216bis).

They grow by whole segments and have no parts, so nobody waits for the next one: no blocking reload.
"""

from collections.abc import Sequence
from typing import Final, Literal

from schemas.playlist import DateRange, MediaPlaylist, ServerControl, join_media_playlist
from web.archive.lines import Lines
from web.store.media import CueRow

SKIP_TARGETS: Final = 6
"""CAN-SKIP-UNTIL in target durations; the least that section 4.4.3.8 allows."""
HOLD_BACK_TARGETS: Final = 3
"""HOLD-BACK in target durations; the least that section 4.4.3.8 allows."""
Kind = Literal["VOD", "EVENT"]
MAX_DATE_RANGES: Final = 2_000
"""In one playlist; the newest are listed."""


class Listing:
    """One playlist as it is now: lines from an index on, and what is said about them. `skip` asks for a delta."""

    def __init__(self, lines: Lines, target_duration_s: int, *, index: int = 0, is_iframes_only: bool = False) -> None:
        self._lines = lines
        self._target_duration_s = target_duration_s
        self._index = index
        self._is_iframes_only = is_iframes_only

    @property
    def from_s(self) -> float:
        """Media time at which it begins."""
        return self._lines.start_of(self._index)

    @property
    def to_s(self) -> float:
        """Media time at which it ends."""
        return self._lines.end_s

    def rewind(self, cues: Sequence[CueRow], *, is_ended: bool, skip: bool) -> str:
        """Write it as one that slides: it has no type, for segments leave it (4.4.3.5)."""
        return self._written(cues, None, is_ended=is_ended, skip=skip)

    def recording(self, cues: Sequence[CueRow], *, is_ended: bool, skip: bool) -> str:
        """Write it as one that nothing leaves, and that is whole once it has ended."""
        return self._written(cues, "VOD" if is_ended else "EVENT", is_ended=is_ended, skip=skip)

    def _written(self, cues: Sequence[CueRow], kind: Kind | None, *, is_ended: bool, skip: bool) -> str:
        lines, index, target_s = self._lines, self._index, self._target_duration_s
        boundary_s = SKIP_TARGETS * target_s
        skipped = lines.skippable(index, boundary_s) if skip and not is_ended else 0
        control = ServerControl(
            hold_back_s=HOLD_BACK_TARGETS * target_s, can_skip_until_s=boundary_s, can_block_reload=False
        )
        playlist = MediaPlaylist(
            target_duration_s=target_s,
            segments=(),
            media_sequence=lines.first_msn + index,
            discontinuity_sequence=lines.discontinuities_before(index),
            server_control=None if is_ended else control,
            date_ranges=[date_range(cue) for cue in cues[-MAX_DATE_RANGES:]],
            is_iframes_only=self._is_iframes_only,
            is_ended=is_ended,
            playlist_type=kind,
        )
        return join_media_playlist(playlist, lines.written(index, skipped), skip=skipped)


def date_range(cue: CueRow) -> DateRange:
    """Return what a playlist says of timed metadata."""
    return DateRange(
        range_id=cue.cue_id,
        class_name=cue.class_name,
        start_ms=cue.program_ms,
        duration_s=cue.duration_s,
        attributes=cue.fields,
    )
