"""The Low-Latency HLS checklist, item by item, on what a stream serves.

Sources are RFC 8216bis (draft 22) and Apple's authoring specification. Items without a test here do not apply to
passthrough or are not the origin's: 43 is `media.codecs`' (its result is looked at here), 46 and 47 cache keys and
joined requests are the delivery's, 49 transport and compression are the delivery's and the edge's, 50 the part target
against the round trip is a setting, 52 LL-DASH is not served.
"""

import asyncio
import itertools
from collections.abc import Callable, Iterable
from http import HTTPStatus
from pathlib import Path

import msgspec
import pytest

from media.hls.window import LIVE_WINDOW_S
from media.live import LiveStream
from media.packets import VIDEO_TIMESCALE, Discontinuity, MediaEvent, Packet, TrackKind
from tests.media.listing import Listing, attributes, read
from tests.media.material import (
    AUDIO_CONFIG,
    VIDEO_CONFIG,
    WALL_CLOCK,
    aac,
    as_unpacked,
    audio_packets,
    feed,
    h264,
    interleaved,
    make_stream,
    play,
    seconds,
    unpack,
    usual,
    video_packet,
    video_packets,
)

LENGTH_S = 80
FRAME_S = 1 / 30


class Seen(msgspec.Struct):
    """What one player saw that asked for a playlist at every change: (media time, listing)."""

    playlists: dict[str, list[tuple[float, Listing]]]
    deltas: dict[str, list[Listing]]

    @property
    def listings(self) -> list[Listing]:
        return [listing for history in self.playlists.values() for _, listing in history]


# --- sources ------------------------------------------------------------------------------------------------


def in_milliseconds(events: list[MediaEvent]) -> list[MediaEvent]:
    """Round video stamps down to milliseconds, as RTMP carries them."""
    for event in events:
        if isinstance(event, Packet) and event.kind is TrackKind.VIDEO:
            event.dts = event.dts // 90 * 90
            event.pts = event.pts // 90 * 90
    return events


def irregular() -> list[MediaEvent]:
    """Frames that come up to 12 ms early or late, in a pattern that does not repeat with the GOP."""
    frames = video_packets(LENGTH_S, delay=6000)
    for number, frame in enumerate(frames):
        shift = (number * 7919 % 25 - 12) * 90 if number else 0
        frame.dts += shift
        frame.pts += shift
    return [VIDEO_CONFIG, AUDIO_CONFIG, *interleaved(frames, audio_packets(LENGTH_S))]


def broken() -> list[MediaEvent]:
    """A jump at 21 s, and a new picture size at 41 s."""
    taller = msgspec.structs.replace(VIDEO_CONFIG, height=1080, record=VIDEO_CONFIG.record + b"\0")
    return [
        VIDEO_CONFIG,
        AUDIO_CONFIG,
        *interleaved(video_packets(21), audio_packets(21)),
        Discontinuity("time stamps jumped"),
        *interleaved(video_packets(20, start_s=22), audio_packets(20, start_s=21.5)),
        taller,
        *interleaved(video_packets(LENGTH_S - 42, start_s=42), audio_packets(LENGTH_S - 42, start_s=41.6)),
    ]


def changing_gop() -> list[MediaEvent]:
    """The first GOP has 2 s, later ones 5 s: keyframes come too late for what was promised."""
    frames = video_packets(LENGTH_S, gop=150)
    frames[60].is_keyframe = True
    return [VIDEO_CONFIG, AUDIO_CONFIG, *interleaved(frames, audio_packets(LENGTH_S))]


def silent_for_a_while() -> list[MediaEvent]:
    """No audio between 20 and 33 s."""
    audio = [packet for packet in audio_packets(LENGTH_S) if not 20 < seconds(packet) < 33]
    return [VIDEO_CONFIG, AUDIO_CONFIG, *interleaved(video_packets(LENGTH_S), audio)]


def blind_for_a_while() -> list[MediaEvent]:
    """No video between 20 and 33 s."""
    video = [packet for packet in video_packets(LENGTH_S) if not 20 < seconds(packet) < 33]
    return [VIDEO_CONFIG, AUDIO_CONFIG, *interleaved(video, audio_packets(LENGTH_S))]


SOURCES: dict[str, Callable[[], list[MediaEvent]]] = {
    "regular": lambda: usual(LENGTH_S),
    "milliseconds": lambda: in_milliseconds(usual(LENGTH_S)),
    "irregular": irregular,
    "ntsc-60": lambda: in_milliseconds(usual(LENGTH_S, fps=60_000 / 1001, gop=60)),
    "pal-gop-1.5s": lambda: usual(LENGTH_S, fps=25, gop=38),
    "long-gop": lambda: usual(LENGTH_S, gop=250),
    "changing-gop": changing_gop,
    "broken": broken,
    "silent-for-a-while": silent_for_a_while,
    "blind-for-a-while": blind_for_a_while,
    "audio-only": lambda: [AUDIO_CONFIG, *audio_packets(LENGTH_S)],
    "video-only": lambda: [VIDEO_CONFIG, *video_packets(LENGTH_S, delay=3000)],
}
STEADY = ("regular", "milliseconds", "ntsc-60", "pal-gop-1.5s", "audio-only", "video-only")
"""Sources without holes, breaks or keyframes that come too late."""


async def watch(directory: Path, events: Iterable[MediaEvent]) -> Seen:
    """Feed a stream and look at its playlists after every event."""
    stream = make_stream(directory)
    seen = Seen({}, {})
    texts: dict[str, str] = {}
    now = 0.0
    for event in events:
        if isinstance(event, Packet):
            now = seconds(event)
        stream.feed(event, WALL_CLOCK + now)
        for name in ("video", "audio"):
            answer = await stream.get(f"{name}.m3u8", {})
            if answer.status is HTTPStatus.OK and texts.get(name) != answer.body.decode():
                texts[name] = answer.body.decode()
                seen.playlists.setdefault(name, []).append((now, read(answer.body)))
                delta = await stream.get(f"{name}.m3u8", {"_HLS_skip": "YES"})
                seen.deltas.setdefault(name, []).append(read(delta.body))
    stream.close()
    return seen


@pytest.fixture(scope="module", params=SOURCES)
def source(request: pytest.FixtureRequest) -> str:
    return str(request.param)


_watched: dict[str, Seen] = {}


@pytest.fixture
def seen(source: str, tmp_path: Path) -> Seen:
    if source not in _watched:
        _watched[source] = asyncio.run(watch(tmp_path, SOURCES[source]()))
    return _watched[source]


def pairs(seen: Seen) -> Iterable[tuple[Listing, Listing]]:
    """Return each playlist with the one that replaced it."""
    for history in seen.playlists.values():
        yield from itertools.pairwise(listing for _, listing in history)


async def listing(stream: LiveStream, name: str = "video", **directives: str) -> Listing:
    """Fetch and read a playlist."""
    answer = await stream.get(f"{name}.m3u8", directives)
    assert answer.status is HTTPStatus.OK
    return read(answer.body)


async def status(stream: LiveStream, file: str, **directives: str) -> HTTPStatus:
    """Fetch something that must be answered at once: whoever waits in vain is told so after 6 s."""
    async with asyncio.timeout(4):
        return (await stream.get(file, directives)).status


async def settle() -> None:
    """Let everything that is ready run."""
    for _ in range(5):
        await asyncio.sleep(0)


# --- the media playlist over its life -----------------------------------------------------------------------


def test_item_01_segments_are_not_longer_than_the_target_duration(seen: Seen) -> None:
    for playlist in seen.listings:
        for segment in playlist.segments:
            assert int(segment.duration_s + 0.5) <= playlist.target_duration_s


def test_item_02_target_duration_never_changes_and_is_equal_in_all_renditions(seen: Seen, source: str) -> None:
    assert len({playlist.target_duration_s for playlist in seen.listings}) == 1
    expected = {"pal-gop-1.5s": 3, "long-gop": 9}
    assert seen.listings[0].target_duration_s == expected.get(source, 2)


def test_item_03_media_sequence_counts_removed_segments(seen: Seen) -> None:
    for before, after in pairs(seen):
        removed = [segment for segment in before.segments if segment.msn < after.media_sequence]
        assert after.media_sequence - before.media_sequence == len(removed)
        msns = [entry.msn for entry in after.entries]
        assert msns == list(range(after.media_sequence, after.media_sequence + len(msns)))
        assert all(segment.uri == f"{_name(after)}-{segment.msn}.m4s" for segment in after.segments)


def _name(playlist: Listing) -> str:
    return playlist.hints[0]["URI"].split("-")[0]


def test_item_04_playlists_only_grow_lose_old_segments_and_lose_old_parts(seen: Seen) -> None:
    for before, after in pairs(seen):
        later = {entry.msn: entry for entry in after.entries}
        for entry in before.entries:
            if entry.msn < after.media_sequence:
                continue
            now = later[entry.msn]
            assert (entry.time, entry.is_discontinuous) == (now.time, now.is_discontinuous)
            if entry.uri is not None:
                assert (entry.uri, entry.duration_s, entry.is_gap) == (now.uri, now.duration_s, now.is_gap)
                assert now.parts in (entry.parts, [])
            else:
                assert now.parts[: len(entry.parts)] == entry.parts


def test_item_05_a_segment_and_its_last_part_appear_together(seen: Seen) -> None:
    for playlist in seen.listings:
        for segment in playlist.segments:
            if segment.parts and all(part.duration_s < playlist.part_target_s for part in segment.parts):
                assert sum(part.duration_s for part in segment.parts) == pytest.approx(segment.duration_s, abs=1e-4)


@pytest.mark.parametrize("source", STEADY, indirect=False)
def test_item_06_a_new_segment_comes_within_one_and_a_half_target_durations(seen: Seen) -> None:
    for history in seen.playlists.values():
        times = {segment.msn: now for now, playlist in reversed(history) for segment in playlist.segments}
        gaps = [after - before for before, after in itertools.pairwise(sorted(times.values()))]
        assert max(gaps[1:]) <= 1.5 * history[0][1].target_duration_s


@pytest.mark.parametrize("source", STEADY, indirect=False)
def test_item_07_a_new_part_comes_within_the_part_target(seen: Seen, source: str) -> None:
    for history in seen.playlists.values():
        times = {part.uri: now for now, playlist in reversed(history) for part in playlist.parts}
        gaps = [after - before for before, after in itertools.pairwise(sorted(times.values()))]
        # Where a keyframe may come at any moment, audio waits for the next frame to know on which side it is.
        # Silence beside video alone is made with its frames.
        slack_s = FRAME_S if source in {"pal-gop-1.5s", "video-only"} else 0
        assert max(gaps) <= history[0][1].part_target_s + slack_s + 1e-6


def test_item_08_a_full_window_is_never_shorter_than_three_target_durations(seen: Seen) -> None:
    for history in seen.playlists.values():
        lengths = [sum(segment.duration_s for segment in playlist.segments) for _, playlist in history]
        longest = list(itertools.accumulate(lengths, max))
        assert all(now >= min(most, LIVE_WINDOW_S) - 1e-3 for now, most in zip(lengths, longest, strict=True))
        assert max(lengths) <= max(LIVE_WINDOW_S, 8 * 9) + 10


def test_item_09_live_playlists_have_no_type(seen: Seen) -> None:
    assert all("PLAYLIST-TYPE" not in playlist.header for playlist in seen.listings)


async def test_item_10_removed_segments_stay_for_their_duration_and_that_of_the_playlist(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    events = usual(140)
    await play(stream, events[: len(events) // 2])  # 70 s: the first segments have left the playlist of 60 s
    assert (await listing(stream)).media_sequence == 4
    assert await status(stream, "video-3.m4s") is HTTPStatus.OK
    await play(stream, events[len(events) // 2 :])
    first = (await listing(stream)).media_sequence
    available = [msn for msn in range(first) if await status(stream, f"video-{msn}.m4s") is HTTPStatus.OK]
    # Those that were removed in the last 62 s, to the second: one segment's duration and that of the playlist.
    assert available == list(range(first - 32, first))
    stream.close()


async def test_item_11_removed_parts_stay_for_three_target_durations(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    removed_at: dict[str, float] = {}
    listed: set[str] = set()
    for event in usual(30):
        await play(stream, [event])
        if not (isinstance(event, Packet) and stream.is_playable):
            continue
        now = {part.uri for part in (await listing(stream)).parts}
        removed_at |= dict.fromkeys(listed - now, seconds(event))
        listed = now
        for uri, since in removed_at.items():
            if seconds(event) - since <= 3 * 2:
                assert await status(stream, uri) is HTTPStatus.OK
    assert len(removed_at) > 40
    stream.close()


def test_item_12_parts_older_than_three_target_durations_are_not_listed(seen: Seen) -> None:
    for playlist in seen.listings:
        distance_s = playlist.duration_s
        for entry in playlist.entries:
            if entry.parts:
                assert distance_s <= 3 * playlist.target_duration_s
            distance_s -= entry.duration_s
        # Recent ones are: a player starts three parts before the end.
        assert playlist.entries[-1].parts or playlist.entries[-1].is_gap


def test_item_13_part_inf_is_there_if_a_part_is(seen: Seen) -> None:
    for playlist in seen.listings:
        assert not playlist.parts or "PART-INF" in playlist.header
    for history in seen.playlists.values():
        assert len({playlist.part_target_s for _, playlist in history}) == 1


# --- parts --------------------------------------------------------------------------------------------------


def test_item_14_parts_are_not_longer_than_the_part_target(seen: Seen) -> None:
    for playlist in seen.listings:
        assert all(0 < part.duration_s <= playlist.part_target_s for part in playlist.parts)


@pytest.mark.parametrize("source", [*STEADY, "irregular"], indirect=False)
def test_item_15_parts_have_85_percent_of_the_target_but_for_the_last_of_a_segment(seen: Seen) -> None:
    checked = 0
    for playlist in seen.listings:
        for segment in playlist.segments:
            for part in segment.parts[:-1]:
                checked += 1
                assert part.duration_s >= 0.85 * playlist.part_target_s
    assert checked > 1000


async def test_item_16_every_part_with_a_keyframe_is_marked_and_no_other(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    picture = h264()
    feed(stream, [picture.config, *interleaved(picture.fresh())])
    init = (await stream.get("video-init-1.mp4", {})).body
    marks = set()
    for part in (await listing(stream)).parts:
        data = init + (await stream.get(part.uri, {})).body
        has_keyframe = any(frame.is_keyframe for frame in unpack(picture.config, data))
        assert part.is_independent == has_keyframe
        marks.add(has_keyframe)
    assert marks == {True, False}
    stream.close()


async def test_item_17_parts_together_are_the_segment_and_hold_every_sample_exactly(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    tracks = {"video": h264(), "audio": aac()}
    feed(stream, [*(track.config for track in tracks.values()), *interleaved(*(t.fresh() for t in tracks.values()))])
    stream.end()
    for name, track in tracks.items():
        init = (await stream.get(f"{name}-init-1.mp4", {})).body
        whole, in_parts = init, init
        playlist = await listing(stream, name)
        for segment in playlist.segments:
            body = (await stream.get(f"{name}-{segment.msn}.m4s", {})).body
            parts = [(await stream.get(part.uri, {})).body for part in segment.parts]
            assert not parts or b"".join(parts) == body
            whole += body
            in_parts += b"".join(parts) or body
            samples = unpack(track.config, init + body)
            assert len(samples) > 10
        expected = as_unpacked(packet for packet in track.packets if packet.dts >= 0 or name == "video")
        assert unpack(track.config, whole) == expected
        assert unpack(track.config, in_parts) == expected
    stream.close()


def test_item_18_tags_of_a_segment_come_before_its_first_part(seen: Seen) -> None:
    for playlist in seen.listings:
        for entry in playlist.entries:
            names = [name for name in entry.tags if name != "EXTINF"]
            last_of_segment = max(
                (index for index, name in enumerate(names) if name in {"MAP", "PROGRAM-DATE-TIME", "DISCONTINUITY"}),
                default=-1,
            )
            assert "PART" not in names[: last_of_segment + 1]


# --- server control -----------------------------------------------------------------------------------------


def test_items_19_to_22_server_control_is_right_and_the_same_everywhere(seen: Seen) -> None:
    largest_part_s = max(playlist.part_target_s for playlist in seen.listings)
    for playlist in seen.listings:
        control = playlist.server_control
        assert control["CAN-BLOCK-RELOAD"] == "YES"
        assert float(control["PART-HOLD-BACK"]) >= 3 * largest_part_s - 1e-9  # 19
        assert float(control["HOLD-BACK"]) >= 3 * playlist.target_duration_s  # 20
        assert float(control["CAN-SKIP-UNTIL"]) >= 6 * playlist.target_duration_s  # 21
        assert control == seen.listings[0].server_control  # 22


# --- blocking reload ----------------------------------------------------------------------------------------


class Blocked:
    """A stream of 5 s (segments 0 and 1 complete, segment 2 with 2 parts), whose next 5 s are still to come."""

    def __init__(self, directory: Path) -> None:
        self.stream = make_stream(directory)
        self._events = usual(12)
        self._position = 0
        self.play_until(4.999)

    def play_until(self, media_s: float) -> None:
        """Feed everything up to a media time."""
        start = self._position
        while self._position < len(self._events):
            event = self._events[self._position]
            if isinstance(event, Packet) and seconds(event) > media_s:
                break
            self._position += 1
        feed(self.stream, self._events[start : self._position])

    def ask(self, file: str = "video.m3u8", **directives: str) -> "asyncio.Task[tuple[HTTPStatus, bytes]]":
        """Send a request that may wait."""

        async def request() -> tuple[HTTPStatus, bytes]:
            answer = await self.stream.get(file, directives)
            return answer.status, answer.body

        return asyncio.create_task(request())


@pytest.fixture
async def blocked(tmp_path: Path) -> Blocked:
    return Blocked(tmp_path)


async def test_item_23_a_segment_alone_is_waited_for_until_it_is_complete(blocked: Blocked) -> None:
    request = blocked.ask(_HLS_msn="2")
    for media_s in (5.4, 5.7, 5.95):
        blocked.play_until(media_s)
        await settle()
        assert not request.done()
    blocked.play_until(6.01)
    await settle()
    assert read(request.result()[1]).segments[-1].msn == 2


async def test_item_24_a_part_is_waited_for_until_it_or_a_later_one_is_there(blocked: Blocked) -> None:
    assert (await listing(blocked.stream)).parts[-1].uri == "video-2-1.m4s"
    request = blocked.ask(_HLS_msn="2", _HLS_part="2")
    blocked.play_until(4.99)
    await settle()
    assert not request.done()
    blocked.play_until(5.01)
    await settle()
    assert read(request.result()[1]).parts[-1].uri == "video-2-2.m4s"
    assert (await listing(blocked.stream, _HLS_msn="2", _HLS_part="0")).parts[-1].uri == "video-2-2.m4s"


async def test_item_25_a_part_past_the_end_is_part_0_of_the_next_segment(blocked: Blocked) -> None:
    request = blocked.ask(_HLS_msn="2", _HLS_part="6")  # segment 2 will have parts 0 to 5
    blocked.play_until(6.01)
    await settle()
    assert not request.done()
    later = blocked.ask(_HLS_msn="2", _HLS_part="9")
    blocked.play_until(6.34)
    await settle()
    for task in (request, later):
        assert read(task.result()[1]).parts[-1].uri == "video-3-0.m4s"


async def test_item_26_a_part_without_a_segment_is_refused(blocked: Blocked) -> None:
    assert await status(blocked.stream, "video.m3u8", _HLS_part="1") is HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize("value", ["", "x", "-1", "1.5", "٣", "9" * 40])
@pytest.mark.parametrize("name", ["_HLS_msn", "_HLS_part"])
async def test_item_26_what_is_no_number_is_refused(blocked: Blocked, name: str, value: str) -> None:
    directives = {"_HLS_msn": "2", "_HLS_part": "2"} | {name: value}
    assert await status(blocked.stream, "video.m3u8", **directives) is HTTPStatus.BAD_REQUEST


async def test_item_27_a_segment_more_than_two_after_the_last_is_refused_at_once(blocked: Blocked) -> None:
    assert (await listing(blocked.stream)).segments[-1].msn == 1
    request = blocked.ask(_HLS_msn="3")
    await settle()
    assert not request.done()
    assert await status(blocked.stream, "video.m3u8", _HLS_msn="4") is HTTPStatus.BAD_REQUEST
    request.cancel()


async def test_item_28_a_part_beyond_the_advance_part_limit_is_refused(blocked: Blocked) -> None:
    # 3 / 0.334 = 8.98 parts after part 1
    request = blocked.ask(_HLS_msn="2", _HLS_part="9")
    await settle()
    assert not request.done()
    assert await status(blocked.stream, "video.m3u8", _HLS_msn="2", _HLS_part="10") is HTTPStatus.BAD_REQUEST
    assert await status(blocked.stream, "video.m3u8", _HLS_msn="3", _HLS_part="8") is HTTPStatus.BAD_REQUEST
    request.cancel()


async def test_item_29_a_request_blocked_for_three_target_durations_is_given_up(
    blocked: Blocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited = []
    timeout = asyncio.timeout

    def soon(delay: float) -> asyncio.Timeout:
        waited.append(delay)
        return timeout(0.01)

    monkeypatch.setattr("media.serving.asyncio.timeout", soon)
    answer = await blocked.stream.get("video.m3u8", {"_HLS_msn": "2"})
    assert waited == [6]
    assert answer.status is HTTPStatus.SERVICE_UNAVAILABLE
    assert answer.headers["Cache-Control"] == "no-store"


async def test_item_30_a_segment_that_is_there_is_answered_at_once_with_the_whole_playlist(blocked: Blocked) -> None:
    plain = await listing(blocked.stream)
    assert (await listing(blocked.stream, _HLS_msn="0")).text == plain.text
    assert (await listing(blocked.stream, _HLS_msn="1", _HLS_part="3")).text == plain.text


async def test_item_31_after_the_end_all_directives_are_ignored(blocked: Blocked) -> None:
    blocked.stream.end()
    plain = await listing(blocked.stream)
    for directives in ({"_HLS_msn": "999"}, {"_HLS_part": "1"}, {"_HLS_msn": "x"}, {"_HLS_skip": "YES"}):
        assert (await listing(blocked.stream, **directives)).text == plain.text


# --- delta updates ------------------------------------------------------------------------------------------


async def test_item_32_both_forms_of_skip_give_a_delta_and_others_none(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    feed(stream, usual(30))
    for value in ("YES", "v2"):
        assert (await listing(stream, _HLS_skip=value)).skipped > 0
    assert (await listing(stream, _HLS_skip="NO")).skipped == 0
    blocking = await listing(stream, _HLS_msn="14", _HLS_part="0", _HLS_skip="YES")
    assert blocking.skipped > 0
    stream.close()


def test_item_33_skip_is_exact_and_leaves_what_is_newer_than_the_boundary(seen: Seen) -> None:
    some = 0
    for name, deltas in seen.deltas.items():
        for (_, full), delta in zip(seen.playlists[name], deltas, strict=True):
            assert int(delta.header["VERSION"]) >= 9
            assert delta.skipped + len(delta.segments) == len(full.segments)
            skipped = full.segments[: delta.skipped]
            kept_s = full.duration_s - sum(segment.duration_s for segment in skipped)
            boundary_s = float(full.server_control["CAN-SKIP-UNTIL"])
            assert not skipped or kept_s >= boundary_s - 1e-3
            if delta.segments:  # one more would be too many
                assert kept_s - delta.segments[0].duration_s < boundary_s + 1e-3
            some += bool(skipped)
    assert some > 100


def test_item_34_a_delta_keeps_every_tag_that_is_not_skipped(seen: Seen) -> None:
    for name, deltas in seen.deltas.items():
        for (_, full), delta in zip(seen.playlists[name], deltas, strict=True):
            assert delta.header == full.header
            assert (delta.hints, delta.reports) == (full.hints, full.reports)
            for kept, original in zip(delta.entries, full.entries[delta.skipped :], strict=True):
                assert kept == original


# --- preload hints ------------------------------------------------------------------------------------------


def test_item_35_the_hinted_part_is_the_next_one(seen: Seen, source: str) -> None:
    cancelled = 0
    for before, after in pairs(seen):
        known = {part.uri for part in before.parts}
        fresh = [part.uri for part in after.parts if part.uri not in known]
        if fresh and fresh[0] != before.hints[0]["URI"]:
            cancelled += 1
    # Hints are only taken back where no one could know: a break, a stall, audio before a boundary that came early.
    assert cancelled == 0 if source in STEADY else cancelled < 20


async def test_item_35_a_request_for_the_hinted_part_waits_and_gets_all_of_it(blocked: Blocked) -> None:
    hint = (await listing(blocked.stream)).hints[0]["URI"]
    assert hint == "video-2-2.m4s"
    request = blocked.ask(hint)
    await settle()
    assert not request.done()
    blocked.play_until(5.01)
    await settle()
    answered, body = request.result()
    assert answered is HTTPStatus.OK
    assert body == (await blocked.stream.get(hint, {})).body
    init = (await blocked.stream.get("video-init-1.mp4", {})).body
    assert len(unpack(VIDEO_CONFIG, init + body)) == 10


async def test_item_35_the_hint_at_the_end_of_a_segment_is_part_0_of_the_next(blocked: Blocked) -> None:
    blocked.play_until(6.01)
    playlist = await listing(blocked.stream)
    assert playlist.open is None
    assert playlist.hints == [{"TYPE": "PART", "URI": "video-3-0.m4s"}]
    request = blocked.ask("video-3-0.m4s")
    blocked.play_until(6.34)
    await settle()
    assert request.result()[0] is HTTPStatus.OK


def test_item_36_there_is_one_hint_and_none_after_the_end(seen: Seen) -> None:
    for playlist in seen.listings:
        assert [hint["TYPE"] for hint in playlist.hints] == ["PART"]
        assert not playlist.is_ended


@pytest.mark.parametrize(
    "file",
    [
        "video-2-3.m4s",  # a part after the hinted one
        "video-3-0.m4s",
        "video-2.m4s",  # a segment in progress
        "video-0-6.m4s",  # no such part in a complete segment
        "video-99.m4s",
        "video-init-2.mp4",
        "text.m3u8",
        "video-1-.m4s",
        "video-١.m4s",
        "../video-1.m4s",
        "video.mp4",
    ],
)
async def test_item_37_what_is_neither_there_nor_hinted_is_not_found(blocked: Blocked, file: str) -> None:
    answer = await blocked.stream.get(file, {})
    assert answer.status is HTTPStatus.NOT_FOUND
    assert answer.headers["Cache-Control"] == "public, max-age=1"


async def test_item_37_a_hint_that_is_taken_back_is_not_found(blocked: Blocked) -> None:
    request = blocked.ask("video-2-2.m4s")
    await settle()
    feed(blocked.stream, [Discontinuity("the publisher came back")])  # ends segment 2: its third part is shorter
    await settle()
    assert request.result()[0] is HTTPStatus.OK
    gone = blocked.ask("video-3-0.m4s")
    await settle()
    assert not gone.done()
    blocked.stream.end()
    await settle()
    assert gone.result()[0] is HTTPStatus.NOT_FOUND


# --- renditions ---------------------------------------------------------------------------------------------


async def test_item_38_the_other_rendition_is_reported_as_it_is(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    checked = 0
    for event in usual(9):
        feed(stream, [event])
        if not stream.is_playable:
            continue
        playlists = {name: await listing(stream, name) for name in ("video", "audio")}
        for name, other in (("video", "audio"), ("audio", "video")):
            last = playlists[other].entries[-1]
            expected = {"URI": f"{other}.m3u8", "LAST-MSN": str(last.msn), "LAST-PART": str(len(last.parts) - 1)}
            assert playlists[name].reports == [expected]
            checked += 1
    assert checked > 500
    stream.close()


def test_item_39_every_segment_has_a_date_and_dates_follow_the_media(seen: Seen, source: str) -> None:
    for playlist in seen.listings:
        assert all(entry.time is not None for entry in playlist.entries)
        for before, after in itertools.pairwise(playlist.entries):
            assert before.time is not None
            assert after.time is not None
            assert after.time > before.time
            if source in {*STEADY, "irregular", "long-gop", "changing-gop"}:
                assert after.time - before.time == pytest.approx(before.duration_s, abs=0.002)


async def test_item_39_dates_say_when_the_media_was_made(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    late = 0.4  # every packet but one is on the way for longer
    for event in usual(6):
        at = seconds(event) if isinstance(event, Packet) else 0
        on_time = isinstance(event, Packet) and event.dts == 90_000
        stream.feed(event, WALL_CLOCK + at + (0 if on_time else late))
    for name in ("video", "audio"):
        first = (await listing(stream, name)).segments[0]
        assert first.time == pytest.approx(WALL_CLOCK, abs=0.001)
    stream.close()


@pytest.mark.parametrize("source", ["blind-for-a-while"], indirect=False)
def test_item_40_missing_media_is_a_gap(seen: Seen) -> None:
    last = seen.playlists["video"][-1][1]
    gaps = [segment for segment in last.segments if segment.is_gap]
    assert len(gaps) >= 4
    assert all(not gap.parts for gap in gaps)
    assert not any(segment.is_gap for segment in seen.playlists["audio"][-1][1].segments)
    assert last.entries[-1].msn == seen.playlists["audio"][-1][1].entries[-1].msn


@pytest.mark.parametrize("source", ["silent-for-a-while"], indirect=False)
def test_item_40_missing_sound_is_silence(seen: Seen) -> None:
    last = seen.playlists["audio"][-1][1]
    assert not any(segment.is_gap or segment.is_discontinuous for segment in last.segments)
    assert last.entries[-1].msn == seen.playlists["video"][-1][1].entries[-1].msn
    assert last.duration_s == pytest.approx(seen.playlists["video"][-1][1].duration_s, abs=0.4)


@pytest.mark.parametrize("source", ["broken"], indirect=False)
def test_item_41_breaks_and_new_configurations_are_discontinuities(seen: Seen) -> None:
    for name in ("video", "audio"):
        last = seen.playlists[name][-1][1]
        marks = [segment.msn for segment in last.segments if segment.is_discontinuous]
        assert len(marks) + last.discontinuity_sequence == 2
    for (_, video), (_, audio) in zip(seen.playlists["video"][-1:], seen.playlists["audio"][-1:], strict=True):
        assert [s.msn for s in video.segments if s.is_discontinuous] == [
            s.msn for s in audio.segments if s.is_discontinuous
        ]
        maps = {entry.map_uri for entry in video.entries if entry.map_uri}
        assert maps == {"video-init-1.mp4", "video-init-2.mp4"}
        assert {entry.map_uri for entry in audio.entries if entry.map_uri} == {"audio-init-1.mp4"}


@pytest.mark.parametrize("source", ["broken"], indirect=False)
def test_item_41_discontinuity_sequence_counts_marks_that_were_removed(seen: Seen) -> None:
    for history in seen.playlists.values():
        marked = {entry.msn for _, playlist in history for entry in playlist.entries if entry.is_discontinuous}
        for _, playlist in history:
            assert playlist.discontinuity_sequence == sum(msn < playlist.media_sequence for msn in marked)


async def test_item_41_the_second_configuration_plays(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    small, large = h264(), h264(size="640x360")
    feed(stream, [small.config, *small.fresh()])
    later = [
        msgspec.structs.replace(p, dts=p.dts + 7 * VIDEO_TIMESCALE, pts=p.pts + 7 * VIDEO_TIMESCALE)
        for p in large.packets
    ]
    feed(stream, [large.config, *later])
    stream.end()
    playlist = await listing(stream)
    assert [segment.msn for segment in playlist.segments if segment.is_discontinuous] == [4]
    init = (await stream.get("video-init-2.mp4", {})).body
    data = b"".join([(await stream.get(f"video-{msn}.m4s", {})).body for msn in range(4, 8)])
    assert unpack(large.config, init + data) == as_unpacked(later)
    assert b"RESOLUTION=640x360" in stream.multivariant().body
    stream.close()


@pytest.mark.parametrize("source", ["regular", "milliseconds", "ntsc-60", "long-gop", "changing-gop"], indirect=False)
def test_item_42_segments_with_the_same_number_have_the_same_time(seen: Seen) -> None:
    video, audio = (seen.playlists[name][-1][1] for name in ("video", "audio"))
    starts = {entry.msn: entry.time or 0.0 for entry in audio.entries}
    for entry in video.entries:
        if entry.msn in starts:
            assert 0 <= starts[entry.msn] - (entry.time or 0.0) <= 0.0225  # the first access unit at or after it


# --- the multivariant playlist ------------------------------------------------------------------------------


def variant(stream: LiveStream) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Return the attributes of the variants and of the other renditions."""
    lines = stream.multivariant().body.decode().splitlines()
    found = {
        name: [attributes(line.removeprefix(name)) for line in lines if line.startswith(name)]
        for name in ("#EXT-X-STREAM-INF:", "#EXT-X-MEDIA:")
    }
    return found["#EXT-X-STREAM-INF:"], found["#EXT-X-MEDIA:"]


async def test_item_43_codecs_names_every_format(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    picture, sound = h264(), aac()
    feed(stream, [picture.config, sound.config, *interleaved(picture.fresh(), sound.fresh())])
    (video, alone), (audio,) = variant(stream)
    assert (alone["CODECS"], "RESOLUTION" in alone) == ("mp4a.40.2", False)
    assert video["CODECS"] == f"avc1.{picture.config.record[1:4].hex()},mp4a.40.2"
    assert (video["RESOLUTION"], video["FRAME-RATE"]) == ("320x180", "30.000")
    assert video["AUDIO"] == audio["GROUP-ID"]
    assert (audio["URI"], audio["CHANNELS"]) == ("session/audio.m3u8", "2")
    stream.close()


async def test_item_43_sound_alone_is_the_only_variant(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    feed(stream, [AUDIO_CONFIG, *audio_packets(5)])
    (only,), groups = variant(stream)
    assert (only["CODECS"], groups) == ("mp4a.40.2", [])
    assert "AUDIO" not in only
    assert "session/audio.m3u8" in stream.multivariant().body.decode()


async def test_item_43_video_alone_has_silence_beside_it(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    feed(stream, [VIDEO_CONFIG, *video_packets(5)])
    (first, *_), (group,) = variant(stream)
    assert first["CODECS"] == "avc1.64001e,mp4a.40.2"
    assert group["URI"] == "session/audio.m3u8"


@pytest.mark.parametrize("source", ["regular", "broken", "changing-gop", "blind-for-a-while"], indirect=False)
async def test_item_44_i_frame_playlists_have_no_parts_and_wait_for_segments(tmp_path: Path, source: str) -> None:
    stream = make_stream(tmp_path)
    feed(stream, SOURCES[source]())
    stills, video = await listing(stream, "video-iframes"), await listing(stream)
    assert "I-FRAMES-ONLY" in stills.header
    assert (stills.parts, stills.hints, "PART-INF" in stills.header) == ([], [], False)
    assert stills.server_control == video.server_control
    assert stills.discontinuity_sequence == video.discontinuity_sequence
    assert [(entry.msn, entry.is_discontinuous, entry.time) for entry in stills.segments] == [
        (entry.msn, entry.is_discontinuous, entry.time) for entry in video.segments
    ]
    assert all(int(entry.duration_s + 0.5) <= stills.target_duration_s for entry in stills.segments)
    last = stills.segments[-1].msn
    assert await status(stream, "video-iframes.m3u8", _HLS_msn=str(last)) is HTTPStatus.OK
    waiting = asyncio.create_task(stream.get("video-iframes.m3u8", {"_HLS_msn": str(last + 1)}))
    await settle()
    assert not waiting.done()
    stream.end()
    assert read((await waiting).body).is_ended
    stream.close()


async def test_item_45_bandwidth_is_the_peak_of_what_was_packaged(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    frames = [*video_packets(4, size=1000), *video_packets(2, start_s=4, size=3000), *video_packets(4, start_s=6)]
    feed(stream, [VIDEO_CONFIG, AUDIO_CONFIG, *interleaved(frames, audio_packets(10))])
    sizes: dict[str, list[int]] = {"video": [], "audio": []}
    for name, found in sizes.items():
        found += [len((await stream.get(f"{name}-{msn}.m4s", {})).body) for msn in range(4)]
    (only, _), _ = variant(stream)
    peak_bps = max(sizes["video"]) * 8 / 2 + max(sizes["audio"]) * 8 / 2
    assert int(only["BANDWIDTH"]) == pytest.approx(peak_bps, rel=0.01)
    mean_bps = (sum(sizes["video"]) + sum(sizes["audio"])) * 8 / 8
    assert int(only["AVERAGE-BANDWIDTH"]) == pytest.approx(mean_bps, rel=0.15)
    assert int(only["AVERAGE-BANDWIDTH"]) <= int(only["BANDWIDTH"])
    stream.close()


# --- waiting and ending -------------------------------------------------------------------------------------


async def test_item_48_a_viewer_who_leaves_frees_his_place(blocked: Blocked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("media.serving.MAX_WAITERS", 2)
    waiting = [blocked.ask(_HLS_msn="2") for _ in range(2)]
    await settle()
    assert await status(blocked.stream, "video.m3u8", _HLS_msn="2") is HTTPStatus.SERVICE_UNAVAILABLE
    waiting[0].cancel()
    await settle()
    third = blocked.ask(_HLS_msn="2")
    await settle()
    assert not third.done()
    blocked.play_until(6.01)  # his leaving has not disturbed the others
    await settle()
    assert waiting[1].result()[0] is HTTPStatus.OK
    assert third.result()[0] is HTTPStatus.OK


async def test_item_51_the_window_is_short_and_delta_updates_are_offered_anyway(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    feed(stream, usual(100))
    playlist = await listing(stream)
    assert playlist.duration_s <= 120
    assert len((await listing(stream, _HLS_skip="YES")).text) < len(playlist.text) * 0.75
    stream.close()


async def test_item_53_the_end_wakes_everyone_and_drops_the_hint(blocked: Blocked) -> None:
    playlists = [blocked.ask(f"{name}.m3u8", _HLS_msn="3") for name in ("video", "audio")]
    await settle()
    blocked.stream.end()
    await settle()
    for request in playlists:
        answered, body = request.result()
        assert answered is HTTPStatus.OK
        assert read(body).is_ended
        assert not read(body).hints
    # Nothing is lost: the last frames are in the last segment.
    ended = await listing(blocked.stream)
    assert ended.duration_s == pytest.approx(5.0, abs=0.001)
    assert await status(blocked.stream, ended.segments[-1].uri or "") is HTTPStatus.OK


# --- beside the list: what the numbers above rest on --------------------------------------------------------


async def test_a_frame_longer_than_the_part_target_keeps_its_true_duration(tmp_path: Path) -> None:
    stream = make_stream(tmp_path)
    frames = video_packets(4)
    slow = [video_packet(4 * VIDEO_TIMESCALE + step * 72_000, step % 5 == 0) for step in range(10)]  # 0.8 s each
    feed(stream, [VIDEO_CONFIG, *frames, *slow])
    stream.end()
    playlist = await listing(stream)
    assert max(part.duration_s for part in playlist.parts) == playlist.part_target_s
    init = (await stream.get("video-init-1.mp4", {})).body
    data = init
    for segment in playlist.segments:
        data += (await stream.get(segment.uri or "", {})).body
    written = [(frame.dts, frame.data) for frame in unpack(VIDEO_CONFIG, data)]
    assert written == [(frame.dts, frame.data) for frame in (*frames, *slow)]
    assert sum(segment.duration_s for segment in playlist.segments) == pytest.approx(4 + 9 * 0.8 + FRAME_S, abs=0.01)
    stream.close()


async def test_cache_headers_are_those_of_the_contract(blocked: Blocked) -> None:
    async def cache(file: str, **directives: str) -> str:
        return (await blocked.stream.get(file, directives)).headers["Cache-Control"]

    forever = "public, max-age=31536000, immutable"
    for file in ("video-init-1.mp4", "video-0.m4s", "audio-1-0.m4s"):
        assert await cache(file) == forever
    assert await cache("video.m3u8") == "public, max-age=1"
    assert await cache("video.m3u8", _HLS_skip="YES") == "public, max-age=1"
    assert await cache("video.m3u8", _HLS_msn="1") == "public, max-age=12"
    assert await cache("video.m3u8", _HLS_msn="99") == "public, max-age=1"
