"""What leaves the spool and what has to stay, without a clock that runs."""

import time
from pathlib import Path

import pytest

from media.storage import eviction
from media.storage.eviction import Eviction, choose, is_over, live_kept_s, removable
from media.storage.metrics import Figures
from media.storage.stream import StoredStream
from schemas.ids import SessionId
from schemas.storage import SegmentStored
from tests.media.storage.written import SEGMENT_S, WrittenSession


def opened(session: WrittenSession) -> StoredStream:
    return StoredStream(session.folder, 0.0)


def store_all(stream: StoredStream) -> None:
    while (piece := stream.next_piece(0.0)) is not None:
        stream.kept(piece, "", 0.0)


def names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


def test_a_stored_segment_stays_while_a_live_playlist_may_name_it(tmp_path: Path) -> None:
    session = WrittenSession(tmp_path)
    session.plan()
    kept = int(live_kept_s(2) / SEGMENT_S)
    for _ in range(kept + 3):
        session.segment()
    session.segment("audio")
    stream = opened(session)
    assert removable(stream, time.time()) == []  # nothing is stored
    store_all(stream)
    before = stream.kept_bytes
    assert names(removable(stream, time.time())) == ["source-0.m4s", "source-1.m4s"]
    assert removable(stream, time.time()) == []
    assert 0 < stream.kept_bytes < before


def test_all_goes_a_minute_after_the_end(tmp_path: Path) -> None:
    session = WrittenSession(tmp_path)
    session.plan()
    session.segment()
    session.end()
    stream = opened(session)
    store_all(stream)
    assert removable(stream, time.time() + 59) == []
    assert names(removable(stream, time.time() + 62)) == ["source-0.m4s"]
    assert stream.kept_bytes == 0


def test_a_session_is_over_when_it_is_stored_and_told(tmp_path: Path) -> None:
    session = WrittenSession(tmp_path)
    session.plan()
    session.segment()
    session.end(ago_s=61)
    stream = opened(session)
    assert not is_over(stream, time.time())
    store_all(stream)
    stream.finish("index-4.json", 0.0)
    assert not is_over(stream, time.time())
    stream.events.clear()
    assert is_over(stream, time.time())
    assert not is_over(stream, time.time() - 30)


@pytest.fixture
def away(tmp_path: Path) -> dict[SessionId, StoredStream]:
    """A recorded session and one that is not, both over, each with the source and a rung; nothing is stored."""
    streams = {}
    for name, is_recorded in (("s1", True), ("s2", False)):
        session = WrittenSession(tmp_path, name, is_recorded=is_recorded)
        session.plan("360p")
        for _ in range(3):
            for rendition in ("source", "360p", "audio"):
                session.segment(rendition, bytes(100))
        session.end()
        streams[session.session] = opened(session)
    return streams


def test_rungs_go_first_then_what_is_not_recorded_then_the_oldest(away: dict[SessionId, StoredStream]) -> None:
    order: list[tuple[str, str]] = []
    for count in range(1, 19):
        chosen = choose(away.values(), 100 * count)
        assert sum(len(pieces) for _, pieces in chosen) == count
        everything = {(stream.session_id, piece.name) for stream, pieces in chosen for piece in pieces}
        order += sorted(everything - set(order))
    assert [f"{session} {name}" for session, name in order[:6]] == [
        *(f"s2 360p-{msn}.m4s" for msn in range(3)),
        *(f"s1 360p-{msn}.m4s" for msn in range(3)),
    ]
    assert {session for session, _ in order[6:12]} == {"s2"}
    assert {session for session, _ in order[12:]} == {"s1"}
    assert [name.partition(".")[0][-1] for _, name in order[6:12]] == ["0", "0", "1", "1", "2", "2"]


async def test_a_full_spool_drops_into_gaps(
    tmp_path: Path, away: dict[SessionId, StoredStream], monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = Figures(away)
    evicting = Eviction(tmp_path / "spool", 1400 / 1e9, away, figures)
    assert sum(stream.waiting_bytes for stream in away.values()) > 1800
    assert await evicting.turn(0.0) == []
    evicting.close()
    waiting = sum(stream.waiting_bytes for stream in away.values())
    assert waiting <= 1400 * eviction.LOWERED_SHARE
    assert figures.dropped == sum(stream.dropped for stream in away.values()) >= 4
    for stream in away.values():
        store_all(stream)
        gaps = [event for _, event in stream.events if isinstance(event, SegmentStored) and event.is_gap]
        assert len(gaps) == stream.dropped
        assert {gap.rendition for gap in gaps} <= {"360p"}


async def test_what_a_live_playlist_names_is_never_dropped(tmp_path: Path) -> None:
    session = WrittenSession(tmp_path)
    session.plan()
    for _ in range(5):
        session.segment(body=bytes(1000))
    streams = {session.session: opened(session)}
    evicting = Eviction(tmp_path / "spool", 1e-9, streams, Figures(streams))
    await evicting.turn(0.0)
    evicting.close()
    assert streams[session.session].dropped == 0
