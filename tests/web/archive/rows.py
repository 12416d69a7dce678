"""Rows of sessions as storage leaves them: 2 s segments with a few faults in them."""

from datetime import UTC, datetime

from schemas.ids import ChannelId, SessionId
from web.store.media import InitRow, RateRow, SegmentRow, StreamMedia

BEGAN_MS = 1_700_000_000_000
SEGMENT_S = 2.0


def segment(msn: int, **more: object) -> SegmentRow:
    """Return the row of a segment."""
    values: dict[str, object] = {
        "msn": msn,
        "map_number": 1,
        "start_s": msn * SEGMENT_S,
        "duration_s": SEGMENT_S,
        "program_ms": BEGAN_MS + round(msn * SEGMENT_S * 1000),
        "size": 100_000 + msn,
        "still_bytes": 20_000,
        "is_discontinuous": False,
        "is_gap": False,
    }
    return SegmentRow(**(values | more))  # type: ignore[arg-type]  # the fields of the row by name


def segments(first: int, end: int) -> list[SegmentRow]:
    """Return rows that follow each other."""
    return [segment(msn) for msn in range(first, end)]


def video(rendition: str = "video", number: int = 1, codec: str = "avc1.64001f", height: int = 720) -> InitRow:
    return InitRow(rendition, number, "video", codec, 800, height * 16 // 9, height, 30.0, 0, 0)


def audio(number: int = 1) -> InitRow:
    return InitRow("audio", number, "audio", "mp4a.40.2", 700, 0, 0, 0.0, 48_000, 2)


def rate(rendition: str, peak_bps: int) -> RateRow:
    return RateRow(rendition, peak_bps, peak_bps * 9 // 10, peak_bps // 5, peak_bps // 6)


def stream(*, is_stored: bool = False) -> StreamMedia:
    began = datetime.fromtimestamp(BEGAN_MS / 1000, UTC)
    return StreamMedia(
        SessionId("s1"),
        ChannelId("c1"),
        "demo",
        "recordings/c1/s1",
        2,
        True,
        "public",
        began,
        began if is_stored else None,
        began if is_stored else None,
        None,
    )
