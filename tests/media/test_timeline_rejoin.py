"""Claims of media.timeline about publishers that come back, or take over: `rejoin`, `place`, `newest_s`."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.clocks import MPEG_TS_STAMPS, RTMP_STAMPS, StampFormat
from media.packets import CodecConfig, Discontinuity, Packet, TrackKind
from media.timeline import KEYFRAME_WAIT_S, NO_VIDEO_S, Timeline
from tests.media.test_timeline import AUDIO, VIDEO, audio, packets, timeline, video


def on_air(until: float = 4.0) -> Timeline:
    """Return a timeline that has run with both tracks, 25 frames and access units per second."""
    line = timeline()
    for n in range(round(until * 25)):
        line.push(video(n * 40, key=n % 50 == 0), n * 0.04)
        line.push(audio(n * 40), n * 0.04)
    return line


def test_a_returned_publisher_begins_with_one_discontinuity_and_every_configuration() -> None:
    line = on_air()
    line.rejoin("backup took over")
    events = line.push(video(77, key=True), 10.0) + line.push(audio(80), 10.0) + line.push(video(117), 10.04)
    assert events[0] == Discontinuity("backup took over")
    assert [type(event) for event in events[1:]] == [CodecConfig, Packet, CodecConfig, Packet, Packet]
    assert (events[1], events[3]) == (VIDEO, AUDIO)
    assert line.discontinuities == 1


def test_the_new_publishers_configuration_comes_out_not_the_old_ones() -> None:
    line = on_air()
    other = CodecConfig(TrackKind.VIDEO, "avc1", b"\x02", width=1280, height=720)
    line.rejoin()
    line.configure(other)
    assert line.push(video(0, key=True), 5.0)[1] is other
    assert line.push(audio(0), 5.0)[0] is AUDIO


def test_a_configuration_taken_before_the_rejoin_counts_too() -> None:
    line = on_air()
    other = CodecConfig(TrackKind.AUDIO, "mp4a", b"\x12\x10", sample_rate=44_100, channels=2)
    line.configure(other)
    line.rejoin()
    line.push(video(0, key=True), 5.0)
    assert line.push(audio(0), 5.0)[0] is other


def test_media_time_goes_on_by_the_wall_time_that_passed() -> None:
    line = on_air()
    line.rejoin()
    [first] = packets(line.push(video(2**32 - 10, key=True), 34.0))
    assert first.dts == 34 * 90_000
    [sound] = packets(line.push(audio(10), 34.0))  # 20 ms later, behind the wrap
    assert sound.dts == (34_000 + 20) * 48


def test_video_waits_for_a_keyframe_and_audio_for_the_video() -> None:
    line = on_air()
    line.rejoin()
    assert line.push(audio(0), 5.0) == []
    assert line.push(video(0), 5.0) == []
    assert line.push(audio(21), 5.9) == []
    assert line.push(audio(909_000), 14.0) == []
    [_, _, key] = line.push(video(909_040, key=True), 14.04)
    assert isinstance(key, Packet)
    assert key.dts == round(14.04 * 90_000)
    assert line.push(audio(909_020), 14.04) == []  # heard before the picture is seen
    assert len(packets(line.push(audio(909_041), 14.04))) == 1


def test_a_returned_publisher_without_video_is_heard_after_a_second() -> None:
    line = on_air()
    line.rejoin()
    assert line.push(audio(0), 5.0) == []
    [broken, _, heard] = line.push(audio(1000), 5.0 + NO_VIDEO_S)
    assert isinstance(broken, Discontinuity)
    assert isinstance(heard, Packet)
    assert heard.dts == 6 * 48_000


def test_a_keyframe_that_never_comes_is_not_waited_for() -> None:
    line = on_air()
    line.rejoin()
    line.push(video(0), 5.0)
    assert line.push(audio(0), 4.9 + KEYFRAME_WAIT_S) == []
    assert packets(line.push(audio(0), 5.0 + KEYFRAME_WAIT_S))
    [config, late] = line.push(video(100, key=True), 5.1 + KEYFRAME_WAIT_S)
    assert config is VIDEO
    assert isinstance(late, Packet)
    assert late.dts == round((5.1 + KEYFRAME_WAIT_S) * 90_000)


def test_a_takeover_in_the_same_moment_never_steps_back() -> None:
    line = timeline()
    line.push(video(0, pts=500, key=True), 0.0)
    for n in range(20):
        line.push(audio(n * 21), 0.0)
    line.rejoin()
    [first] = packets(line.push(video(5, key=True), 0.0))
    assert first.dts >= 500 * 90
    [sound] = packets(line.push(audio(5), 0.0))
    assert sound.dts >= 20 * 1024


def test_a_takeover_begins_behind_the_audio_that_was_given_out() -> None:
    line = timeline()
    line.push(video(0, key=True), 0.0)
    for n in range(20):
        line.push(audio(n * 21), 0.0)
    line.rejoin()
    [first] = packets(line.push(video(5, key=True), 0.0))
    assert first.dts >= 20 * 1024 * 90 / 48


def test_two_rejoins_in_a_row_are_one_discontinuity() -> None:
    line = on_air()
    line.rejoin()
    line.push(video(0), 5.0)
    line.rejoin("another one")
    assert line.push(video(0, key=True), 7.0)[0] == Discontinuity("another one")
    assert line.discontinuities == 1


def test_a_rejoin_before_anything_came_is_no_break() -> None:
    line = timeline(VIDEO)
    line.rejoin()
    [config, first] = line.push(video(5, key=True), 100.0)
    assert config is VIDEO
    assert isinstance(first, Packet)
    assert first.dts == 0


def test_what_was_queued_during_an_outage_is_left_out() -> None:
    line = on_air()
    line.rejoin()
    taken = []
    for n in range(100, 500):  # 10 s of frames come at once, then the rest in its time
        now = max(n / 25, 14.0)
        taken += [(now, packet) for packet in packets(line.push(video(n * 40, key=n % 50 == 0), now))]
        line.push(audio(n * 40), now)
    now, first = taken[0]
    assert now == 14.0
    assert first.dts == 14.0 * 90_000  # stamped 14,000, not 4,000
    assert len(taken) == 500 - 350


def test_a_clock_that_stood_still_during_an_outage_is_taken_after_two_seconds() -> None:
    line = on_air()
    line.rejoin()
    taken = []
    for n in range(100, 500):
        taken += [(n, packet) for packet in packets(line.push(video(n * 40, key=n % 50 == 0), n / 25 + 8))]
    n, first = taken[0]
    assert n == 150
    assert first.dts == round(14.0 * 90_000)


@pytest.mark.parametrize("start", [0, 2**31, 2**32 - 1000])
def test_place_finds_the_media_time_of_a_stamp(start: int) -> None:
    line = timeline()
    assert line.place(start) is None
    for n in range(100):
        line.push(video((start + n * 40) % 2**32, key=n == 0), n * 0.04)
    assert line.place((start + 2_000) % 2**32) == 2.0
    assert line.place((start + 5_000) % 2**32) == 5.0  # ahead of the video, as data may be
    assert line.place((start + 90_000) % 2**32) is None


def test_place_knows_the_current_publishers_clock_only() -> None:
    line = on_air()
    line.rejoin()
    assert line.place(0) is None
    line.push(video(500_000, key=True), 10.0)
    assert line.place(500_500) == 10.5
    assert line.place(3_900) is None


def test_place_goes_by_the_audio_of_a_stream_without_video() -> None:
    line = timeline(AUDIO)
    line.push(audio(70_000), 0.0)
    assert line.place(70_250) == 0.25


def test_newest_goes_on_with_our_clock() -> None:
    line = timeline(VIDEO)
    assert line.newest_s(50.0) == 0.0
    line.push(video(900, key=True), 50.0)
    line.push(video(940), 50.05)
    assert line.newest_s(50.05) == pytest.approx(0.04)
    assert line.newest_s(52.05) == pytest.approx(2.04)
    line.rejoin()
    assert line.newest_s(54.05) == pytest.approx(4.04)
    [first] = packets(line.push(video(0, key=True), 54.05))
    assert first.dts / 90_000 == pytest.approx(4.04)


def test_it_goes_on_from_another_process_by_the_wall_time_that_passed() -> None:
    line = timeline()
    line.resume(60.0, 100.0)
    assert line.newest_s(104.0) == pytest.approx(64.0)
    line.rejoin("the publisher is back")
    events = line.push(video(5_000, key=True), 105.0) + line.push(audio(5_010), 105.0)
    assert events[0] == Discontinuity("the publisher is back")
    [picture, sound] = packets(events)
    assert picture.dts == 65 * 90_000
    assert sound.dts == pytest.approx(65.01 * 48_000, abs=48)


def test_nothing_comes_before_what_another_process_published() -> None:
    line = timeline()
    line.resume(60.0, 100.0)
    line.rejoin()
    [picture] = packets(line.push(video(0, key=True), 99.0))
    assert picture.dts > 60 * 90_000


@settings(deadline=None, max_examples=50)
@given(
    st.permutations([RTMP_STAMPS, MPEG_TS_STAMPS]),
    st.lists(st.tuples(st.integers(0, 2**33), st.floats(0.1, 20)), min_size=2, max_size=5),
)
def test_publishers_of_other_protocols_follow_each_other_on_one_media_time(
    formats: list[StampFormat], stays: list[tuple[int, float]]
) -> None:
    """RTMP, SRT, RTMP: each counts time in its own way and from its own origin, and none loses the place."""
    line = Timeline(lambda _config, _data: 1920)
    line.configure(VIDEO)
    line.configure(AUDIO)
    now, seen = 0.0, [-1]
    for number, (origin, away_s) in enumerate(stays):
        stamps = formats[number % 2]
        line.rejoin("another publisher took over", stamps)
        began = now
        for frame in range(50):
            stamp = (origin + frame * stamps.ticks_per_s // 25) % (1 << stamps.wrap_bits)
            pictures = packets(line.push(video(stamp, key=not frame), now))
            heard = packets(line.push(audio(stamp), now))
            assert [packet.dts for packet in pictures] == [pytest.approx((began + frame / 25) * 90_000, abs=9)]
            assert [packet.dts for packet in heard] == [pytest.approx((began + frame / 25) * 48_000, abs=2_000)]
            seen.append(pictures[0].dts)
            now += 0.04
        assert line.discontinuities == number
        now += away_s - 0.04
    assert seen == sorted(set(seen))
    assert line.dropped_packets == line.repaired_stamps == 0


def test_presentation_of_another_protocol_is_kept_to_the_tick() -> None:
    line = on_air()
    line.rejoin("another publisher took over", MPEG_TS_STAMPS)
    first, second = (
        packets(line.push(video(dts % 2**33, pts=(dts + 6006) % 2**33, key=dts < 2**33), 4.0))
        for dts in (2**33 - 1, 2**33 + 3002)
    )
    assert (first[0].pts - first[0].dts, second[0].pts - second[0].dts) == (6006, 6006)
    assert second[0].dts - first[0].dts == 3003


def test_a_clock_that_counts_otherwise_is_never_taken_for_a_queue() -> None:
    """What an RTMP publisher had queued is left out by its own clock, which says nothing of another's."""
    line = on_air()
    line.rejoin("the publisher is back", MPEG_TS_STAMPS)
    assert packets(line.push(video(5_000, key=True), 10.0))[0].dts == 10 * 90_000
