"""Events of a stored session, as the storage process tells them."""

from schemas.ids import ChannelId, SessionId
from schemas.storage import InitStored, SegmentStored, StreamStarted, StreamStored, session_prefix

DURATION_S = 2.0


def started(session: SessionId, channel: ChannelId, *, is_recorded: bool = True) -> StreamStarted:
    prefix = session_prefix(channel, session, is_recorded=is_recorded)
    return StreamStarted(session, channel, 1_000, prefix, is_recorded, 2)


def init(session: SessionId, rendition: str = "video", number: int = 0) -> InitStored:
    if rendition == "audio":
        return InitStored(session, rendition, number, "audio", "mp4a.40.2", 700, sample_rate=48_000, channels=2)
    return InitStored(session, rendition, number, "video", "avc1.64001f", 800, 1280, 720, 30.0)


def segment(
    session: SessionId,
    msn: int,
    rendition: str = "video",
    *,
    map_number: int = 0,
    is_gap: bool = False,
    is_discontinuous: bool = False,
) -> SegmentStored:
    return SegmentStored(
        session,
        rendition,
        msn,
        map_number,
        start_s=msn * DURATION_S,
        duration_s=DURATION_S,
        program_ms=1_700_000_000_000 + round(msn * DURATION_S * 1000),
        size=0 if is_gap else 1_000 + msn,
        sha256="" if is_gap else "ab" * 32,
        still_bytes=0 if is_gap or rendition == "audio" else 100,
        is_discontinuous=is_discontinuous,
        is_gap=is_gap,
    )


def stored(session: SessionId, segments: dict[str, int], *, total_bytes: int = 5_000) -> StreamStored:
    duration_s = max(segments.values(), default=0) * DURATION_S
    return StreamStored(session, 9_000, "publisher left", duration_s, total_bytes, segments, "events.json")
