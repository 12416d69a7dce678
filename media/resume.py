"""What a journal tells of a session, so that a stream goes on where another process was killed.

At the kill each rendition stands somewhere else: rungs are seconds behind the source, sound may be ahead of pictures.
`settle` ends them all at one place. What is open is closed with the parts that it has, and where a rendition lacks a
segment that another has, it gets a gap with that one's times, so that equal numbers keep meaning equal content
(RFC 8216bis, 6.2.4). Nothing of it depends on who settles, or how often: a process that is killed while it resumes
leaves a journal that the next one settles to the same.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress

from media.hls.boxes import init_section
from media.hls.dates import DateRanges
from media.hls.planner import Plan, RungPlan, TrackPlan
from media.hls.segmenter import AUDIO, RUNG_WAIT_S, VIDEO, Init, Standing
from media.hls.window import LIVE_WINDOW_S, LiveSegment, Window
from media.packets import CodecConfig, Cue, CueKind, TrackKind
from media.transcode.rungs import Rung, Source
from schemas.journal import (
    Begun,
    CaptionsSeen,
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
)

KEPT_WINDOWS = 4
"""Segments are rebuilt that ended within so many live windows: what left the playlist can be fetched for about two."""
NOTE = "note-"
"""What the ids of cues begin with that came with a publisher's data; a number follows."""


class NothingToResume(Exception):
    """The journal's session had shown nothing, or is over; the text says which."""


class Past:
    """A session as its journal has it. Times are media time in seconds.

    `read` returns the bytes of one of its files, or raises `OSError`.
    """

    def __init__(self, records: Sequence[Record], read: Callable[[str], bytes]) -> None:
        """Raises `NothingToResume`."""
        self.begun, self.planned = _beginning(records)
        self.windows = {each.name: self._window(each) for each in self.planned.renditions}
        """All renditions, the leading one first."""
        self.dates = DateRanges()
        self.own: dict[str, CodecConfig] = {}
        """How to decode each rendition, but for what is shown while the publisher is away."""
        self.captioned: set[str] = set()
        self.captions_language: str | None = None
        """Of the captions beside the media, "" when nobody knows; None without any."""
        self.texts: dict[int, bytes] = {}
        """Segments of captions by msn, those that have text."""
        self.pictures: list[PictureStored] = []
        self.interruptions = 0
        self.is_interrupted = False
        """Whether the publisher was away already."""
        self.events = 0
        """Event messages so far; the next has a higher number."""
        self.notes = 0
        """Cues so far that came with a publisher's data."""
        self._fragments = dict.fromkeys(self.windows, 0)
        self._read = read
        self._first_msn = _first_msn(records, self.planned)
        try:
            for record in records:
                self._replay(record)
        except (LookupError, ValueError) as error:
            raise NothingToResume(f"its journal contradicts itself: {error!r}") from error
        if not self._is_playable():
            raise NothingToResume("nothing of it could be played")

    # --- what it was -----------------------------------------------------------------------------------------

    @property
    def lead(self) -> Window:
        """The leading rendition."""
        return next(iter(self.windows.values()))

    @property
    def end_s(self) -> float:
        """Where the last of the renditions ends."""
        return max(window.end_s for window in self.windows.values())

    @property
    def clock_offset_s(self) -> float:
        """Wall clock minus media time of the newest segment."""
        return self.lead.clock_offset_s

    @property
    def rungs(self) -> list[Rung]:
        """What the ladder made."""
        return [
            Rung(each.name, each.width, each.height, each.frame_rate, each.bitrate_bps)
            for each in self.planned.renditions
            if each.is_rung
        ]

    @property
    def source(self) -> Source | None:
        """What the ladder was chosen for; None of a stream of sound."""
        picture = self.own.get(VIDEO)
        if picture is None:
            return None
        frame_rate = self.windows[VIDEO].frame_rate
        return Source(picture.fourcc, picture.width, picture.height, frame_rate, self.windows[VIDEO].peak_bps)

    def plan(self) -> Plan:
        """Return what the playlists promise, with the configurations that hold now."""
        tracks: dict[str, TrackPlan] = {}
        for each in self.planned.renditions:
            config = self.windows[each.name].config
            if not each.is_rung and config is not None:
                tracks[each.name] = TrackPlan(config, each.frame_s, each.part_target_s)
        return Plan(
            target_duration_s=self.planned.target_duration_s,
            segment_s=self.planned.segment_s,
            video=tracks.get(VIDEO),
            audio=tracks.get(AUDIO),
            rungs={
                each.name: RungPlan(each.frame_s, each.part_target_s)
                for each in self.planned.renditions
                if each.is_rung
            },
        )

    def standings(self) -> dict[str, Standing]:
        """Return where each rendition goes on; it is settled."""
        return {
            name: Standing(self._next_msn(window), max(window.inits, default=0), window.config, self._fragments[name])
            for name, window in self.windows.items()
        }

    # --- reading it ------------------------------------------------------------------------------------------

    def _window(self, promised: PlannedRendition) -> Window:
        return Window(
            promised.name,
            target_duration_s=self.planned.target_duration_s,
            part_target_s=promised.part_target_s,
            part_hold_back_s=self.planned.part_hold_back_s,
            clock_offset_s=0.0,
            frame_rate=0.0 if promised.kind == "audio" else 1 / promised.frame_s,
            configured_bps=promised.bitrate_bps,
        )

    def _replay(self, record: Record) -> None:
        match record:
            case PartAdded():
                self._fragments[record.rendition] += 1
                if record.msn >= self._first_msn:
                    self.windows[record.rendition].replay(record)
            case SegmentBegun() | SegmentClosed() | GapMade() | SegmentLost():
                self._replay_segment(record)
            case InitMade():
                self._replay_init(record)
            case CueAdded():
                self._replay_cue(record)
            case CaptionsSeen():
                self.captioned.add(record.rendition)
            case CaptionsWritten():
                self._replay_captions(record)
            case PictureStored():
                self.pictures.append(record)
            case Interrupted():
                self.interruptions += not self.is_interrupted
                self.is_interrupted = True
            case Resumed():
                self.is_interrupted = False
            case Ended():
                raise NothingToResume("it has ended")
            case Begun() | Planned():
                pass

    def _replay_segment(self, record: SegmentBegun | SegmentClosed | GapMade | SegmentLost) -> None:
        window = self.windows[record.rendition]
        if record.msn < self._first_msn:
            if not isinstance(record, SegmentClosed):
                window.discontinuity_sequence += record.is_discontinuous
            return
        window.replay(record)
        if window is self.lead:
            self.dates.advance(window.segments[0].start_s, window.end_s)

    def _replay_init(self, record: InitMade) -> None:
        config = CodecConfig(
            TrackKind(record.kind),
            record.fourcc,
            record.record,
            width=record.width,
            height=record.height,
            sample_rate=record.sample_rate,
            channels=record.channels,
        )
        try:
            data = self._read(init_file(record.rendition, record.number))
        except OSError:
            data = init_section(config)
        self.windows[record.rendition].apply(Init(record.rendition, record.number, config, data))
        if not self.is_interrupted:
            self.own[record.rendition] = config

    def _replay_cue(self, record: CueAdded) -> None:
        cue = Cue(
            record.cue_id, CueKind.DATA, record.start_s, record.duration_s, record.class_name, dict(record.fields)
        )
        self.dates.add(cue, record.clock_offset_s)
        self.events = max(self.events, record.number)
        number = record.cue_id.removeprefix(NOTE)
        if number != record.cue_id and number.isdecimal():
            self.notes = max(self.notes, int(number))

    def _replay_captions(self, record: CaptionsWritten) -> None:
        self.captions_language = record.language
        if record.msn >= self._first_msn:
            with suppress(OSError):  # storage has it, and removed it here: it is long out of the playlist
                self.texts[record.msn] = self._read(captions_file(record.msn))

    def _is_playable(self) -> bool:
        """Whether viewers may have seen it, see `LiveStream`: the rungs are not waited for longer than that."""
        rungs = {each.name for each in self.planned.renditions if each.is_rung}
        source = [window for name, window in self.windows.items() if name not in rungs]
        if not self._fragments[self.lead.name] or not all(window.segments and window.inits for window in source):
            return False
        if all(self._fragments[name] for name in rungs):
            return True
        return self.lead.end_s - self.lead.segments[0].start_s >= RUNG_WAIT_S

    # --- ending it in one place ------------------------------------------------------------------------------

    def settle(self) -> list[Record]:
        """End all renditions at one place; return what must be journaled of it, nothing the second time."""
        made: list[Record] = []
        for name, window in self.windows.items():
            segment = window.segments[-1] if window.segments else None
            if segment is None or segment.duration_s is not None:
                continue
            if segment.parts:
                made.append(self._note(SegmentClosed(name, segment.msn, segment.parts_s, segment.size)))
            else:
                window.drop_open()  # its line came without that of its first part: nobody has seen it
        end = max(self._next_msn(window) for window in self.windows.values())
        for msn in range(min(self._next_msn(window) for window in self.windows.values()), end):
            model = self._model(msn)
            behind = [window for window in self.windows.values() if self._next_msn(window) == msn]
            made += [self._note(_gap_like(model, window)) for window in behind]
        return made

    def _note(self, record: Record) -> Record:
        self._replay(record)
        return record

    def _next_msn(self, window: Window) -> int:
        return window.segments[-1].msn + 1 if window.segments else self._first_msn

    def _model(self, msn: int) -> LiveSegment:
        """Return this segment of the first rendition that has it."""
        found = (window.find(msn) for window in self.windows.values())
        return next(segment for segment in found if segment is not None)


def _gap_like(model: LiveSegment, window: Window) -> GapMade:
    assert model.duration_s is not None, "all are closed"
    return GapMade(
        window.name,
        model.msn,
        map_number=max(window.inits, default=1),
        start_s=model.start_s,
        clock_offset_s=model.clock_offset_s,
        duration_s=model.duration_s,
        is_discontinuous=model.is_discontinuous,
    )


def _beginning(records: Sequence[Record]) -> tuple[Begun, Planned]:
    if not records or not isinstance(records[0], Begun):
        raise NothingToResume("its journal has no beginning")
    planned = next((record for record in records if isinstance(record, Planned)), None)
    if planned is None:
        raise NothingToResume("nothing of it was published")
    return records[0], planned


def _first_msn(records: Sequence[Record], planned: Planned) -> int:
    """Return from which segment on windows are rebuilt: older ones cannot be fetched from here any more."""
    name = planned.renditions[0].name
    kept_s = KEPT_WINDOWS * max(LIVE_WINDOW_S, 8 * planned.target_duration_s)
    for record in reversed(records):
        if isinstance(record, SegmentClosed | GapMade | SegmentLost) and record.rendition == name:
            kept_s -= record.duration_s
            if kept_s <= 0:
                return record.msn
    return 0
