"""Claims of media.timeline about time that runs long: drift, wraps, stamps that stand still, any stamps at all."""

import heapq
import math
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.clocks import MPEG_TS_STAMPS, RTMP_STAMPS, StampFormat
from media.packets import CodecConfig, Discontinuity, Packet, TrackKind
from media.timeline import Timeline

VIDEO = CodecConfig(TrackKind.VIDEO, "av01", b"\x01", width=1920, height=1080)
OFFSET_LIMIT_S = 0.040


def sound(rate: int) -> CodecConfig:
    return CodecConfig(TrackKind.AUDIO, "mp4a", b"\x11\x90", sample_rate=rate, channels=2)


class Publisher:
    """Two tracks on one true clock; packets are named by the true second they belong to."""

    def __init__(self, *, rate: int = 48_000, samples: int = 1024, stamps: StampFormat = RTMP_STAMPS) -> None:
        self.line = Timeline(lambda _config, _data: samples, stamps)
        self.line.configure(VIDEO)
        self.line.configure(sound(rate))
        self.rate, self.samples, self.stamps = rate, samples, stamps
        self.start = 0
        self.audio_start = 0
        self.worst_s = 0.0
        self.kept = 0
        self._last = {TrackKind.VIDEO: -math.inf, TrackKind.AUDIO: -math.inf}

    def send(self, kind: TrackKind, true_s: float, now: float | None = None, *, key: bool = True) -> list[Packet]:
        """Push a packet of a true time; check its order and remember how far its media time is from the true one."""
        start = self.start if kind is TrackKind.VIDEO else self.start + self.audio_start
        stamp = (start + round(true_s * self.stamps.ticks_per_s)) % (1 << self.stamps.wrap_bits)
        out = self.line.push(Packet(kind, stamp, stamp, key, b"x"), true_s if now is None else now)
        packets = [event for event in out if isinstance(event, Packet)]
        for packet in packets:
            assert packet.dts > self._last[kind]
            self._last[kind] = packet.dts
            media_s = packet.dts / (90_000 if kind is TrackKind.VIDEO else self.rate)
            self.worst_s = max(self.worst_s, abs(media_s - true_s))
            self.kept += 1
        return packets

    def run(self, hours: float, *, ppm: float = 0, frames_per_s: float = 5, jitter_s: float = 0) -> int:
        """Send both tracks in their order; the sound card's clock is fast by `ppm`. Return how many were sent."""
        count = 0

        def track(kind: TrackKind, period_s: float) -> Iterator[tuple[float, TrackKind]]:
            return ((n * period_s, kind) for n in range(int(hours * 3600 / period_s)))

        unit_s = self.samples / (self.rate * (1 + ppm / 1e6))
        tracks = track(TrackKind.VIDEO, 1 / frames_per_s), track(TrackKind.AUDIO, unit_s)
        for true_s, kind in heapq.merge(*tracks, key=lambda item: item[0]):
            shaken = jitter_s * math.sin(count * 2.4) if kind is TrackKind.AUDIO else 0
            self.send(kind, max(true_s + shaken, 0))
            count += 1
        return count


@pytest.mark.parametrize("ppm", [-100, 100])
@pytest.mark.parametrize(
    ("rate", "samples"),
    [(48_000, 1024), (44_100, 1024), (48_000, 2048), (48_000, 4608)],
    ids=["aac", "aac-44100", "he-aac", "flac"],
)
def test_a_sound_card_off_by_100_ppm_stays_with_the_picture_for_hours(ppm: float, rate: int, samples: int) -> None:
    publisher = Publisher(rate=rate, samples=samples)
    hours = 2 if samples == 1024 else 1
    sent = publisher.run(hours, ppm=ppm, frames_per_s=1)
    assert publisher.worst_s < OFFSET_LIMIT_S
    corrected_s = hours * 3600 * 100e-6
    assert sent - publisher.kept <= corrected_s / min(samples / rate, 0.025) + 2
    assert publisher.line.discontinuities == 0


def test_stamps_that_shake_are_not_followed() -> None:
    publisher = Publisher()
    sent = publisher.run(0.2, jitter_s=0.02)
    assert publisher.kept == sent
    assert publisher.worst_s < OFFSET_LIMIT_S


@pytest.mark.parametrize("stamps", [RTMP_STAMPS, MPEG_TS_STAMPS])
@pytest.mark.parametrize("start", ["zero", "half", "end"])
def test_clocks_wrap_any_number_of_times(stamps: StampFormat, start: str) -> None:
    publisher = Publisher(stamps=stamps)
    top = 1 << stamps.wrap_bits
    publisher.start = {"zero": 0, "half": top // 2 - 1, "end": top - 1}[start]
    days = 160 if stamps is RTMP_STAMPS else 90
    step_s = top / stamps.ticks_per_s / 200  # hours of silence between packets
    true_s = 0.0
    while true_s < days * 86_400:
        for tick in range(3):
            publisher.send(TrackKind.VIDEO, true_s + tick / 25)
        true_s += step_s
    assert publisher.worst_s < 0.001
    assert publisher.line.discontinuities == 0


def test_33_bits_of_90_khz_keep_their_precision_and_their_b_frames_over_the_wrap() -> None:
    line = Timeline(lambda _config, _data: 1024, MPEG_TS_STAMPS)
    line.configure(VIDEO)
    top = 1 << 33
    given = []
    for n in range(200):
        dts = (top - 100 * 3003 + n * 3003) % top
        out = line.push(Packet(TrackKind.VIDEO, dts, (dts + 6006) % top, n == 0, b"x"), n * 0.033)
        given += [event for event in out if isinstance(event, Packet)]
    assert [(p.dts, p.pts - p.dts) for p in given] == [(n * 3003, 6006) for n in range(200)]


def test_audio_that_comes_after_20_seconds_joins_where_its_stamps_say() -> None:
    publisher = Publisher()
    for n in range(1_000):
        publisher.send(TrackKind.VIDEO, n / 25, key=n == 0)
        if n >= 500:
            publisher.send(TrackKind.AUDIO, n / 25)
    assert publisher.worst_s < OFFSET_LIMIT_S
    assert publisher.line.discontinuities == 0


@pytest.mark.parametrize("apart_s", [-7_200, -3, -1.5, 1.5, 2_000_000])
def test_another_origin_is_no_break_and_no_offset(apart_s: float) -> None:
    publisher = Publisher(samples=1920)  # 40 ms, as the frames
    publisher.audio_start = round(apart_s * 1000)
    for n in range(5_000):
        publisher.send(TrackKind.VIDEO, n / 25, key=n % 50 == 0)
        publisher.send(TrackKind.AUDIO, n / 25)
    assert publisher.worst_s < OFFSET_LIMIT_S
    assert publisher.kept == 10_000
    assert publisher.line.discontinuities == 0


def test_clocks_of_different_origins_that_jump_together_break_once() -> None:
    publisher = Publisher(samples=1920)
    publisher.audio_start = 90_000
    for n in range(500):
        publisher.start = 5_000_000 if n >= 250 else 0
        publisher.send(TrackKind.VIDEO, n / 25, key=n % 50 == 0)
        publisher.send(TrackKind.AUDIO, n / 25)
    assert publisher.line.discontinuities == 1
    assert publisher.worst_s < OFFSET_LIMIT_S


@pytest.mark.parametrize("by_s", [-2, 2, 3_000, -3_000])
def test_a_jump_of_the_video_alone_is_not_answered_by_jumps_of_the_audio(by_s: float) -> None:
    publisher = Publisher(samples=1920)
    publisher.start = 10_000_000
    breaks = 0
    for n in range(2_000):
        stamp = publisher.start + n * 40 + (round(by_s * 1000) if n >= 1_000 else 0)
        out = publisher.line.push(Packet(TrackKind.VIDEO, stamp, stamp, n % 50 == 0, b"x"), n / 25)
        breaks += sum(isinstance(event, Discontinuity) for event in out)
        publisher.send(TrackKind.AUDIO, n / 25)
    assert breaks == 1
    assert publisher.kept >= 1_999
    assert publisher.worst_s < OFFSET_LIMIT_S


def test_a_track_that_falls_behind_for_good_is_brought_back() -> None:
    publisher = Publisher(samples=1920)
    late = []
    for n in range(1_000):
        publisher.send(TrackKind.VIDEO, n / 25, key=n == 0)
        stamp = n * 40 - min(max(n - 250, 0) * 20, 5_000)  # its clock runs at half speed for 10 s
        for event in publisher.line.push(Packet(TrackKind.AUDIO, stamp, stamp, True, b"x"), n / 25):
            late += [n / 25 - event.dts / 48_000] if isinstance(event, Packet) else []
    assert late[-1] < 1.1
    assert publisher.line.discontinuities == 0


@pytest.mark.parametrize("lump", [1, 3])
def test_stamps_that_stand_still_are_replaced_by_the_time_of_arrival(lump: int) -> None:
    line = Timeline(lambda _config, _data: 1024)
    line.configure(VIDEO)
    line.configure(sound(48_000))
    videos: list[tuple[float, int]] = []
    sounds: list[tuple[float, int]] = []
    for n in range(3_000):
        now = n // lump * lump / 25
        for kind, count in ((TrackKind.VIDEO, 1), (TrackKind.AUDIO, (n + 1) * 15 // 8 - n * 15 // 8)):
            for _ in range(count):
                for event in line.push(Packet(kind, 0, 0, n % 50 == 0 or kind is TrackKind.AUDIO, b"x"), now):
                    if isinstance(event, Packet):
                        (videos if kind is TrackKind.VIDEO else sounds).append((now, event.dts))
    assert len(videos) == 3_000
    settled = videos[300:]
    assert all(abs(dts / 90_000 - now) < 1.0 for now, dts in settled)
    steps = [b[1] - a[1] for a, b in pairwise(settled)]
    assert min(steps) > 1_000
    assert max(steps) < 9_000
    assert abs(sounds[-1][1] / 48_000 - videos[-1][1] / 90_000) < 0.5
    assert {b[1] - a[1] for a, b in pairwise(sounds[1_000:])} == {1024}
    assert len(sounds) > 5_625 - 30
    assert line.discontinuities == 0


def test_video_without_a_clock_goes_by_the_audio_that_has_one() -> None:
    line = Timeline(lambda _config, _data: 1920)
    line.configure(VIDEO)
    line.configure(sound(48_000))
    apart = []
    for n in range(20_000):
        now = n / 25 * 1.001  # the publisher's clock is slower than ours
        for event in line.push(Packet(TrackKind.AUDIO, n * 40, n * 40, True, b"x"), now):
            sounds = event.dts / 48_000 if isinstance(event, Packet) else 0
        for event in line.push(Packet(TrackKind.VIDEO, 0, 0, n == 0, b"x"), now):
            apart += [event.dts / 90_000 - sounds] if isinstance(event, Packet) else []
    assert len(apart) == 20_000
    assert max(map(abs, apart[1_000:])) < OFFSET_LIMIT_S


def test_a_clock_that_begins_to_run_is_followed_from_there() -> None:
    publisher = Publisher()
    publisher.line.push(Packet(TrackKind.VIDEO, 0, 0, True, b"x"), 0)
    for n in range(1, 50):
        publisher.line.push(Packet(TrackKind.VIDEO, 0, 0, False, b"x"), n / 25)
    given = []
    for n in range(50, 150):
        for event in publisher.line.push(Packet(TrackKind.VIDEO, n * 40, n * 40, False, b"x"), n / 25):
            given += [event.dts] if isinstance(event, Packet) else []
    assert {b - a for a, b in pairwise(given)} == {3_600}
    assert publisher.line.discontinuities == 0


def test_a_still_picture_of_5_seconds_is_no_jump() -> None:
    publisher = Publisher()
    for true_s in (0, 0.2, 5.2, 5.3, 15.3, 15.4):
        assert len(publisher.send(TrackKind.VIDEO, true_s, key=true_s == 0)) == 1
    assert publisher.worst_s < 0.001
    assert publisher.line.discontinuities == 0


STEPS = st.one_of(
    st.integers(0, 2**33 - 1).map(lambda stamp: ("to", stamp)),
    st.integers(-2_000, 3_000).map(lambda step: ("by", step)),
    st.sampled_from([("by", 0), ("by", 33), ("by", 40), ("by", -40)]),
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["video", "key", "audio", "audio", "config", "rejoin"]),
            STEPS,
            st.integers(-(2**23), 2**23) | st.just(0),
            st.floats(0, 3),
        ),
        max_size=150,
    ),
    st.sampled_from([RTMP_STAMPS, MPEG_TS_STAMPS]),
    st.sampled_from([20, 120, 960, 1024, 4608, 100_000]),
)
def test_any_stamps_give_rising_time_and_no_exception(
    steps: list[tuple[str, tuple[str, int], int, float]], stamps: StampFormat, samples: int
) -> None:
    line = Timeline(lambda _config, _data: samples, stamps)
    configs = [VIDEO, sound(48_000), sound(44_100), CodecConfig(TrackKind.VIDEO, "av01", b"\2", width=640, height=360)]
    for config in configs[:2]:
        line.configure(config)
    now, stamp, end_s = 100.0, {TrackKind.VIDEO: 0, TrackKind.AUDIO: 0}, -math.inf
    last_s = {TrackKind.VIDEO: -math.inf, TrackKind.AUDIO: -math.inf}
    rate = 0
    for what, (how, value), composition, pause in steps:
        now += pause
        if what == "config":
            line.configure(configs[value % 4])
            continue
        if what == "rejoin":
            line.rejoin()
            continue
        kind = TrackKind.AUDIO if what == "audio" else TrackKind.VIDEO
        stamp[kind] = value if how == "to" else stamp[kind] + value
        dts = stamp[kind] % (1 << stamps.wrap_bits)
        was_s = line.newest_s(now)
        for event in line.push(Packet(kind, dts, dts + composition, what != "video", b"x"), now):
            if isinstance(event, CodecConfig) and event.kind is TrackKind.AUDIO:
                rate = event.sample_rate
            elif isinstance(event, Discontinuity):
                last_s = dict.fromkeys(last_s, max(last_s.values()))
            elif isinstance(event, Packet):
                media_s = event.dts / (90_000 if kind is TrackKind.VIDEO else rate)
                assert media_s > last_s[kind] or (media_s == last_s[kind] and kind is not event.kind)
                assert abs(event.pts - event.dts) <= 900_000
                last_s[kind] = media_s
                end_s = max(end_s, media_s)
        place = line.place(dts % 2**32)
        assert place is None or abs(place - line.newest_s(now)) < 300
        assert line.newest_s(now) >= 0
        assert line.newest_s(now + 1) >= was_s - 500


def test_sound_without_a_clock_over_a_network_that_stalls_has_no_holes() -> None:
    line = Timeline(lambda _config, _data: 1024)
    line.configure(sound(48_000))
    given = []
    for n in range(5_000):
        now = n // 20 * 20 * 1024 / 48_000  # 427 ms at once
        for event in line.push(Packet(TrackKind.AUDIO, 0, 0, True, b"x"), now):
            given += [event.dts] if isinstance(event, Packet) else []
    assert {b - a for a, b in pairwise(given[500:])} == {1024}
    assert len(given) > 5_000 - 36  # until the distance of packets is known
