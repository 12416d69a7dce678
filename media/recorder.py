"""From what the packager says to what the journal of the session says, in the same numbers as the playlists."""

from collections.abc import Mapping, Sequence
from typing import Literal

from media.codecs import rfc6381
from media.hls.planner import Plan, RungPlan, TrackPlan
from media.hls.segmenter import AUDIO, VIDEO, Gap, Init, Output, Part, SegmentEnd
from media.hls.window import Window
from media.journal.writer import Journal
from media.packets import Cue
from media.transcode.rungs import Rung
from schemas import journal
from schemas.journal import Record


class Recorder:
    """Notes what is about to become visible; `commit` writes it. Without a journal nothing comes to the disk."""

    def __init__(self, target: Journal | None) -> None:
        self._journal = target

    def plan(self, plan: Plan, rungs: Mapping[str, Rung]) -> None:
        """What the playlists promise is about to be said."""
        renditions = {VIDEO: plan.video, AUDIO: plan.audio, **plan.rungs}
        planned = [
            _planned(name, promised, rungs.get(name)) for name, promised in renditions.items() if promised is not None
        ]
        self.add(journal.Planned(plan.target_duration_s, plan.segment_s, plan.part_hold_back_s, planned))

    def note(self, window: Window, output: Output) -> None:
        """The window has taken this output; nobody has seen it yet."""
        target = self._journal
        if target is None:
            return
        match output:
            case Part():
                segment = window.segments[-1]
                if not output.index:
                    target.add(
                        journal.SegmentBegun(
                            window.name,
                            segment.msn,
                            segment.map_number,
                            segment.start_s,
                            segment.clock_offset_s,
                            segment.is_discontinuous,
                        )
                    )
                part = segment.parts[-1]
                record = journal.PartAdded(
                    window.name,
                    segment.msn,
                    output.index,
                    part.offset,
                    part.size,
                    part.duration_s,
                    part.is_independent,
                    part.still_bytes,
                )
                target.add(record, output.data)
            case SegmentEnd():
                segment = window.segments[-1]
                target.add(journal.SegmentClosed(window.name, segment.msn, output.duration_s, segment.size))
            case Init():
                target.add(_init_made(output), output.data)
            case Gap():
                segment = window.segments[-1]
                target.add(
                    journal.GapMade(
                        window.name,
                        segment.msn,
                        segment.map_number,
                        segment.start_s,
                        segment.clock_offset_s,
                        output.duration_s,
                        segment.is_discontinuous,
                    )
                )

    def cue(self, cue: Cue, clock_offset_s: float, number: int) -> None:
        """Timed metadata is about to be listed; `number` is that of its event message."""
        self.add(
            journal.CueAdded(
                cue.cue_id, cue.class_name, cue.start_s, cue.duration_s, clock_offset_s, dict(cue.fields), number
            )
        )

    def captions(self, settled: Sequence[tuple[int, bytes]], language: str) -> None:
        """The text of these segments of the leading rendition will not change any more."""
        if self._journal is not None:
            for msn, text in settled:
                self._journal.add(journal.CaptionsWritten(msn, len(text), language), text)

    def picture(self, stored: journal.PictureStored) -> None:
        """A picture is in its file."""
        self.add(stored)
        self.commit()

    def add(self, record: Record) -> None:
        """Note a record that has no bytes."""
        if self._journal is not None:
            self._journal.add(record)

    def commit(self) -> None:
        """Write what was noted."""
        if self._journal is not None:
            self._journal.commit()

    def settle(self, windows: Mapping[str, Window]) -> None:
        """Let the windows forget the bytes of segments that have come to the disk."""
        for rendition, msn in self._journal.take_stored() if self._journal is not None else ():
            window = windows.get(rendition)
            segment = window.find(msn) if window is not None else None
            if window is not None and segment is not None:
                segment.is_stored = True
                window.forget_stored()

    def close(self) -> None:
        """Nothing follows."""
        if self._journal is not None:
            self._journal.close()


def _planned(name: str, promised: TrackPlan | RungPlan, rung: Rung | None) -> journal.PlannedRendition:
    kind: Literal["video", "audio"] = "audio" if name == AUDIO else "video"
    if rung is None:
        return journal.PlannedRendition(name, kind, promised.frame_s, promised.part_target_s)
    return journal.PlannedRendition(
        name,
        kind,
        promised.frame_s,
        promised.part_target_s,
        is_rung=True,
        width=rung.width,
        height=rung.height,
        frame_rate=rung.frame_rate,
        bitrate_bps=rung.bitrate_bps,
    )


def _init_made(init: Init) -> journal.InitMade:
    config = init.config
    return journal.InitMade(
        init.rendition,
        init.number,
        "audio" if init.rendition == AUDIO else "video",
        config.fourcc,
        config.record,
        rfc6381(config),
        len(init.data),
        config.width,
        config.height,
        config.sample_rate,
        config.channels,
    )
