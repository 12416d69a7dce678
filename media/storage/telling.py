"""From the notes of a session to the events that web is told, always the same ones in the same order.

A rendition's segments are told in their order, and after their initialization section, in whatever order they came into
storage. Sans-IO.
"""

from collections import deque
from typing import Literal

from media.storage.catalog import Catalog, Span
from media.storage.ledger import CueKept, Finished, Kept, Missing, Note, Skipped
from schemas.ids import SessionId
from schemas.journal import CaptionsWritten, InitMade, PictureStored, init_file
from schemas.storage import CueStored, FileStored, InitStored, MediaEvent, SegmentStored, StreamStarted

DEFAULT_TARGET_S = 1
"""Of a session that ended before anything was planned."""

FileKind = Literal["thumbnail", "sheet", "storyboard", "captions"]


class Telling:
    """The events of one session, from the notes in the order in which they stand."""

    def __init__(self, catalog: Catalog) -> None:
        self.taken = 0
        """Notes taken in."""
        self.total_bytes = 0
        self.segments: dict[str, int] = {}
        """How many of each rendition were told, gaps among them."""
        self._catalog = catalog
        self._held: dict[str, dict[int, SegmentStored]] = {}
        self._known_inits: set[str] = set()
        self._is_started = False

    @property
    def has_held(self) -> bool:
        """Whether a segment waits for one before it."""
        return any(self._held.values())

    def start(self) -> MediaEvent | None:
        """Return the first event, once."""
        begun, planned = self._catalog.begun, self._catalog.planned
        if self._is_started or begun is None or (planned is None and self._catalog.ended is None):
            return None
        self._is_started = True
        return StreamStarted(
            session_id=begun.session_id,
            channel_id=begun.grant.channel_id,
            started_at_ms=begun.started_at_ms,
            prefix=self._catalog.prefix,
            is_recorded=begun.grant.is_recorded,
            target_duration_s=planned.target_duration_s if planned else DEFAULT_TARGET_S,
        )

    def take(self, note: Note) -> list[MediaEvent]:
        """Take in the next note of the ledger and return what follows from it."""
        self.taken += 1
        match note:
            case Kept():
                self.total_bytes += note.size
                return self._kept(note)
            case Missing():
                span = self._catalog.spans.pop((note.rendition, note.msn), None)
                return [] if span is None else self._segment(span, None)
            case CueKept():
                return self._cue(note.number)
            case Skipped():
                self._catalog.pieces.pop(note.name, None)
                return []
            case Finished():
                return [note.stored]

    def _kept(self, note: Kept) -> list[MediaEvent]:
        piece = self._catalog.pieces.pop(note.name, None)
        if piece is None:
            return []
        match piece.fact:
            case InitMade() as init:
                return self._init(note, init)
            case Span() as span:
                self._catalog.spans.pop((span.rendition, span.msn), None)
                return self._segment(span, note)
            case CaptionsWritten() as captions:
                return [self._file("captions", captions.msn, note, captions.language)]
            case PictureStored(kind="sheet") as picture:
                return [self._file("sheet", picture.sheet, note)]
            case PictureStored():
                return [self._file("thumbnail", 0, note)]
            case None:
                return [self._file("storyboard", 0, note)]

    def _init(self, note: Kept, init: InitMade) -> list[MediaEvent]:
        planned = self._catalog.rendition(init.rendition)
        frame_rate = 0.0
        if planned is not None and init.kind == "video":
            frame_rate = planned.frame_rate or (round(1 / planned.frame_s, 3) if planned.frame_s > 0 else 0.0)
        self._known_inits.add(note.name)
        event = InitStored(
            session_id=self._session_id,
            rendition=init.rendition,
            number=init.number,
            kind=init.kind,
            codec=init.codec,
            size=note.size,
            width=init.width,
            height=init.height,
            frame_rate=frame_rate,
            sample_rate=init.sample_rate,
            channels=init.channels,
        )
        return [event, *self._released(init.rendition)]

    def _segment(self, span: Span, note: Kept | None) -> list[MediaEvent]:
        event = SegmentStored(
            session_id=self._session_id,
            rendition=span.rendition,
            msn=span.msn,
            map_number=span.map_number,
            start_s=span.start_s,
            duration_s=span.duration_s,
            program_ms=span.program_ms,
            size=note.size if note else 0,
            sha256=note.sha256 if note else "",
            still_bytes=span.still_bytes if note else 0,
            is_discontinuous=span.is_discontinuous,
            is_gap=note is None,
        )
        self._held.setdefault(span.rendition, {})[span.msn] = event
        return self._released(span.rendition)

    def _released(self, rendition: str) -> list[MediaEvent]:
        held, untold = self._held.get(rendition, {}), self._catalog.untold.get(rendition, deque())
        events: list[MediaEvent] = []
        while untold and (event := held.get(untold[0])) is not None:
            if not event.is_gap and init_file(rendition, event.map_number) not in self._known_inits:
                break
            events.append(held.pop(untold.popleft()))
        if events:
            self.segments[rendition] = self.segments.get(rendition, 0) + len(events)
        return events

    def _cue(self, number: int) -> list[MediaEvent]:
        cue = self._catalog.cues[number]
        return [
            CueStored(
                session_id=self._session_id,
                cue_id=cue.cue_id,
                class_name=cue.class_name,
                start_s=cue.start_s,
                duration_s=cue.duration_s,
                program_ms=round((cue.start_s + cue.clock_offset_s) * 1000),
                fields=cue.fields,
            )
        ]

    def _file(self, kind: FileKind, number: int, note: Kept, language: str = "") -> FileStored:
        return FileStored(self._session_id, kind, number, note.name, note.size, language)

    @property
    def _session_id(self) -> SessionId:
        assert self._catalog.begun is not None
        return self._catalog.begun.session_id
