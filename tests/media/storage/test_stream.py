"""One session from its journal to notes and events, without a store."""

import hashlib
from pathlib import Path

import pytest

from media.storage.index import events_of
from media.storage.ledger import OtherLedger
from media.storage.stream import StoredStream
from schemas.ids import ChannelId
from schemas.journal import Ended, Interrupted, Resumed
from schemas.storage import (
    INTERRUPTION,
    CueStored,
    FileStored,
    InitStored,
    MediaEvent,
    SegmentStored,
    StreamStarted,
    StreamStored,
)
from tests.media.storage.written import CLOCK_S, WrittenSession


@pytest.fixture
def session(tmp_path: Path) -> WrittenSession:
    return WrittenSession(tmp_path)


def opened(session: WrittenSession) -> StoredStream:
    stream = StoredStream(session.folder, 0.0)
    stream.read(0.0)
    return stream


def store_all(stream: StoredStream) -> list[str]:
    """Store everything in the order in which it is offered; return the names."""
    names = []
    while (piece := stream.next_piece(0.0)) is not None:
        body = piece.body if piece.body is not None else (stream.folder / piece.name).read_bytes()[: piece.size]
        stream.kept(piece, hashlib.sha256(body).hexdigest(), 0.0)
        names.append(piece.name)
    return names


def tell_all(stream: StoredStream) -> list[MediaEvent]:
    events = [event for _, event in stream.events]
    if stream.events:
        stream.tell(stream.events[-1][0])
    stream.events.clear()
    return events


def short(events: list[MediaEvent]) -> list[str]:
    found = []
    for event in events:
        match event:
            case StreamStarted():
                found.append("started")
            case InitStored():
                found.append(f"{event.rendition} init {event.number}")
            case SegmentStored():
                found.append(f"{event.rendition} {event.msn}{' gap' if event.is_gap else ''}")
            case FileStored():
                found.append(event.name)
            case CueStored():
                found.append(event.cue_id)
            case StreamStored():
                found.append("stored")
    return found


def test_objects_come_in_the_order_of_the_journal(session: WrittenSession) -> None:
    session.plan()
    session.segment()
    session.segment("audio")
    session.segment()
    stream = opened(session)
    assert store_all(stream) == [
        "source-init-0.mp4",
        "audio-init-0.mp4",
        "source-0.m4s",
        "audio-0.m4s",
        "source-1.m4s",
    ]
    assert short(tell_all(stream)) == ["started", "source init 0", "audio init 0", "source 0", "audio 0", "source 1"]


def test_a_segment_waits_for_its_initialization_section(session: WrittenSession) -> None:
    session.plan()
    session.segment()
    stream = opened(session)
    first, second = stream.next_piece(0.0), stream.next_piece(0.0)
    assert first is not None
    assert second is not None
    assert (first.name, second.name) == ("source-init-0.mp4", "audio-init-0.mp4")
    assert stream.next_piece(0.0) is None
    stream.kept(first, "", 0.0)
    third = stream.next_piece(0.0)
    assert third is not None
    assert third.name == "source-0.m4s"


def test_events_of_a_rendition_keep_their_order_whatever_is_stored_first(session: WrittenSession) -> None:
    session.plan()
    session.segment()
    session.segment()
    session.gap()
    session.segment()
    stream = opened(session)
    assert [stream.next_piece(0.0) is not None for _ in range(2)] == [True, True]
    for name in ("source-init-0.mp4", "audio-init-0.mp4"):
        stream.kept(stream.catalog.pieces[name], "", 0.0)
    pieces = [stream.next_piece(0.0) for _ in range(3)]
    for piece in reversed(pieces):
        assert piece is not None
        stream.kept(piece, "", 0.0)
    assert short(tell_all(stream))[3:] == ["source 0", "source 1", "source 2 gap", "source 3"]


def test_what_a_segment_is_told_with(session: WrittenSession) -> None:
    session.plan()
    name = session.segment()
    session.gap(is_lost=True)
    stream = opened(session)
    store_all(stream)
    started, init, _, segment, gap = tell_all(stream)
    assert started == StreamStarted(session.session, ChannelId("c1"), 1_000, session.prefix, True, 2)
    assert isinstance(init, InitStored)
    assert (init.codec, init.width, init.height, init.frame_rate) == ("avc1.64001f", 1280, 720, 30.0)
    size = (session.folder / name).stat().st_size
    program_ms = round(CLOCK_S * 1000)
    assert segment == SegmentStored(session.session, "source", 0, 0, 0.0, 2.0, program_ms, size, session.sums[name], 7)
    assert gap == SegmentStored(session.session, "source", 1, 0, 2.0, 2.0, program_ms + 2000, 0, "", is_gap=True)


def test_nothing_confirmed_is_stored_or_told_twice_after_a_restart(session: WrittenSession) -> None:
    session.plan("360p")
    for _ in range(3):
        session.segment()
        session.segment("360p")
    session.gap("audio")
    session.cue("cue1")
    session.captions(0)
    stream = opened(session)
    all_names = {piece.name for piece in stream.catalog.pieces.values()}
    names, events = [], []
    while (piece := stream.next_piece(0.0)) is not None:  # killed after every single note
        stream.kept(piece, session.sums[piece.name], 0.0)
        names.append(piece.name)
        events += tell_all(stream)
        stream.close()
        stream = opened(session)
    assert set(names) == all_names
    assert len(names) == len(all_names)
    assert len(short(events)) == len(set(short(events)))
    assert short(events).count("audio 0 gap") == 1
    assert not stream.events


def test_what_was_not_noted_as_told_is_told_again(session: WrittenSession) -> None:
    session.plan()
    session.segment()
    stream = opened(session)
    store_all(stream)
    before = [event for _, event in stream.events]  # killed between XADD and the note
    stream.close()
    assert [event for _, event in opened(session).events] == before


def test_a_torn_note_is_as_if_never_written(session: WrittenSession) -> None:
    session.plan()
    name = session.segment()
    stream = opened(session)
    store_all(stream)
    stream.close()
    ledger = session.folder / "uploads"
    whole = ledger.read_bytes()
    for cut in range(whole.rindex(b"\n", 0, -1) + 1, len(whole)):
        ledger.write_bytes(whole[:cut])
        stream = opened(session)
        assert store_all(stream) == [name]
        stream.close()
        assert ledger.read_bytes() == whole


def test_any_cut_of_the_notes_leads_to_the_same_events(session: WrittenSession) -> None:
    session.plan()
    session.segment()
    session.gap()
    session.tile(0, 1, 0.0)
    session.end()
    stream = opened(session)
    store_all(stream)
    whole = (session.folder / "uploads").read_bytes()
    expected = sorted(short([event for _, event in stream.events]))
    stream.close()
    for cut in range(len(whole)):
        (session.folder / "uploads").write_bytes(whole[:cut])
        stream = opened(session)
        store_all(stream)
        assert sorted(short([event for _, event in stream.events])) == expected
        stream.close()


def test_notes_of_another_version_are_left_alone(session: WrittenSession) -> None:
    (session.folder / "uploads").write_bytes(b"something\n")
    with pytest.raises(OtherLedger):
        StoredStream(session.folder, 0.0)
    assert (session.folder / "uploads").read_bytes() == b"something\n"


def test_a_file_that_is_gone_becomes_a_gap(session: WrittenSession) -> None:
    session.plan()
    session.segment()
    session.segment()
    stream = opened(session)
    for _ in range(4):
        piece = stream.next_piece(0.0)
        assert piece is not None
        if piece.name == "source-0.m4s":
            stream.gone(piece, 0.0)
        else:
            stream.kept(piece, "", 0.0)
    assert short(tell_all(stream))[3:] == ["source 0 gap", "source 1"]


def test_without_its_initialization_section_a_segment_is_a_gap(session: WrittenSession) -> None:
    session.plan()
    session.segment()
    session.segment("audio")
    session.end()
    stream = opened(session)
    piece = stream.next_piece(0.0)
    assert piece is not None
    stream.gone(piece, 0.0)
    assert store_all(stream) == ["audio-init-0.mp4", "audio-0.m4s"]
    assert stream.is_drained
    assert "source 0 gap" in short(tell_all(stream))


def test_a_segment_without_an_end_ends_where_the_journal_does(session: WrittenSession) -> None:
    session.plan()
    session.segment()
    name = session.open_segment()
    session.end()
    stream = opened(session)
    assert name in store_all(stream)
    last = tell_all(stream)[-1]
    assert isinstance(last, SegmentStored)
    assert (last.msn, last.duration_s, last.size, last.still_bytes) == (1, 0.5, 4, 3)
    assert last.sha256 == session.sums[name]


def test_a_thumbnail_a_minute_and_the_last_one(session: WrittenSession) -> None:
    session.plan()
    for number in range(1, 15):
        session.thumbnail(number, number * 10.0)
    session.end()
    stream = opened(session)
    assert store_all(stream)[2:] == ["thumbnail-1.jpg", "thumbnail-7.jpg", "thumbnail-13.jpg", "thumbnail-14.jpg"]
    assert all(event.number == 0 for event in tell_all(stream) if isinstance(event, FileStored))


def test_a_sheet_is_stored_when_it_is_full_and_a_list_after_it(session: WrittenSession) -> None:
    session.plan()
    for tiles in (1, 2, 3):
        session.tile(0, tiles, tiles * 10.0)
    stream = opened(session)
    assert "storyboard-0-3.jpg" not in store_all(stream)
    session.tile(1, 1, 40.0)
    session.end()
    stream.read(0.0)
    assert store_all(stream) == ["storyboard-0-3.jpg", "storyboard-1-1.jpg", "storyboard-v0.vtt", "storyboard-v1.vtt"]
    files = [event for event in tell_all(stream) if isinstance(event, FileStored)]
    assert [(event.kind, event.number) for event in files] == [
        ("sheet", 0),
        ("sheet", 1),
        ("storyboard", 0),
        ("storyboard", 0),
    ]


def test_an_interruption_is_told_as_a_cue_once_the_publisher_is_back(session: WrittenSession) -> None:
    session.plan()
    session.segment()
    session.add(Interrupted(1.5), Interrupted(1.75))  # again: by the process that found it interrupted
    stream = opened(session)
    store_all(stream)
    assert not [event for event in tell_all(stream) if isinstance(event, CueStored)]
    session.add(Resumed(9.0))
    stream.read(0.0)
    (cue,) = [event for event in tell_all(stream) if isinstance(event, CueStored)]
    assert (cue.class_name, cue.start_s, cue.duration_s) == (INTERRUPTION, 1.5, 7.5)
    assert cue.program_ms == round((CLOCK_S + 1.5) * 1000)


def test_the_index_lists_what_was_told(session: WrittenSession) -> None:
    session.plan()
    session.segment()
    session.gap()
    session.tile(0, 1, 0.0)
    session.captions(0)
    session.cue("cue1")
    session.end()
    stream = opened(session)
    store_all(stream)
    assert events_of(session.folder, Ended("x", 0)) == tell_all(stream)


def test_the_end_says_how_much_there_is(session: WrittenSession) -> None:
    session.plan()
    session.segment()
    session.gap()
    session.segment("audio")
    session.end("the publisher ended")
    stream = opened(session)
    store_all(stream)
    tell_all(stream)
    stream.finish("index-5.json", 0.0)
    (stored,) = tell_all(stream)
    assert isinstance(stored, StreamStored)
    assert stored.segments == {"source": 2, "audio": 1}
    assert (stored.duration_s, stored.reason, stored.index_name) == (4.0, "the publisher ended", "index-5.json")
    assert stream.is_told
    stream.close()
    assert opened(session).is_told


def test_a_session_that_never_began_is_told_and_over(session: WrittenSession) -> None:
    session.end()
    stream = opened(session)
    assert stream.is_drained
    assert short(tell_all(stream)) == ["started"]


def test_notes_wait_for_a_disk_that_takes_them(session: WrittenSession, monkeypatch: pytest.MonkeyPatch) -> None:
    session.plan()
    stream = opened(session)
    piece = stream.next_piece(0.0)
    assert piece is not None
    with monkeypatch.context() as patch:
        patch.setattr("media.storage.ledger.os.pwrite", lambda _file, _data, _offset: 3)
        stream.kept(piece, "", 0.0)
        assert short([event for _, event in stream.events]) == ["started"]
    stream.read(0.0)
    assert short([event for _, event in stream.events]) == ["started", "source init 0"]
