"""A session as ingest leaves it in the spool: a journal and its files, written by hand."""

import hashlib
import time
from pathlib import Path

from media.journal.lines import line_of
from schemas.ids import ChannelId, NodeId, SessionId
from schemas.ingest import PublishGrant
from schemas.journal import (
    JOURNAL_FILE,
    VERSION,
    Begun,
    CaptionsWritten,
    CueAdded,
    Ended,
    GapMade,
    InitMade,
    PartAdded,
    PictureStored,
    Planned,
    PlannedRendition,
    Record,
    SegmentBegun,
    SegmentClosed,
    SegmentLost,
    captions_file,
    init_file,
    segment_file,
)

SEGMENT_S = 2.0
CLOCK_S = 1_700_000_000.0


class WrittenSession:
    """Appends to DATA/spool/{session}; `sums` are the SHA-256 of what was written, by name."""

    def __init__(self, data: Path, session: str = "s1", *, is_recorded: bool = True) -> None:
        self.folder = data / "spool" / session
        self.folder.mkdir(parents=True)
        self.session = SessionId(session)
        self.sums: dict[str, str] = {}
        self.prefix = f"{'recordings' if is_recorded else 'live'}/c1/{session}"
        self._next: dict[str, int] = {}
        grant = PublishGrant(ChannelId("c1"), "demo", self.session, is_recorded=is_recorded)
        self.add(Begun(VERSION, grant, "", NodeId("n1"), 1_000))

    def add(self, *records: Record) -> None:
        """Append lines."""
        with (self.folder / JOURNAL_FILE).open("ab") as file:
            file.write(b"".join(map(line_of, records)))

    def plan(self, *rungs: str) -> None:
        """Promise the source, its sound and these rungs, and write what initializes them."""
        video = [PlannedRendition("source", "video", 1 / 30, 0.333)]
        video += [PlannedRendition(name, "video", 1 / 30, 0.333, is_rung=True) for name in rungs]
        self.add(Planned(2, SEGMENT_S, 1.0, [*video, PlannedRendition("audio", "audio", 1024 / 48000, 0.333)]))
        for one in video:
            self.init(one.name)
        self.init("audio")

    def init(self, rendition: str, number: int = 0) -> None:
        """Write an initialization section."""
        name = init_file(rendition, number)
        body = self._write(name, f"init of {rendition} {number}".encode())
        if rendition == "audio":
            record = InitMade(rendition, number, "audio", "mp4a", b"", "mp4a.40.2", len(body), 0, 0, 48000, 2)
        else:
            record = InitMade(rendition, number, "video", "avc1", b"", "avc1.64001f", len(body), 1280, 720)
        self.add(record)

    def segment(self, rendition: str = "source", body: bytes = b"", *, map_number: int = 0) -> str:
        """Write a segment of two parts; return its name."""
        msn = self._number(rendition)
        body = body or f"segment {msn} of {rendition} {self.session}".encode()
        name, half = segment_file(rendition, msn), len(body) // 2
        self._write(name, body)
        self.add(
            SegmentBegun(rendition, msn, map_number, msn * SEGMENT_S, CLOCK_S),
            PartAdded(rendition, msn, 0, 0, half, 1.0, is_independent=True, still_bytes=min(7, half)),
            PartAdded(rendition, msn, 1, half, len(body) - half, 1.0),
            SegmentClosed(rendition, msn, SEGMENT_S, len(body)),
        )
        return name

    def open_segment(self, rendition: str = "source") -> str:
        """Write a segment of which one part is there, and more bytes than the journal knows."""
        msn = self._number(rendition)
        name = segment_file(rendition, msn)
        self._write(name, b"part")
        (self.folder / name).write_bytes(b"part and torn bytes")
        self.add(
            SegmentBegun(rendition, msn, 0, msn * SEGMENT_S, CLOCK_S), PartAdded(rendition, msn, 0, 0, 4, 0.5, True, 3)
        )
        return name

    def gap(self, rendition: str = "source", *, is_lost: bool = False) -> None:
        """Write a whole segment without media."""
        msn = self._number(rendition)
        kind = SegmentLost if is_lost else GapMade
        self.add(kind(rendition, msn, 0, msn * SEGMENT_S, CLOCK_S, SEGMENT_S))

    def cue(self, cue_id: str) -> None:
        """Write timed metadata."""
        self.add(CueAdded(cue_id, "org.example", 1.5, None, CLOCK_S, {"title": "x"}, 1))

    def captions(self, msn: int) -> None:
        """Write the captions of a segment."""
        self.add(CaptionsWritten(msn, len(self._write(captions_file(msn), b"WEBVTT\n")), "en"))

    def thumbnail(self, number: int, start_s: float) -> str:
        """Write a thumbnail."""
        name = f"thumbnail-{number}.jpg"
        self.add(PictureStored("thumbnail", name, len(self._write(name, b"jpeg %d" % number)), start_s))
        return name

    def tile(self, sheet: int, tiles: int, start_s: float) -> str:
        """Write a sheet with one more tile; the version before it goes, as it does in ingest."""
        name = f"storyboard-{sheet}-{tiles}.jpg"
        (self.folder / f"storyboard-{sheet}-{tiles - 1}.jpg").unlink(missing_ok=True)
        size = len(self._write(name, b"sheet %d %d" % (sheet, tiles)))
        self.add(PictureStored("sheet", name, size, start_s, sheet, tiles, 160, 90))
        return name

    def end(self, reason: str = "the publisher ended", *, ago_s: float = 0.0) -> None:
        """Write the end."""
        self.add(Ended(reason, round((time.time() - ago_s) * 1000)))

    def key(self, name: str) -> str:
        """The key of an object."""
        return f"{self.prefix}/{name}"

    def _number(self, rendition: str) -> int:
        number = self._next.get(rendition, 0)
        self._next[rendition] = number + 1
        return number

    def _write(self, name: str, body: bytes) -> bytes:
        (self.folder / name).write_bytes(body)
        self.sums[name] = hashlib.sha256(body).hexdigest()
        return body
