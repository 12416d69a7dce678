"""One record of each kind, in an order in which a stream may write them."""

from schemas import journal
from schemas.ids import ChannelId, NodeId, SessionId
from schemas.ingest import PublishGrant

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
RECORDS: list[journal.Record] = [
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
