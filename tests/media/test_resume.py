"""Claims of media.resume: a stream goes on from its journal, wherever its process was killed."""

import itertools
from collections.abc import Callable, Iterable
from http import HTTPStatus
from pathlib import Path

import pytest

from media.hls.window import LIVE_WINDOW_S
from media.journal.reader import Contents, read_journal
from media.packets import Cue, CueKind, Discontinuity, MediaEvent
from media.resume import KEPT_WINDOWS, NothingToResume, Past
from schemas.journal import (
    Begun,
    Ended,
    GapMade,
    InitMade,
    PartAdded,
    Planned,
    Record,
    SegmentBegun,
    SegmentClosed,
    SegmentLost,
)
from tests.media.listing import Listing, read
from tests.media.material import (
    AUDIO_CONFIG,
    SESSION,
    VIDEO_CONFIG,
    audio_packets,
    begin,
    feed,
    interleaved,
    make_stream,
    play,
    spools,
    usual,
    video_packets,
)
from tests.media.test_live_renditions import RUNG_CONFIG, SAID, SLATE_CONFIG, Stage, assert_in_step, listings, slate

LAG_S = 1.3
"""Of the rungs behind the source: parts, and now and then a segment."""


def media(length_s: float, start_s: float = 0.0) -> list[MediaEvent]:
    """Both tracks, with B-frames."""
    return [
        VIDEO_CONFIG,
        AUDIO_CONFIG,
        *interleaved(video_packets(length_s, start_s=start_s, delay=6000), audio_packets(length_s, start_s=start_s)),
    ]


def eventful(directory: Path) -> Stage:
    """19 s with a ladder, a break at 13.5 s, and a rung that is lost for a while before."""
    stage = Stage(directory, lag_s=LAG_S, journal=begin)
    stage.live.describe(SAID)
    stage.feed([VIDEO_CONFIG, AUDIO_CONFIG])
    stage.configure_rungs()
    stage.feed(media(5))
    stage.alive.remove("360p")
    stage.live.lose("360p", for_ever=False)
    stage.feed(media(5, 5.0))
    stage.alive.add("360p")
    stage.feed(media(3, 10.0))
    stage.feed([Discontinuity("time stamps jumped"), *media(5.3, 13.5)])
    return stage


def journal_of(directory: Path) -> Contents:
    return read_journal(directory / "spool" / SESSION / "journal")


def reader(directory: Path) -> Callable[[str], bytes]:
    return lambda file: (directory / "spool" / SESSION / file).read_bytes()


def past_of(directory: Path, records: Iterable[Record] | None = None) -> Past:
    return Past(list(journal_of(directory).records if records is None else records), reader(directory))


def resumed(directory: Path, past: Past) -> Stage:
    """Return a stage whose stream goes on and reads what is there; it writes nothing."""
    spools.pop().close()
    stage = Stage(directory, lag_s=LAG_S)
    stage.live.resume(past)
    if past.source is not None:
        stage.sources.append(past.source)
    return stage


def breaks(stage: Stage) -> dict[str, int]:
    """Since the stream began, in each rendition."""
    return {
        name: window.discontinuity_sequence + sum(segment.is_discontinuous for segment in window.segments)
        for name, window in stage.live.windows.items()
    }


def come_back(stage: Stage, past: Past, away_s: float = 5.7, length_s: float = 5.0) -> None:
    """Let the publisher and its ladder be there again after gaps."""
    back_s = past.end_s + away_s
    stage.live.leave_gap(back_s)
    stage.configure_rungs()
    stage.feed([Discontinuity("back"), *media(length_s, back_s)])


# --- as it was ----------------------------------------------------------------------------------------------


async def test_windows_are_rebuilt_as_they_were(tmp_path: Path) -> None:
    before = eventful(tmp_path).live.windows
    past = past_of(tmp_path)
    assert list(past.windows) == list(before) == ["video", "audio", "720p", "360p"]
    for name, window in past.windows.items():
        old = before[name]
        assert window.next_part == old.next_part
        assert window.discontinuity_sequence == old.discontinuity_sequence
        assert window.server_control == old.server_control
        assert (window.part_target_s, window.frame_rate) == (old.part_target_s, old.frame_rate)
        assert window.inits == old.inits
        assert window.peak_bps == old.peak_bps
        for mine, its in zip(window.segments, old.segments, strict=True):
            assert (mine.msn, mine.start_s, mine.duration_s, mine.size) == (
                its.msn,
                its.start_s,
                its.duration_s,
                its.size,
            )
            assert (mine.map_number, mine.is_discontinuous, mine.is_gap) == (
                its.map_number,
                its.is_discontinuous,
                its.is_gap,
            )
            assert window.program_time_ms(mine) == old.program_time_ms(its)
            listed = [[(p.offset, p.size, p.duration_s, p.is_independent) for p in each.parts] for each in (mine, its)]
            assert listed[0] == listed[1]
    assert [rung.name for rung in past.rungs] == ["720p", "360p"]


async def test_everything_that_was_announced_has_the_same_bytes(tmp_path: Path) -> None:
    stage = eventful(tmp_path)
    files = {}
    for name, listing in (await listings(stage)).items():
        uris = [part.uri for part in listing.parts] + [entry.uri for entry in listing.segments if not entry.is_gap]
        uris += [entry.map_uri for entry in listing.entries]
        for uri in filter(None, uris):
            files[uri] = (await stage.live.get(uri, {})).body
        assert name in {uri.split("-")[0] for uri in files}
    live = resumed(tmp_path, past_of(tmp_path)).live
    for uri, data in files.items():
        answer = await live.get(uri, {})
        assert (answer.status, answer.body) == (HTTPStatus.OK, data), uri


async def test_what_a_playlist_said_before_it_says_after(tmp_path: Path) -> None:
    stage = eventful(tmp_path)
    before = await listings(stage)
    for name, after in (await listings(resumed(tmp_path, past_of(tmp_path)))).items():
        old = before[name]
        assert after.header == old.header
        for was, now in zip(old.segments, after.segments, strict=False):
            assert (was.uri, was.duration_s, was.time, was.is_gap, was.map_uri) == (
                now.uri, now.duration_s, now.time, now.is_gap, now.map_uri,
            )  # fmt: skip
        assert old.open is not None
        closed = after.segments[len(old.segments)]
        assert closed.msn == old.open.msn
        assert closed.parts[: len(old.open.parts)] == old.open.parts
        assert closed.duration_s == pytest.approx(sum(part.duration_s for part in old.open.parts), abs=1e-4)


# --- killed anywhere ----------------------------------------------------------------------------------------


async def test_wherever_it_is_cut_all_renditions_end_together_and_settling_twice_is_settling_once(
    tmp_path: Path,
) -> None:
    eventful(tmp_path)
    records = journal_of(tmp_path).records
    nothing = 0
    for cut in range(len(records) + 1):
        try:
            past = past_of(tmp_path, records[:cut])
        except NothingToResume:
            nothing += 1
            continue
        made = past.settle()
        assert {window.next_part for window in past.windows.values()} == {(past.standings()["video"].msn, 0)}
        marks = [
            window.discontinuity_sequence + sum(segment.is_discontinuous for segment in window.segments)
            for window in past.windows.values()
        ]
        assert len(set(marks)) == 1
        assert past.settle() == []
        for second in range(len(made) + 1):
            again = past_of(tmp_path, [*records[:cut], *made[:second]])
            assert [*made[:second], *again.settle()] == made
    assert nothing < 40, "all but the beginning can go on"


async def test_wherever_it_is_cut_the_playlists_keep_their_rules_and_break_once(tmp_path: Path) -> None:
    eventful(tmp_path)
    records = journal_of(tmp_path).records
    for cut in [*range(60, len(records), 23), len(records)]:
        past = past_of(tmp_path, records[:cut])
        stage = resumed(tmp_path, past)
        before = breaks(stage)
        come_back(stage, past)
        stage.live.end()
        found = await listings(stage)
        assert_in_step(found)
        assert breaks(stage) == {name: count + 1 for name, count in before.items()}
        for listing in found.values():
            assert_rules(listing)
            assert len(listing.segments) == len(found["video"].segments)
            assert not any(segment.is_gap for segment in listing.segments[-3:-1]), "the ladder is back"


def assert_rules(listing: Listing) -> None:
    """What the LL-HLS checklist asks of a playlist (items 1, 3, 14, 39 and 40)."""
    assert [segment.msn for segment in listing.segments] == list(
        range(listing.media_sequence, listing.media_sequence + len(listing.segments))
    )
    for segment in listing.segments:
        assert int(segment.duration_s + 0.5) <= listing.target_duration_s
        assert not (segment.is_gap and segment.parts)
        assert all(part.duration_s <= listing.part_target_s + 1e-6 for part in segment.parts)
    for earlier, later in itertools.pairwise(listing.segments):
        assert earlier.time is not None
        assert later.time is not None
        assert later.time - earlier.time >= earlier.duration_s - 0.1
        assert later.time - earlier.time < 4.5


async def test_sound_that_is_ahead_of_the_pictures_keeps_its_segment(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    sound = [packet for packet in audio_packets(8) if packet.dts / 48_000 < 6.6]
    feed(stream, [VIDEO_CONFIG, AUDIO_CONFIG, *interleaved(video_packets(6.05), sound)])
    records = journal_of(tmp_path).records
    newest = [record for record in records if isinstance(record, PartAdded)][-1]
    assert (newest.rendition, newest.msn) == ("audio", 3)
    past = past_of(tmp_path, [each for each in records if not (each_is(each, "video", 3))])
    made = past.settle()
    assert [type(each) for each in made] == [SegmentClosed, GapMade]
    gap = made[-1]
    assert isinstance(gap, GapMade)
    assert (gap.rendition, gap.msn) == ("video", 3)
    assert gap.duration_s == past.windows["audio"].segments[-1].duration_s


def each_is(record: Record, rendition: str, msn: int) -> bool:
    """Whether the record is of this segment."""
    return (
        isinstance(record, SegmentBegun | PartAdded | SegmentClosed)
        and record.rendition == rendition
        and record.msn == msn
    )


async def test_a_segment_begun_without_a_part_was_never_seen_and_its_number_is_used(tmp_path: Path) -> None:
    feed(make_stream(tmp_path), usual(6.5))
    records = journal_of(tmp_path).records
    at, begun = next((n, each) for n, each in enumerate(records) if isinstance(each, SegmentBegun) and each.msn == 2)
    past = past_of(tmp_path, records[: at + 1])
    past.settle()
    assert {standing.msn for standing in past.standings().values()} == {2}
    again = past_of(tmp_path, [*records[: at + 1], *records[at : at + 2]])
    assert again.windows[begun.rendition].next_part == (2, 1)


# --- twice, with real journals ------------------------------------------------------------------------------


async def test_a_process_that_is_killed_again_finds_what_the_one_before_settled(tmp_path: Path) -> None:
    eventful(tmp_path)
    spools.pop().close()
    for number in range(3):
        contents = journal_of(tmp_path)
        past = past_of(tmp_path, contents.records)
        stage = Stage(tmp_path, lag_s=LAG_S, journal=lambda spool: spool.resume(SESSION, contents))  # noqa: B023
        stage.live.resume(past)
        assert past_of(tmp_path).settle() == []
        stage.live.leave_gap(past.end_s + 4.5)
        spools.pop().close()
        with (tmp_path / "spool" / SESSION / "journal").open("ab") as file:
            file.write(b"0123abcd {"[:number])
    past = past_of(tmp_path)
    past.settle()
    gaps = {name: [each.msn for each in window.segments if each.is_gap] for name, window in past.windows.items()}
    assert len(gaps["video"]) == 6
    assert all(set(gaps["video"]) <= set(others) for others in gaps.values())


async def test_what_no_line_speaks_of_is_written_over(tmp_path: Path) -> None:
    eventful(tmp_path)
    spools.pop().close()
    folder = tmp_path / "spool" / SESSION
    past = past_of(tmp_path)
    last = past.lead.segments[-1]
    grown = folder / past.lead.uri(last.msn)
    with grown.open("ab") as file:
        file.write(b"half of a part")
    (folder / past.lead.uri(last.msn + 1)).write_bytes(b"x" * 100_000)
    contents = journal_of(tmp_path)
    stage = Stage(tmp_path, lag_s=LAG_S, journal=lambda spool: spool.resume(SESSION, contents))
    stage.live.resume(past)
    stage.sources.append(past.source)  # type: ignore[arg-type] # it has pictures
    come_back(stage, past, away_s=0.5)
    stage.live.end()
    assert grown.stat().st_size == last.size
    follower = past.lead.find(last.msn + 1)
    assert follower is not None
    assert (folder / past.lead.uri(follower.msn)).stat().st_size == follower.size < 100_000


# --- slates, cues, captions ---------------------------------------------------------------------------------


async def test_after_a_kill_during_a_slate_the_rungs_have_their_own_configurations_again(tmp_path: Path) -> None:
    stage = Stage(tmp_path, lag_s=LAG_S, journal=begin)
    stage.live.describe(SAID)
    stage.feed([VIDEO_CONFIG, AUDIO_CONFIG])
    stage.configure_rungs()
    stage.feed(media(6))
    stage.live.note_interruption(6.0)
    stage.live.splice(dict.fromkeys(("video", "720p", "360p"), SLATE_CONFIG), "the publisher is away")
    slate(stage, 6.0, 7.0)
    past = past_of(tmp_path)
    assert past.is_interrupted
    again = resumed(tmp_path, past)
    before = breaks(again)
    come_back(again, past)
    again.live.end()
    assert {name: window.config for name, window in again.live.windows.items()} == {
        "video": VIDEO_CONFIG, "audio": AUDIO_CONFIG, "720p": RUNG_CONFIG, "360p": RUNG_CONFIG,
    }  # fmt: skip
    assert breaks(again) == {name: count + 1 for name, count in before.items()}
    found = await listings(again)
    assert_in_step(found)
    first = next(entry for entry in found["720p"].entries if entry.map_uri == "720p-init-3.mp4")
    assert first.is_discontinuous


async def test_cues_are_listed_as_before_and_their_numbers_go_on(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    feed(stream, usual(6))
    for number in range(3):
        stream.add_cue(Cue(f"note-{number + 1}", CueKind.DATA, 4.0 + number, 1.0, "com.example", {"TITLE": "a"}))
    feed(stream, interleaved(video_packets(2, start_s=6), audio_packets(2, start_s=6)))
    before = read((await stream.get("video.m3u8", {})).body).dates
    past = past_of(tmp_path)
    assert (past.events, past.notes) == (3, 3)
    live = resumed(tmp_path, past).live
    assert read((await live.get("video.m3u8", {})).body).dates == before
    live.add_cue(Cue("fourth", CueKind.DATA, 8.0, None, "com.example", {}))
    assert len(read((await live.get("video.m3u8", {})).body).dates) == 4
    feed(live, [Discontinuity("back"), *media(2.5, 9.0)])
    part = (await live.get(f"video-{live.windows['video'].segments[-2].msn}.m4s", {})).body
    assert part[4:8] == b"emsg"
    assert int.from_bytes(part[28:32], "big") == 4


async def test_captions_keep_their_text_and_their_language(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    await play(stream, usual(4))
    stream.add_cue(Cue("c1", CueKind.CAPTION, 4.1, 1.0, "", {"text": "Hello", "language": "en"}))
    await play(stream, interleaved(video_packets(5, start_s=4), audio_packets(5, start_s=4)))
    spoken = [n for n in range(4) if b"Hello" in (await stream.get(f"captions-{n}.vtt", {})).body]
    assert spoken
    texts = {n: (await stream.get(f"captions-{n}.vtt", {})).body for n in range(4)}
    live = resumed(tmp_path, past_of(tmp_path)).live
    assert {n: (await live.get(f"captions-{n}.vtt", {})).body for n in range(4)} == texts
    assert b'LANGUAGE="en"' in live.multivariant().body
    listed = read((await live.get("captions.m3u8", {})).body)
    assert listed.segments[-1].msn == live.windows["video"].last_closed_msn


# --- what is not resumed ------------------------------------------------------------------------------------


async def test_what_has_shown_nothing_or_is_over_is_not_resumed(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    feed(stream, usual(6))
    stream.end("said goodbye")
    records = journal_of(tmp_path).records
    first = next(n for n, each in enumerate(records) if isinstance(each, PartAdded) and each.rendition == "audio")
    for kept, why in (
        (records, "ended"),
        (records[:1], "nothing of it was published"),
        (records[: first - 1], "could be played"),
        (records[1:], "no beginning"),
        ([], "no beginning"),
    ):
        with pytest.raises(NothingToResume, match=why):
            past_of(tmp_path, kept)


@pytest.mark.parametrize("kind", [SegmentBegun, InitMade, Planned])
async def test_a_journal_that_contradicts_itself_is_not_resumed(tmp_path: Path, kind: type[Record]) -> None:
    feed(make_stream(tmp_path), usual(8))
    records = [each for each in journal_of(tmp_path).records if not isinstance(each, Ended)]
    odd = [n for n, each in enumerate(records) if isinstance(each, kind)]
    if kind is InitMade:
        stranger = InitMade("1080p", 1, "video", "avc1", b"", "avc1", 1)
        records.insert(odd[0], stranger)
    else:
        del records[odd[-1]]
    with pytest.raises(NothingToResume):
        past_of(tmp_path, [*records, PartAdded("video", 99, 0, 0, 1, 0.3)])


# --- long ones ----------------------------------------------------------------------------------------------


def hours(count: int) -> list[Record]:
    """A stream of sound that broke every hour, in segments of two seconds with one part."""
    records: list[Record] = []
    for msn in range(count * 1800):
        is_broken = bool(msn) and msn % 1800 == 0
        records += [
            SegmentBegun("audio", msn, 1, msn * 2.0, 1000.0, is_broken),
            PartAdded("audio", msn, 0, 0, 100, 2.0, is_independent=True),
            SegmentClosed("audio", msn, 2.0, 100),
        ]
    return records


async def test_of_a_long_stream_only_what_can_be_fetched_is_rebuilt(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    feed(stream, [AUDIO_CONFIG, *audio_packets(3)])
    head: list[Record] = [each for each in journal_of(tmp_path).records if isinstance(each, Begun | Planned | InitMade)]
    past = past_of(tmp_path, [*head, *hours(10)])
    window = past.windows["audio"]
    kept = len(window.segments) + len(window.retired)
    assert LIVE_WINDOW_S / 2 < kept <= KEPT_WINDOWS * LIVE_WINDOW_S / 2 + 1
    assert window.discontinuity_sequence == 9
    assert past.standings()["audio"].msn == 18_000
    assert past.standings()["audio"].fragments == 18_000


async def test_a_segment_that_the_disk_did_not_take_is_a_gap(tmp_path: Path) -> None:
    feed(make_stream(tmp_path), usual(9))
    records = journal_of(tmp_path).records
    begun = next(each for each in records if isinstance(each, SegmentBegun) and each_is(each, "video", 2))
    lost = SegmentLost("video", 2, 1, begun.start_s, begun.clock_offset_s, 2.0)
    for parts in (0, 3):
        kept = [each for each in records if not each_is(each, "video", 2)]
        at = next(n for n, each in enumerate(kept) if each_is(each, "video", 3))
        kept[at:at] = [*[each for each in records if each_is(each, "video", 2)][: parts + bool(parts)], lost]
        past = past_of(tmp_path, kept)
        assert [(each.msn, each.is_gap, each.size > 0) for each in past.lead.segments][1:4] == [
            (1, False, True), (2, True, False), (3, False, True),
        ]  # fmt: skip
