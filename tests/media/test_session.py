"""Claims of media.session: who is on the air, and what a session does while nobody is. Time is passed."""

import re
import time
from itertools import pairwise
from typing import cast

import pytest

from media.links.messages import FromFeed
from media.live import LiveStream, StreamStats
from media.packets import CodecConfig, Cue, CueKind, Discontinuity, MediaEvent, Packet, TrackKind
from media.publication import Description, Note, PublishAttempt, Refused
from media.publisher import Publisher
from media.resume import Past
from media.session import (
    ALREADY_LIVE,
    CLOCK_SLACK_S,
    MAX_PUBLISHERS,
    NOT_BACK,
    PULSE_S,
    REPLACED,
    STOPPED,
    Session,
    digest_of,
)
from schemas.ids import ChannelId, NodeId, SessionId
from schemas.ingest import AddMetadata, Limits, Protocol, PublishGrant, TrackHealth
from tests.media.material import AUDIO_CONFIG, VIDEO_CONFIG
from tests.media.passthrough import Passthrough

GRACE_S = 30.0
GOP_S = 2.0
FRAME_S = 0.04
START = 1000.0
PROTOCOLS: tuple[Protocol, ...] = ("rtmp", "srt", "rtmps", "whip", "pull", "rtmp")


class Live:
    """What a session sees of its live stream."""

    def __init__(self) -> None:
        self.is_playable = False
        self.frame_rate = 25.0

    @property
    def stats(self) -> StreamStats:
        video = TrackHealth(codec="avc1.64001e", bitrate_bps=1, frame_rate=self.frame_rate)
        return StreamStats(video=video, audio=None, dropped_packets=0)


class Recording(Passthrough):
    """Remembers what it is told; playable after half a second of media."""

    def __init__(self) -> None:
        self.seen = Live()
        super().__init__(cast(LiveStream, self.seen))
        self.events: list[MediaEvent] = []
        self.cues: list[Cue] = []
        self.described: list[Description] = []
        self.interrupted: list[float] = []
        self.rejoined: list[float] = []
        self.ticks: list[float] = []
        self.has_ended = self.is_suspended = False

    def feed(self, event: MediaEvent, now: float) -> None:
        self.events.append(event)
        if isinstance(event, Packet) and event.dts >= 45_000:
            self.seen.is_playable = True

    def describe(self, description: Description) -> None:
        self.described.append(description)

    def interrupt(self, media_s: float) -> None:
        self.interrupted.append(media_s)

    def resume(self, past: Past) -> None:
        self.seen.is_playable = True

    def rejoin(self, media_s: float) -> None:
        self.rejoined.append(media_s)

    def suspend(self) -> None:
        self.is_suspended = True

    def tick(self, media_s: float) -> None:
        self.ticks.append(media_s)

    def annotate(self, cue: Cue) -> None:
        self.cues.append(cue)

    def end(self, reason: str) -> None:
        self.has_ended = True

    @property
    def packets(self) -> list[Packet]:
        return [event for event in self.events if isinstance(event, Packet)]

    @property
    def breaks(self) -> int:
        return sum(isinstance(event, Discontinuity) for event in self.events)


def picture(size: int) -> bytes:
    """An access unit of one NAL unit behind its length."""
    return (size - 4).to_bytes(4) + b"\x65" * (size - 4)


def shape(width: int, height: int) -> CodecConfig:
    return CodecConfig(TrackKind.VIDEO, "avc1", VIDEO_CONFIG.record + bytes([width % 251]), width=width, height=height)


class Encoder:
    """A publisher's end: frames in real time, a keyframe every `GOP_S`, from stamp `first_ms` on."""

    def __init__(
        self, stage: "Stage", first_ms: int, params: dict[str, str], config: CodecConfig, protocol: Protocol
    ) -> None:
        self.cut_with: list[str] = []
        attempt = PublishAttempt(protocol, "key", params, "192.0.2.1", "test")
        self.publisher = Publisher(attempt, self.cut_with.append, stage.clock)
        self.config = config
        self.first_ms = first_ms
        self.frames = 0
        self.ticks_per_ms = 1 if protocol.startswith("rtmp") else 90

    def send(self, size: int = 100) -> None:
        """Send the next frame."""
        is_keyframe = self.frames % round(GOP_S / FRAME_S) == 0
        stamp = (self.first_ms + round(self.frames * FRAME_S * 1000)) * self.ticks_per_ms
        self.frames += 1
        self.publisher.push(Packet(TrackKind.VIDEO, stamp, stamp, is_keyframe, picture(size)))


class Stage:
    """A session, its encoders, and the clock of both."""

    def __init__(self, *, limits: Limits = Limits(), grace_s: float = GRACE_S) -> None:  # noqa: B008  # frozen
        self.now = START
        self.pipeline = Recording()
        self.ends: list[str] = []
        self.changes: list[bool] = []
        grant = PublishGrant(ChannelId("c"), "demo", SessionId("s"), limits=limits)
        self.session = Session(
            grant,
            self.pipeline,
            key_digest=digest_of("key"),
            started_at_ms=time.time_ns() // 1_000_000,
            grace_s=grace_s,
            now=self.now,
            on_change=lambda: self.changes.append(self.session.is_waiting),
            on_end=lambda _session, reason: self.ends.append(reason),
        )

    def clock(self) -> float:
        return self.now

    def join(
        self,
        *,
        first_ms: int = 0,
        config: CodecConfig = VIDEO_CONFIG,
        protocol: Protocol = "rtmp",
        **params: str,
    ) -> Encoder:
        encoder = Encoder(self, first_ms, params, config, protocol)
        self.session.attach(encoder.publisher, self.now)
        encoder.publisher.configure(config)
        return encoder

    def run(self, seconds: float, *sending: Encoder, size: int = 100) -> None:
        """Let time pass while these send."""
        frames, pulse = round(seconds / FRAME_S), round(PULSE_S / FRAME_S)
        for number in range(1, frames + 1):
            self.now += FRAME_S
            for encoder in sending:
                encoder.send(size)
            if number % pulse == 0:
                self.session.pulse(self.now)

    def is_waiting(self) -> bool:
        return self.session.is_waiting

    def on_air(self) -> list[bool]:
        return [each.is_on_air for each in self.session.health(self.now).publishers]

    @property
    def media_s(self) -> list[float]:
        return [packet.dts / 90_000 for packet in self.pipeline.packets]


async def lose(encoder: Encoder) -> None:
    await encoder.publisher.end("connection reset")


async def say_goodbye(encoder: Encoder) -> None:
    await encoder.publisher.end("publisher sent deleteStream", is_lost=False)


# --- lost and back ------------------------------------------------------------------------------------------


async def test_a_session_goes_from_rtmp_to_srt_and_back_without_losing_its_place() -> None:
    stage = Stage()
    for number, protocol in enumerate(PROTOCOLS):
        encoder = stage.join(first_ms=7_000 * number, protocol=protocol)
        stage.run(4, encoder)
        health = stage.session.health(stage.now)
        assert (health.protocol, health.dropped_packets, health.discontinuities) == (protocol, 0, number)
        assert health.publishers[0].jitter_ms <= 1
        await lose(encoder)
        stage.run(2)
    assert stage.pipeline.breaks == len(PROTOCOLS) - 1
    assert len(stage.media_s) == len(PROTOCOLS) * 100
    for number, media_s in enumerate(stage.media_s):
        assert media_s == pytest.approx(number * FRAME_S + number // 100 * 2.0, abs=0.001)


async def test_the_first_publisher_may_count_as_transport_streams_do() -> None:
    stage = Stage()
    stage.run(4, stage.join(first_ms=10**9, protocol="whip"))
    assert stage.media_s == pytest.approx([number * FRAME_S for number in range(100)], abs=0.001)


async def test_a_lost_publisher_leaves_a_slate_that_grows_with_the_clock() -> None:
    stage = Stage()
    one = stage.join()
    stage.run(5, one)
    await lose(one)
    assert (stage.is_waiting(), stage.changes, stage.ends) == (True, [True], [])
    [media_s] = stage.pipeline.interrupted
    assert media_s == pytest.approx(stage.media_s[-1], abs=0.05)
    stage.run(10)
    assert stage.pipeline.ticks == sorted(stage.pipeline.ticks)
    assert stage.pipeline.ticks[-1] == pytest.approx(media_s + 10, abs=0.4)
    steps = [after - before for before, after in pairwise(stage.pipeline.ticks)]
    assert max(steps) < 0.5


async def test_a_return_goes_on_in_media_time_with_one_break_at_a_keyframe() -> None:
    stage = Stage()
    one = stage.join()
    stage.run(5, one)
    await lose(one)
    stage.run(8)
    two = stage.join(first_ms=4_000_000_000)
    two.frames = 10  # in the middle of a group of pictures
    before = len(stage.pipeline.events)
    stage.run(1, two)
    assert stage.is_waiting()  # until there is something to decode
    assert len(stage.pipeline.events) == before
    stage.run(3, two)
    assert not stage.is_waiting()
    after = stage.pipeline.events[before:]
    assert isinstance(after[0], Discontinuity)
    assert after[1] == VIDEO_CONFIG
    assert isinstance(after[2], Packet)
    assert after[2].is_keyframe
    assert stage.pipeline.breaks == 1
    assert after[2].dts / 90_000 == pytest.approx(5 + 8 + 1.6, abs=0.1)
    assert stage.media_s == sorted(stage.media_s)
    assert stage.changes == [True, False]
    assert stage.ends == []


async def test_another_shape_after_the_return_is_announced() -> None:
    stage = Stage()
    one = stage.join()
    stage.run(3, one)
    await lose(one)
    other = shape(640, 360)
    two = stage.join(config=other)
    stage.run(3, two)
    assert [event for event in stage.pipeline.events if isinstance(event, CodecConfig)] == [VIDEO_CONFIG, other]


async def test_the_grace_ends_the_session_and_says_why() -> None:
    stage = Stage()
    one = stage.join()
    stage.run(3, one)
    await lose(one)
    stage.run(GRACE_S - 0.5)
    assert stage.ends == []
    stage.run(1)
    assert stage.ends == [NOT_BACK]
    assert stage.pipeline.has_ended
    ticks = len(stage.pipeline.ticks)
    stage.run(2)
    assert len(stage.pipeline.ticks) == ticks


async def test_the_grace_begins_anew_with_each_loss() -> None:
    stage = Stage()
    one = stage.join()
    stage.run(3, one)
    await lose(one)
    stage.run(GRACE_S - 1)
    two = stage.join()
    stage.run(4, two)
    await lose(two)
    stage.run(GRACE_S - 1)
    assert stage.ends == []
    assert stage.session.interruptions == 2


async def test_nothing_to_return_to_is_no_reason_to_wait() -> None:
    for stage in (Stage(), Stage(grace_s=0)):
        one = stage.join()
        stage.run(0.2 if stage.session._grace_s else 3, one)
        await lose(one)
        assert stage.ends == ["connection reset"]


async def test_a_goodbye_ends_the_session_at_once() -> None:
    stage = Stage()
    one = stage.join()
    stage.run(3, one)
    await say_goodbye(one)
    assert stage.ends == ["publisher sent deleteStream"]
    assert stage.pipeline.interrupted == []


async def test_a_returned_publisher_who_says_goodbye_before_his_keyframe_ends_the_session() -> None:
    stage = Stage()
    one = stage.join()
    stage.run(3, one)
    await lose(one)
    two = stage.join()
    await say_goodbye(two)
    assert stage.ends == ["publisher sent deleteStream"]


async def test_what_comes_after_the_end_is_ignored() -> None:
    stage = Stage()
    one = stage.join()
    stage.run(1, one)
    await say_goodbye(one)
    events = len(stage.pipeline.events)
    one.send()
    await lose(one)
    one.publisher.configure(AUDIO_CONFIG)
    one.publisher.annotate(Note(0, "onTextData", {"text": "late"}))
    assert (len(stage.pipeline.events), stage.ends) == (events, ["publisher sent deleteStream"])


# --- frozen -------------------------------------------------------------------------------------------------


def test_a_frozen_publisher_is_covered_by_the_slate_until_its_next_keyframe() -> None:
    stage = Stage()
    one = stage.join()
    stage.run(5, one)
    last_s = stage.media_s[-1]
    stage.run(2.5)
    assert stage.pipeline.interrupted == []
    stage.run(2)
    assert stage.is_waiting()
    assert stage.pipeline.interrupted == [pytest.approx(last_s, abs=0.05)]
    assert stage.pipeline.ticks[-1] == pytest.approx(last_s + 4.5, abs=0.4)
    one.frames = 239  # it captured on and threw away what it could not send
    stage.run(0.3, one)
    assert stage.is_waiting()
    stage.run(2, one)
    assert not stage.is_waiting()
    assert stage.pipeline.breaks == 1
    assert stage.media_s == sorted(stage.media_s)
    assert one.cut_with == []


def test_the_slate_goes_on_until_media_does() -> None:
    stage = Stage()
    one = stage.join()
    stage.run(5, one)
    stage.run(4.5)
    one.frames = 126  # it had queued all of it
    stage.run(7, one)
    assert not stage.is_waiting()
    ticks = stage.pipeline.ticks
    shown = sorted([*ticks, *(media_s for media_s in stage.media_s if media_s > ticks[0])])
    assert max(after - before for before, after in pairwise(shown)) < 0.5
    assert stage.changes == [True, False]


def test_a_frozen_publisher_is_not_given_up_while_it_is_connected() -> None:
    stage = Stage()
    one = stage.join()
    stage.run(3, one)
    stage.run(GRACE_S + 10)
    assert (stage.is_waiting(), stage.ends) == (True, [])


async def test_a_frozen_publisher_that_is_then_lost_has_its_whole_grace() -> None:
    stage = Stage()
    one = stage.join()
    stage.run(3, one)
    stage.run(20)
    await lose(one)
    stage.run(GRACE_S - 1)
    assert stage.ends == []
    stage.run(2)
    assert stage.ends == [NOT_BACK]
    assert stage.session.interruptions == 1


def test_an_equal_publisher_replaces_a_frozen_one_at_once() -> None:
    stage = Stage()
    one = stage.join()
    stage.run(3, one)
    stage.run(3.2)
    two = stage.join()
    assert one.cut_with == [REPLACED]
    stage.run(2, two)
    assert stage.on_air() == [True]
    one.frames = 0
    one.send()
    assert stage.on_air() == [True]


def test_silence_before_anything_can_be_played_is_no_interruption() -> None:
    stage = Stage()
    one = stage.join()
    stage.run(0.2, one)
    stage.run(5)
    assert not stage.is_waiting()
    two = stage.join()
    assert one.cut_with == [REPLACED]
    stage.run(2, two)
    assert stage.session.live.is_playable


# --- two at a time ------------------------------------------------------------------------------------------


def test_an_equal_publisher_is_refused_while_the_other_is_healthy() -> None:
    stage = Stage()
    one = stage.join()
    stage.run(3, one)
    with pytest.raises(Refused, match=ALREADY_LIVE):
        stage.join()
    stage.run(1, one)
    assert stage.on_air() == [True]
    assert stage.pipeline.breaks == 0


def test_a_takeover_waits_for_its_keyframe_and_cuts_the_other() -> None:
    stage = Stage()
    one = stage.join()
    stage.run(3, one)
    two = stage.join(takeover="1")
    two.frames = 30
    stage.run(0.7, one, two)
    assert (stage.on_air(), one.cut_with) == ([True, False], [])
    stage.run(0.5, one, two)
    assert (stage.on_air(), one.cut_with) == ([True], [REPLACED])
    assert stage.pipeline.breaks == 1
    assert stage.changes == []  # viewers saw no interruption


def test_a_takeover_from_a_frozen_one_cuts_it_too() -> None:
    stage = Stage()
    one = stage.join()
    stage.run(3, one)
    stage.run(4)
    two = stage.join(takeover="1")
    stage.run(1, two)
    assert (stage.on_air(), one.cut_with) == ([True], [REPLACED])


async def test_a_takeover_that_leaves_before_its_keyframe_changes_nothing() -> None:
    stage = Stage()
    one = stage.join()
    stage.run(3, one)
    two = stage.join(takeover="1")
    await lose(two)
    stage.run(4, one)
    assert (stage.on_air(), one.cut_with, stage.pipeline.breaks) == ([True], [], 0)


async def test_a_takeover_that_left_or_never_sends_does_not_hold_up_the_backup() -> None:
    for leaves in (True, False):
        stage = Stage()
        main, backup = stage.join(priority="10"), stage.join(priority="5")
        stage.run(3, main, backup)
        usurper = stage.join(priority="7", takeover="1")
        if leaves:
            await lose(usurper)
        else:
            stage.run(4, main, backup)
        await lose(main)
        stage.run(2.2, backup)
        assert not stage.is_waiting()


async def test_a_loss_before_any_media_came_again_is_no_second_interruption() -> None:
    stage = Stage()
    one = stage.join()
    stage.run(5, one)
    stage.run(4.5)
    one.frames = 150  # a keyframe, but of the time that was missed
    stage.run(0.2, one)
    assert stage.is_waiting()
    await lose(one)
    assert len(stage.pipeline.interrupted) == stage.session.interruptions == 1


def test_a_takeover_beats_even_a_higher_priority() -> None:
    stage = Stage()
    one = stage.join(priority="50")
    stage.run(3, one)
    two = stage.join(takeover="1", priority="-3")
    stage.run(3, one, two)
    assert (stage.on_air(), one.cut_with) == ([True], [REPLACED])


def test_a_higher_priority_takes_over_and_the_lower_stands_by() -> None:
    stage = Stage()
    one = stage.join()
    stage.run(3, one)
    two = stage.join(priority="10")
    stage.run(3, one, two)
    assert (stage.on_air(), one.cut_with) == ([False, True], [])
    stage.run(5, one, two)
    assert stage.pipeline.breaks == 1


async def test_the_backup_takes_over_on_its_next_keyframe_and_gives_back() -> None:
    stage = Stage()
    main = stage.join(priority="10")
    stage.run(3, main)
    backup = stage.join(priority="5")
    backup.frames = 20
    stage.run(3, main, backup)
    assert stage.on_air() == [True, False]
    await lose(main)
    stage.run(GOP_S, backup)
    assert (stage.on_air(), stage.is_waiting()) == ([True], False)
    again = stage.join(priority="10")
    stage.run(3, again, backup)
    assert stage.on_air() == [False, True]
    assert stage.pipeline.breaks == 2
    assert stage.media_s == sorted(stage.media_s)
    assert backup.cut_with == []


def test_the_backup_takes_over_from_a_frozen_one_which_takes_over_again_when_it_thaws() -> None:
    stage = Stage()
    main = stage.join(priority="10")
    backup = stage.join(priority="5")
    stage.run(4, main, backup)
    stage.run(2.8, backup)
    assert stage.on_air() == [True, False]
    stage.run(GOP_S + 0.4, backup)
    assert stage.on_air() == [False, True]
    main.frames = 0
    stage.run(1, main, backup)
    assert stage.on_air() == [True, False]
    assert (main.cut_with, backup.cut_with) == ([], [])


async def test_of_several_that_stand_by_the_highest_goes_on() -> None:
    stage = Stage()
    main, low, high = stage.join(priority="10"), stage.join(priority="1"), stage.join(priority="5")
    stage.run(3, main, low, high)
    await lose(main)
    stage.run(2.2, low, high)
    assert stage.on_air() == [False, True]
    for number in range(MAX_PUBLISHERS - 2):
        stage.join(priority=str(20 + number))
    with pytest.raises(Refused, match="4 publishers"):
        stage.join(priority="30")


async def test_a_goodbye_of_the_main_publisher_leaves_the_air_to_the_backup() -> None:
    stage = Stage()
    main, backup = stage.join(priority="10"), stage.join(priority="5")
    stage.run(3, main, backup)
    await say_goodbye(main)
    stage.run(3, backup)
    assert (stage.on_air(), stage.ends) == ([True], [])
    await say_goodbye(backup)
    assert stage.ends == ["publisher sent deleteStream"]


async def test_a_backup_that_leaves_is_no_news() -> None:
    stage = Stage()
    main, backup = stage.join(priority="10"), stage.join(priority="5")
    stage.run(3, main, backup)
    await say_goodbye(backup)
    assert (stage.on_air(), stage.ends, stage.pipeline.interrupted) == ([True], [], [])


async def test_sound_alone_takes_over_when_no_picture_comes() -> None:
    stage = Stage()
    one = stage.join()
    stage.run(3, one)
    await lose(one)
    two = stage.join(config=AUDIO_CONFIG)
    for number in range(100):
        stage.now += 1024 / 48_000
        stamp = round(number * 1024 / 48)
        two.publisher.push(Packet(TrackKind.AUDIO, stamp, stamp, True, b"\x21\x10" * 8))
        if number == 40:
            assert stage.is_waiting()
    assert not stage.is_waiting()


# --- limits -------------------------------------------------------------------------------------------------


def test_a_bit_rate_over_the_limit_is_cut_after_ten_seconds() -> None:
    stage = Stage(limits=Limits(max_bitrate_bps=1_000_000))
    one = stage.join()
    stage.run(5, one, size=5_000)
    stage.run(14, one, size=5_400)  # 1.08 Mbit/s: encoders miss their target by some per cent
    assert one.cut_with == []
    stage.run(4, one, size=6_500)
    stage.run(9, one, size=6_500)
    [sentence] = one.cut_with
    assert re.fullmatch(r"The stream has 1\.[12] Mbit/s; at most 1\.0 Mbit/s may be sent here\.", sentence)
    assert stage.ends == one.cut_with


def test_a_picture_over_the_limit_is_cut_and_one_on_its_side_is_not() -> None:
    upright = shape(720, 1280)
    stage = Stage(limits=Limits(max_height=720))
    one = stage.join(config=upright)
    stage.run(1, one)
    assert one.cut_with == []
    one.publisher.configure(shape(1920, 1080))
    assert stage.ends == ["The picture has 1920x1080 pixels; the shorter side may have 720 here."]


def test_a_backup_over_the_limit_is_cut_alone() -> None:
    stage = Stage(limits=Limits(max_height=720))
    one = stage.join()
    stage.run(1, one)
    two = stage.join(priority="5", config=shape(1920, 1080))
    assert len(two.cut_with) == 1
    assert (stage.on_air(), stage.ends) == ([True], [])


def test_a_frame_rate_over_the_limit_is_cut() -> None:
    stage = Stage(limits=Limits(max_frame_rate=30))
    one = stage.join()
    stage.pipeline.seen.frame_rate = 30.9
    stage.run(10, one)
    assert stage.ends == []
    stage.pipeline.seen.frame_rate = 59.9
    stage.run(2, one)
    assert stage.ends == ["The picture has 60 frames per second; at most 30 may be sent here."]


async def test_the_longest_duration_counts_through_an_interruption() -> None:
    stage = Stage(limits=Limits(max_duration_s=20))
    one = stage.join()
    stage.run(5, one)
    await lose(one)
    stage.run(14)
    assert stage.ends == []
    stage.run(2)
    assert stage.ends == ["The stream has run for 20 s, the longest that is allowed here."]


# --- what else is said --------------------------------------------------------------------------------------


def test_notes_get_their_place_in_media_time() -> None:
    stage = Stage()
    one = stage.join(first_ms=500_000)
    one.publisher.annotate(Note(500_000, "onTextData", {"text": "before there is a stream"}))
    stage.run(4, one)
    one.publisher.annotate(Note(502_000, "onTextData", {"text": "Hello", "language": "en"}))
    one.publisher.annotate(Note(503_000, "onCuePoint", {"name": "goal"}))
    caption, data = stage.pipeline.cues
    assert (caption.kind, caption.fields) == (CueKind.CAPTION, {"text": "Hello", "language": "en"})
    assert caption.start_s == pytest.approx(2.0, abs=0.05)
    assert (data.kind, data.class_name, data.fields) == (CueKind.DATA, "com.tallylight.onCuePoint", {"NAME": "goal"})
    assert data.start_s == pytest.approx(3.0, abs=0.05)
    assert caption.cue_id != data.cue_id


def test_a_flood_of_notes_is_bounded() -> None:
    stage = Stage()
    one = stage.join()
    stage.run(2, one)
    for _ in range(50):
        one.publisher.annotate(Note(1_000, "onCuePoint", {}))
    assert len(stage.pipeline.cues) == 20
    stage.run(1.2, one)
    one.publisher.annotate(Note(1_000, "onCuePoint", {}))
    assert len(stage.pipeline.cues) == 21
    assert stage.session.dropped_notes == 30


def test_notes_of_a_backup_are_not_shown() -> None:
    stage = Stage()
    one, two = stage.join(), stage.join(priority="-1")
    stage.run(2, one, two)
    two.publisher.annotate(Note(1_000, "onCuePoint", {}))
    assert stage.pipeline.cues == []


async def test_metadata_of_the_api_is_put_at_the_present_also_while_nobody_publishes() -> None:
    stage = Stage()
    one = stage.join()
    command = AddMetadata(SessionId("s"), "m1", "com.example.score", 1500, {"HOME": "1"})
    stage.session.add_metadata(command, stage.now)
    assert stage.pipeline.cues == []
    stage.run(4, one)
    await lose(one)
    stage.run(2)
    stage.session.add_metadata(command, stage.now)
    [cue] = stage.pipeline.cues
    assert (cue.cue_id, cue.class_name, cue.duration_s, cue.fields) == ("m1", "com.example.score", 1.5, {"HOME": "1"})
    assert cue.start_s == pytest.approx(6.0, abs=0.1)


def test_the_description_of_whoever_is_on_the_air_reaches_the_pipeline() -> None:
    stage = Stage()
    one = stage.join()
    one.publisher.describe(Description(25.0, 800_000, "obs-output module (libobs version 30.2.2)"))
    stage.run(2, one)
    two = stage.join(takeover="1")
    two.publisher.describe(Description(50.0))
    assert [each.frame_rate for each in stage.pipeline.described] == [25.0]
    assert stage.session.health(stage.now).encoder == "OBS 30.2.2"
    stage.run(3, one, two)
    assert [each.frame_rate for each in stage.pipeline.described] == [25.0, 50.0]


async def test_health_counts_all_publishers_and_says_until_when_one_may_return() -> None:
    stage = Stage()
    one, two = stage.join(), stage.join(priority="-1")
    stage.run(4, one, two, size=1000)
    health = stage.session.health(stage.now)
    assert health.received_bytes == 2 * 100 * 1000
    assert [each.priority for each in health.publishers] == [0, -1]
    assert health.publishers[1].bitrate_bps == pytest.approx(200_000, rel=0.05)
    assert (health.is_waiting, health.returns_until_ms) == (False, None)
    await lose(one)
    await lose(two)
    stage.run(1)
    health = stage.session.health(stage.now)
    assert health.received_bytes == 2 * 100 * 1000
    assert (health.is_waiting, health.interruptions, health.publishers) == (True, 1, [])
    assert health.returns_until_ms is not None
    assert health.returns_until_ms - health.started_at_ms == pytest.approx(GRACE_S * 1000, abs=2000)


def test_a_cut_ends_everybody_with_the_reason() -> None:
    stage = Stage()
    one, two = stage.join(), stage.join(priority="-1")
    stage.run(2, one, two)
    stage.session.cut("The stream key was replaced.")
    stage.session.cut("again")
    assert one.cut_with == two.cut_with == stage.ends == ["The stream key was replaced."]


# --- from one process to the next ---------------------------------------------------------------------------


class Before:
    """What a session reads of its past: 60 s of media, up to now but for what the process was away."""

    def __init__(self, away_s: float) -> None:
        self.end_s = 60.0
        self.clock_offset_s = time.time() - away_s - self.end_s
        self.interruptions = 2
        self.is_interrupted = False
        self.notes = 7


def resumed(away_s: float = 4.0) -> Stage:
    stage = Stage()
    stage.session.resume(cast(Past, Before(away_s)), away_s, stage.now)
    return stage


def test_a_resumed_session_waits_for_what_is_left_of_the_grace() -> None:
    stage = resumed(4.0)
    assert stage.is_waiting()
    health = stage.session.health(stage.now)
    assert (health.is_waiting, health.interruptions, health.publishers) == (True, 3, [])
    assert health.returns_until_ms == pytest.approx((time.time() + GRACE_S - 4) * 1000, abs=2000)
    assert stage.pipeline.ticks == [pytest.approx(64.0, abs=0.5)]
    stage.run(GRACE_S - 4 - 0.5)
    assert stage.ends == []
    stage.run(1)
    assert stage.ends == [NOT_BACK]


@pytest.mark.parametrize("first_ms", [0, 100, 61_000, 4_000_000_000])
def test_its_publisher_goes_on_in_media_time_with_one_break_whatever_its_clock(first_ms: int) -> None:
    stage = resumed(4.0)
    one = stage.join(first_ms=first_ms)
    one.frames = 25  # in the middle of a group of pictures
    stage.run(3, one)
    assert not stage.is_waiting()
    assert stage.on_air() == [True]
    assert isinstance(stage.pipeline.events[0], Discontinuity)
    assert stage.pipeline.breaks == 1
    assert stage.media_s == sorted(stage.media_s)
    assert stage.media_s[0] == pytest.approx(65.0, abs=0.5)
    assert stage.pipeline.rejoined == [pytest.approx(stage.media_s[0], abs=0.1)]


@pytest.mark.parametrize(("set_by_s", "at_s"), [(-3600.0, 60.0), (3600.0, 64.0 + GRACE_S + CLOCK_SLACK_S)])
def test_a_clock_that_was_set_meanwhile_moves_media_time_neither_back_nor_far(set_by_s: float, at_s: float) -> None:
    stage = Stage()
    past = Before(4.0)
    past.clock_offset_s -= set_by_s
    stage.session.resume(cast(Past, past), 4.0, stage.now)
    assert stage.pipeline.ticks == [pytest.approx(at_s, abs=0.5)]


def test_notes_go_on_in_their_numbers() -> None:
    stage = resumed()
    one = stage.join()
    stage.run(1, one)
    one.publisher.annotate(Note(500, "onCuePoint", {"name": "goal"}))
    assert [cue.cue_id for cue in stage.pipeline.cues] == ["note-8"]


def test_the_key_is_known_by_its_digest() -> None:
    session = resumed().session
    assert session.has_key("key")
    assert not session.has_key("another")


async def test_a_suspended_session_cuts_its_publishers_and_stands_still() -> None:
    stage = Stage()
    one, two = stage.join(), stage.join(priority="-1")
    stage.run(3, one, two)
    stage.session.suspend(stage.now)
    assert (one.cut_with, two.cut_with) == ([STOPPED], [STOPPED])
    assert (stage.pipeline.is_suspended, stage.is_waiting(), stage.ends) == (True, True, [])
    ticks = len(stage.pipeline.ticks)
    stage.run(GRACE_S + 5, one)
    assert (len(stage.pipeline.ticks), stage.ends) == (ticks, [])


def test_a_session_that_has_shown_nothing_ends_instead() -> None:
    stage = Stage()
    stage.join()
    stage.session.suspend(stage.now)
    assert stage.ends == [STOPPED]


def test_an_older_answer_does_not_show_a_session_to_more_people() -> None:
    stage = Stage()
    asked = stage.now + 1
    stage.session.show_to("private", asked + 1, asked + 1)
    stage.session.show_to("public", asked, asked + 2)
    assert stage.session.entry(NodeId("n"), "http://origin").visibility == "private"
    stage.session.show_to("public", asked + 3, asked + 3)
    assert stage.session.visibility == "public"
    assert len(stage.changes) == 2


async def test_only_the_publisher_on_the_air_is_in_a_hurry_when_somebody_watches_closely() -> None:
    stage = Stage()
    main, spare = stage.join(priority="1"), stage.join()
    stage.run(3, main, spare)
    leave = stage.session.feeds.subscribe(["video"], list[FromFeed]().append, is_urgent=True)
    assert (main.publisher.is_urgent, spare.publisher.is_urgent) == (True, False)
    await lose(main)
    assert not main.publisher.is_urgent
    stage.run(3, spare)
    hurried = [spare.publisher.is_urgent]
    leave()
    assert [*hurried, spare.publisher.is_urgent] == [True, False]
