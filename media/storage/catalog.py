"""What a session's journal says there is to store, in the order in which it has to be told.

Sans-IO: records go in, pieces come out; whoever stores them comes back for the rest.
"""

from collections import deque
from collections.abc import Iterable

import msgspec

from schemas.journal import (
    Begun,
    CaptionsWritten,
    CueAdded,
    Ended,
    GapMade,
    InitMade,
    Interrupted,
    PartAdded,
    PictureStored,
    Planned,
    PlannedRendition,
    Record,
    Resumed,
    SegmentBegun,
    SegmentClosed,
    SegmentLost,
    captions_file,
    init_file,
    segment_file,
)
from schemas.storage import INTERRUPTION, session_prefix

THUMBNAIL_EVERY_S = 60.0
"""Of media time: so often the newest thumbnail is stored, and the last one at the end."""
FILES_LANE = ""
"""The lane of what stands beside the media."""


class Span(msgspec.Struct, gc=False):
    """A segment of a rendition, or a gap; times are media time in seconds."""

    rendition: str
    msn: int
    map_number: int
    start_s: float
    clock_offset_s: float
    duration_s: float = 0.0
    size: int = 0
    still_bytes: int = 0
    is_discontinuous: bool = False
    is_gap: bool = False

    @property
    def end_s(self) -> float:
        """Where the next one begins."""
        return self.start_s + self.duration_s

    @property
    def program_ms(self) -> int:
        """When it was sent: milliseconds since the epoch."""
        return round((self.start_s + self.clock_offset_s) * 1000)


Fact = InitMade | Span | CaptionsWritten | PictureStored


class Piece(msgspec.Struct, gc=False):
    """One object to be stored: a file of the spool, or the bytes of a storyboard's list, which have no fact."""

    order: int
    lane: str
    name: str
    size: int
    fact: Fact | None
    seen_at: float
    """When it was read from the journal, on the loop's clock."""
    needs: str = ""
    """The object that has to be stored before this one."""
    body: bytes | None = None


class Catalog:
    """What is known of one session. `new` pieces and gaps are for the caller to take."""

    def __init__(self) -> None:
        self.begun: Begun | None = None
        self.planned: Planned | None = None
        self.ended: Ended | None = None
        self.inits: dict[tuple[str, int], InitMade] = {}
        self.cues: list[CueAdded] = []
        self.pieces: dict[str, Piece] = {}
        """By name; taken out when they are told."""
        self.spans: dict[tuple[str, int], Span] = {}
        """Segments and gaps by rendition and number, while they are not told."""
        self.untold: dict[str, deque[int]] = {}
        """Of each rendition, the numbers of segments and gaps that were not told yet, in their order."""
        self.newest_s: dict[str, float] = {}
        """The end of the newest segment of each rendition: what the live window is reckoned from."""
        self.new: list[Piece] = []
        self.new_gaps: list[Span] = []
        self.new_cues: list[int] = []
        self.new_tiles: list[PictureStored] = []
        """Tiles of the storyboard, for whoever writes its list."""
        self._open: dict[str, Span] = {}
        self._thumbnail: PictureStored | None = None
        self._thumbnail_s: float | None = None
        self._sheet: PictureStored | None = None
        self._order = 0
        self._away_since_s: float | None = None
        self._clock_offset_s = 0.0

    @property
    def prefix(self) -> str:
        """What the keys of the session's objects begin with."""
        assert self.begun is not None
        grant = self.begun.grant
        return session_prefix(grant.channel_id, grant.session_id, is_recorded=grant.is_recorded)

    def rendition(self, name: str) -> PlannedRendition | None:
        """Return what was planned of a rendition."""
        planned = self.planned.renditions if self.planned else []
        return next((one for one in planned if one.name == name), None)

    def is_rung(self, name: str) -> bool:
        """Whether the ladder makes this rendition."""
        planned = self.rendition(name)
        return planned is not None and planned.is_rung

    def add(self, records: Iterable[Record], now: float) -> None:
        """Take in records of the journal; `now` is the loop's clock."""
        for record in records:
            self._add(record, now)

    def _add(self, record: Record, now: float) -> None:
        match record:
            case Begun():
                self.begun = record
            case Planned():
                self.planned = record
            case InitMade():
                name = init_file(record.rendition, record.number)
                self.inits[record.rendition, record.number] = record
                self._store(record.rendition, name, record.size, record, now)
            case SegmentBegun():
                self._begin(record, now)
            case PartAdded():
                self._grow(record)
            case SegmentClosed():
                self._close(record, now)
            case GapMade() | SegmentLost():
                self._lose(record)
            case CueAdded():
                self._cue(record)
            case Interrupted():
                self._away_since_s = record.start_s if self._away_since_s is None else self._away_since_s
            case Resumed():
                self._return(record.start_s)
            case CaptionsWritten():
                if record.size:
                    self._store(FILES_LANE, captions_file(record.msn), record.size, record, now)
            case PictureStored():
                self._picture(record, now)
            case Ended():
                self.finish(record, now)

    def _cue(self, cue: CueAdded) -> None:
        self.new_cues.append(len(self.cues))
        self.cues.append(cue)

    def _return(self, media_s: float) -> None:
        """The publisher is back: tell of the time that it was away."""
        away_s, self._away_since_s = self._away_since_s, None
        if away_s is None or media_s <= away_s:
            return
        cue_id, away_for_s = f"interruption-{len(self.cues)}", media_s - away_s
        self._cue(CueAdded(cue_id, INTERRUPTION, away_s, away_for_s, self._clock_offset_s, {}, number=0))

    def finish(self, ended: Ended, now: float) -> None:
        """Nothing follows: what is open ends where it is, and the last pictures are taken."""
        if self.ended is not None:
            return
        self.ended = ended
        for span in list(self._open.values()):
            if span.size:
                self._complete(span, now)
        self._open.clear()
        if self._thumbnail is not None and self._thumbnail_s != self._thumbnail.start_s:
            self._store_picture(self._thumbnail, now)
        if self._sheet is not None:
            self._store_picture(self._sheet, now)

    # --- media ---------------------------------------------------------------------------------------------

    def _begin(self, record: SegmentBegun, now: float) -> None:
        self._clock_offset_s = record.clock_offset_s
        unclosed = self._open.get(record.rendition)
        if unclosed is not None and unclosed.size:
            self._complete(unclosed, now)
        self._open[record.rendition] = Span(
            record.rendition,
            record.msn,
            record.map_number,
            record.start_s,
            record.clock_offset_s,
            is_discontinuous=record.is_discontinuous,
        )

    def _grow(self, record: PartAdded) -> None:
        span = self._open.get(record.rendition)
        if span is None or span.msn != record.msn:
            return
        if record.index == 0:
            span.still_bytes = record.still_bytes
        span.size = record.offset + record.size
        span.duration_s += record.duration_s

    def _close(self, record: SegmentClosed, now: float) -> None:
        span = self._open.pop(record.rendition, None)
        if span is None or span.msn != record.msn:
            return
        span.size, span.duration_s = record.size, record.duration_s
        self._complete(span, now)

    def _complete(self, span: Span, now: float) -> None:
        self._place(span)
        self._store(span.rendition, segment_file(span.rendition, span.msn), span.size, span, now)

    def _lose(self, record: GapMade | SegmentLost) -> None:
        self._open.pop(record.rendition, None)
        span = Span(
            record.rendition,
            record.msn,
            record.map_number,
            record.start_s,
            record.clock_offset_s,
            record.duration_s,
            is_discontinuous=record.is_discontinuous,
            is_gap=True,
        )
        self._place(span)
        self.new_gaps.append(span)

    def _place(self, span: Span) -> None:
        self.spans[span.rendition, span.msn] = span
        self.untold.setdefault(span.rendition, deque()).append(span.msn)
        self.newest_s[span.rendition] = span.end_s

    def _store(self, lane: str, name: str, size: int, fact: Fact, now: float) -> None:
        self._order += 1
        needs = init_file(fact.rendition, fact.map_number) if isinstance(fact, Span) else ""
        piece = Piece(self._order, lane, name, size, fact, now, needs)
        self.pieces[name] = piece
        self.new.append(piece)

    def add_text(self, name: str, body: bytes, now: float) -> None:
        """Add a file that is not in the spool."""
        self._order += 1
        piece = Piece(self._order, FILES_LANE, name, len(body), None, now, body=body)
        self.pieces[name] = piece
        self.new.append(piece)

    # --- pictures ------------------------------------------------------------------------------------------

    def _picture(self, record: PictureStored, now: float) -> None:
        if record.kind == "thumbnail":
            self._thumbnail = record
            if self._thumbnail_s is None or record.start_s >= self._thumbnail_s + THUMBNAIL_EVERY_S:
                self._thumbnail_s = record.start_s
                self._store_picture(record, now)
            return
        self.new_tiles.append(record)
        if self._sheet is not None and record.sheet > self._sheet.sheet:  # that one is full
            self._store_picture(self._sheet, now)
        self._sheet = record

    def _store_picture(self, record: PictureStored, now: float) -> None:
        self._store(FILES_LANE, record.name, record.size, record, now)
