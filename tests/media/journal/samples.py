"""One record of each kind, in an order in which a stream may write them; segments with their bytes."""

import hashlib

from media.journal.writer import Journal
from schemas import journal
from schemas.ids import ChannelId, NodeId, SessionId
from schemas.ingest import PublishGrant
from schemas.journal import Record

SESSION = SessionId("0s3ss10n0000000000000")
BEGUN = journal.Begun(
    version=journal.VERSION,
    grant=PublishGrant(ChannelId("channel"), "ann", SESSION),
    key_digest="ab" * 32,
    node_id=NodeId("node"),
    started_at_ms=1_700_000_000_000,
)
PLANNED = journal.Planned(2, 2.0, 1.5, [journal.PlannedRendition("video", "video", 1 / 60, 0.5)])
INIT = journal.InitMade("video", 1, "video", "avc1", bytes(range(256)), "avc1.64001f", 700, 1280, 720)
SEGMENT = journal.SegmentBegun("video", 0, 1, 0.25, 1_700_000_000.125)
RECORDS: list[Record] = [
    BEGUN,
    PLANNED,
    INIT,
    SEGMENT,
    journal.PartAdded("video", 0, 0, 0, 1000, 0.5, is_independent=True, still_bytes=300),
    journal.SegmentClosed("video", 0, 0.5, 1000),
    journal.GapMade("video", 1, 1, 0.75, 1_700_000_000.125, 2.0),
    journal.SegmentLost("video", 2, 1, 2.75, 1_700_000_000.125, 2.0, is_discontinuous=True),
    journal.CueAdded("cue-1", "org.example.score", 1.0, None, 1_700_000_000.125, {"text": "1 : 0 – ⚽\n\u2028"}, 1),
    journal.CaptionsWritten(0, 80, "de"),
    journal.CaptionsSeen("video"),
    journal.PictureStored("sheet", "storyboard-0-3.jpg", 4000, 20.0, 0, 3, 160, 90),
    journal.Interrupted(4.75),
    journal.Resumed(60.0),
    journal.Ended("unpublished", 1_700_000_100_000),
]


def part(msn: int, index: int, offset: int, data: bytes, rendition: str = "video") -> journal.PartAdded:
    return journal.PartAdded(rendition, msn, index, offset, len(data), 0.5)


def begun(msn: int, rendition: str = "video") -> journal.SegmentBegun:
    return journal.SegmentBegun(rendition, msn, 1, 2.0 * msn, 1_700_000_000.0)


def content(msn: int, index: int) -> bytes:
    return hashlib.sha256(f"{msn} {index}".encode()).digest() * 8


def segment(msn: int, parts: int = 4) -> list[tuple[Record, bytes]]:
    """Return what is written of a segment of 2 s."""
    size = len(content(msn, 0))
    written: list[tuple[Record, bytes]] = [(begun(msn), b"")]
    written += [(part(msn, index, index * size, content(msn, index)), content(msn, index)) for index in range(parts)]
    return [*written, (journal.SegmentClosed("video", msn, 2.0, parts * size), b"")]


def write(target: Journal, entries: list[tuple[Record, bytes]]) -> None:
    for record, data in entries:
        target.add(record, data)
        target.commit()


def whole(msn: int, parts: int = 4) -> bytes:
    return b"".join(content(msn, index) for index in range(parts))
