"""Many renditions in lockstep: what rungs of the ladder may do, and what must hold whatever they do."""

import itertools
import random
from collections import deque
from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.hls.planner import Plan, RungPlan, TrackPlan
from media.hls.segmenter import AUDIO, VIDEO, DiscontinuityMark, Gap, Init, Output, Packager, Part, SegmentEnd
from media.packets import VIDEO_TIMESCALE, CodecConfig, Discontinuity, Packet, TrackKind
from tests.media.hls.written import samples
from tests.media.material import AUDIO_CONFIG, VIDEO_CONFIG, audio_packets, interleaved, seconds, video_packets

HIGH, LOW = "720p", "360p"
PLAN = Plan(
    target_duration_s=2,
    segment_s=2.0,
    video=TrackPlan(VIDEO_CONFIG, 1 / 30, 0.334),
    audio=TrackPlan(AUDIO_CONFIG, 1024 / 48_000, 0.320),
    rungs={HIGH: RungPlan(1 / 30, 0.334), LOW: RungPlan(1 / 15, 0.334)},
)
RENDITIONS = (VIDEO, AUDIO, HIGH, LOW)
EVERY = {HIGH: 1, LOW: 2}
CONFIGS = {
    HIGH: msgspec.structs.replace(VIDEO_CONFIG, width=1280, height=720, record=VIDEO_CONFIG.record + b"h"),
    LOW: msgspec.structs.replace(VIDEO_CONFIG, width=640, height=360, record=VIDEO_CONFIG.record + b"l"),
}
SLATE = msgspec.structs.replace(VIDEO_CONFIG, record=VIDEO_CONFIG.record + b"s")


class Child:
    """Makes rungs as the process does: each frame some time after the source's, a keyframe at each boundary."""

    def __init__(self, packager: Packager, outputs: list[Output], lag_s: float = 0.1) -> None:
        self.lag_s = lag_s
        self.is_alive = True
        self._packager = packager
        self._outputs = outputs
        self._queues: dict[str, deque[Packet]] = {name: deque() for name in EVERY}
        self._owes_keyframe = dict.fromkeys(EVERY, True)
        self._has_source = False
        self._frames = 0
        for name in EVERY:
            outputs += packager.feed_rung(name, CONFIGS[name])

    def take(self, packet: Packet, *, is_boundary: bool) -> None:
        """Encode a frame, and hand out what is due."""
        if not self.is_alive:
            return
        if not self._has_source:
            if not packet.is_keyframe:
                return
            self._has_source = True
            self._owes_keyframe = dict.fromkeys(EVERY, True)
        for name, every in EVERY.items():
            self._owes_keyframe[name] |= is_boundary
            if self._frames % every == 0 or is_boundary:
                keyframe = self._owes_keyframe[name]
                self._owes_keyframe[name] = False
                self._queues[name].append(Packet(TrackKind.VIDEO, packet.pts, packet.pts, keyframe, packet.data))
        self._frames += 1
        self.hand_out(packet.dts - int(self.lag_s * VIDEO_TIMESCALE))

    def hand_out(self, until: int) -> None:
        for name, queue in self._queues.items():
            while queue and queue[0].dts <= until:
                self._outputs += self._packager.feed_rung(name, queue.popleft())

    def break_(self) -> None:
        """Take the source's break: the next frame is a keyframe."""
        self._owes_keyframe = dict.fromkeys(EVERY, True)
        self._has_source = False

    def die(self, *, is_told: bool) -> None:
        """Lose what is not handed out; the packager may be told of it."""
        self.is_alive = self._has_source = False
        for name, queue in self._queues.items():
            queue.clear()
            if is_told:
                self._outputs += self._packager.lose(name)

    def return_(self) -> None:
        self.is_alive = True
        for name in EVERY:
            self._outputs += self._packager.feed_rung(name, CONFIGS[name])


class Stage:
    """A source, a child and the packager between them."""

    def __init__(self, lag_s: float = 0.1, delay: int = 0) -> None:
        self.delay = delay  # presentation minus decode time of the source
        self.packager = Packager(PLAN)
        self.outputs: list[Output] = []
        self.child = Child(self.packager, self.outputs, lag_s)
        self.at_s = 0.0
        self._is_fresh = True

    def play(self, length_s: float, *, gop: int = 60, picture: bool = True, sound: bool = True) -> None:
        frames = video_packets(length_s, start_s=self.at_s, delay=self.delay) if picture else []
        for frame in frames:
            frame.is_keyframe = self._is_fresh or round(frame.dts / 3000) % gop == 0
            self._is_fresh = False
        units = audio_packets(length_s, start_s=self.at_s) if sound else []
        self.feed(interleaved(frames, units))
        self.at_s += length_s

    def feed(self, packets: Iterable[Packet]) -> None:
        for packet in packets:
            self.outputs += self.packager.feed(packet)
            if packet.kind is TrackKind.VIDEO:
                is_boundary, self.packager.is_boundary = self.packager.is_boundary, False
                self.child.take(packet, is_boundary=is_boundary)

    def jump(self) -> None:
        self.outputs += self.packager.feed(Discontinuity("a test"))
        self.child.break_()
        self._is_fresh = True

    def finish(self) -> None:
        self.child.hand_out(1 << 60)
        self.outputs += self.packager.finish()

    def parts(self, name: str) -> list[Part]:
        return [output for output in self.outputs if isinstance(output, Part) and output.rendition == name]

    def ends(self, name: str) -> list[SegmentEnd | Gap]:
        return [out for out in self.outputs if isinstance(out, SegmentEnd | Gap) and out.rendition == name]

    def gaps(self, name: str) -> list[int]:
        return [out.msn for out in self.outputs if isinstance(out, Gap) and out.rendition == name]

    def marks(self, name: str) -> list[int]:
        """Return the numbers of the segments that do not join."""
        found, msn = [], 0
        for output in self.outputs:
            if output.rendition != name:
                continue
            if isinstance(output, SegmentEnd | Gap):
                msn = output.msn + 1
            elif isinstance(output, DiscontinuityMark) and msn and msn not in found:
                found.append(msn)
        return found

    def starts(self, name: str) -> dict[int, float]:
        """Return when each segment begins, by its number."""
        found: dict[int, float] = {}
        for output in self.outputs:
            if output.rendition == name and isinstance(output, Part | Gap):
                found.setdefault(output.msn, output.start_s)
        return found


def check(stage: Stage) -> None:
    """What must hold of any run that is finished."""
    counts = {name: [end.msn for end in stage.ends(name)] for name in RENDITIONS}
    assert counts[VIDEO] == list(range(len(counts[VIDEO])))
    assert all(numbers == counts[VIDEO] for numbers in counts.values()), "renditions number alike"
    marks = {name: stage.marks(name) for name in RENDITIONS}
    assert all(numbers == marks[VIDEO] for numbers in marks.values()), "discontinuities are at equal numbers"
    begins = [stage.starts(name) for name in (VIDEO, AUDIO)]
    for name in RENDITIONS:
        target_s = PLAN.rungs[name].part_target_s if name in PLAN.rungs else 0.334
        newest = last = -(1 << 62)
        for end in stage.ends(name):
            assert end.duration_s < 2.5, "TARGETDURATION 2 is kept"
        by_msn: dict[int, list[Part]] = {}
        for part in stage.parts(name):
            by_msn.setdefault(part.msn, []).append(part)
            inside = samples(part)
            if part.msn in marks[VIDEO] and not part.index:
                newest = last  # how long the last one before a break lasts is a guess
            assert part.duration_s <= target_s + 1e-9 or len(inside) == 1
            assert part.is_independent == any(sample.is_sync for sample in inside)
            assert inside[0].dts >= newest, "nothing is written over what is there"
            last = inside[-1].dts + 1
            newest = inside[-1].dts + inside[-1].duration
        ends = {end.msn: end for end in stage.ends(name)}
        assert by_msn.keys() <= ends.keys()
        for msn, inside_parts in by_msn.items():
            assert [part.index for part in inside_parts] == list(range(len(inside_parts)))
            assert isinstance(ends[msn], SegmentEnd)
        assert all(isinstance(end, Gap) == (msn not in by_msn) for msn, end in ends.items())
        if name in EVERY:
            check_rung(stage, name, by_msn, ends, begins)


def check_rung(
    stage: Stage,
    name: str,
    by_msn: dict[int, list[Part]],
    ends: dict[int, SegmentEnd | Gap],
    begins: list[dict[int, float]],
) -> None:
    marks = stage.marks(name)
    for msn, parts in by_msn.items():
        # Where one track of the source begins a segment late, the other tells where it begins.
        begin_s = min(starts[msn] for starts in begins)
        assert parts[0].start_s >= begin_s - 1e-3, "content is that of the same number in the source"
        if msn + 1 in begins[0] and msn + 1 not in marks:
            assert parts[-1].start_s < max(starts[msn + 1] for starts in begins) + 1e-3
        if not msn or msn in marks or isinstance(ends[msn - 1], Gap):
            assert samples(parts[0])[0].is_sync, "it begins with something to decode"


# --- examples -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lag_s", [0.0, 0.1, 1.0, 1.9])
@pytest.mark.parametrize("delay", [0, 6000])
def test_rungs_hold_what_the_source_holds_however_late_they_are(lag_s: float, delay: int) -> None:
    stage = Stage(lag_s, delay)
    stage.play(12)
    stage.finish()
    check(stage)
    assert [len(stage.ends(name)) for name in RENDITIONS] == [6] * 4
    assert not any(stage.gaps(name) for name in RENDITIONS)
    begins = stage.starts(VIDEO)
    for name in (HIGH, LOW):
        assert stage.starts(name) == pytest.approx(begins)
        assert [end.duration_s for end in stage.ends(name)] == pytest.approx([2.0] * 6, abs=0.07)
    assert sum(len(samples(part)) for part in stage.parts(HIGH)) == 360


def test_a_rung_that_is_later_than_three_seconds_has_gaps_and_then_keeps_its_place() -> None:
    stage = Stage()
    stage.play(4)
    stage.child.lag_s = 6.0
    stage.play(8)
    stage.child.lag_s = 0.1
    stage.play(4)
    stage.finish()
    check(stage)
    assert not stage.gaps(VIDEO)
    assert 1 <= len(stage.gaps(HIGH)) <= 4
    assert stage.packager.dropped_of_rungs[HIGH] > 0
    assert stage.packager.dropped_packets == 0
    assert isinstance(stage.ends(HIGH)[-1], SegmentEnd)


def test_a_lost_rung_ends_at_once_and_comes_back_at_a_keyframe_on_the_same_timeline() -> None:
    stage = Stage()
    stage.play(5)
    stage.child.die(is_told=True)
    shown = stage.parts(HIGH)[-1]
    assert shown.start_s + shown.duration_s > 4.8, "all that came is published"
    stage.play(3.2)
    assert stage.gaps(HIGH) == [3], "each boundary is a gap as soon as it is known"
    stage.child.return_()
    stage.play(8)
    stage.finish()
    check(stage)
    assert stage.marks(HIGH) == []
    assert [out.number for out in stage.outputs if isinstance(out, Init) and out.rendition == HIGH] == [1]
    assert stage.gaps(HIGH) == [3, 4], "the child begins at a keyframe, at 10 s"


def test_a_rung_that_is_never_heard_of_has_gaps_all_the_way() -> None:
    stage = Stage()
    stage.child.is_alive = False
    stage.play(12)
    assert len(stage.gaps(HIGH)) == 4, "three seconds behind the source"
    stage.finish()
    check(stage)
    assert len(stage.gaps(HIGH)) == 6


def test_packets_without_a_configuration_are_dropped() -> None:
    packager = Packager(PLAN)
    packager.feed(video_packets(0.1)[0])
    assert packager.feed_rung(HIGH, video_packets(0.1)[0]) == []
    assert packager.dropped_of_rungs[HIGH] == 1


def test_a_jump_of_the_clock_is_one_discontinuity_everywhere_and_late_packets_of_before_are_dropped() -> None:
    stage = Stage(1.5)
    stage.play(5)
    stage.jump()
    stage.at_s = 5.2
    stage.play(6)
    stage.finish()
    check(stage)
    assert {name: stage.marks(name) for name in RENDITIONS} == {key: [3] for key in RENDITIONS}
    assert stage.packager.dropped_of_rungs[HIGH] == pytest.approx(45, abs=2)
    assert stage.starts(HIGH)[3] == pytest.approx(5.2)


def test_a_new_configuration_of_a_rung_waits_for_a_keyframe_and_breaks_all() -> None:
    stage = Stage()
    stage.play(5)
    stage.child.die(is_told=True)
    other = msgspec.structs.replace(CONFIGS[HIGH], record=CONFIGS[HIGH].record + b"x")
    before = len(stage.parts(VIDEO))
    stage.outputs += stage.packager.feed_rung(HIGH, other)
    stage.child.is_alive = True
    stage.play(5)
    stage.finish()
    check(stage)
    assert {name: stage.marks(name) for name in RENDITIONS} == {key: [3] for key in RENDITIONS}
    assert [out.config for out in stage.outputs if isinstance(out, Init) and out.rendition == HIGH][-1] == other
    assert sum(len(samples(part)) for part in stage.parts(VIDEO)) == 300, "the source loses nothing"
    assert before < len(stage.parts(VIDEO))
    assert not stage.gaps(VIDEO)


def slate(packager: Packager, start_s: float, length_s: float) -> list[Output]:
    outputs: list[Output] = []
    for packet in video_packets(length_s, fps=10, gop=20, start_s=start_s):
        for name in (VIDEO, HIGH, LOW):
            copy = msgspec.structs.replace(packet)
            outputs += packager.feed(copy) if name == VIDEO else packager.feed_rung(name, copy)
    return outputs


def test_a_slate_is_one_discontinuity_and_the_return_another() -> None:
    stage = Stage(0.5)
    stage.play(5)
    configs: dict[str, CodecConfig] = {VIDEO: SLATE, HIGH: SLATE, LOW: SLATE}
    stage.outputs += stage.packager.splice(configs)
    stage.outputs += slate(stage.packager, 5.1, 6)
    stage.jump()
    stage.outputs += stage.packager.splice({VIDEO: VIDEO_CONFIG, **CONFIGS})
    stage.at_s = 11.5
    stage.play(4)
    stage.finish()
    check(stage)
    assert {name: stage.marks(name) for name in RENDITIONS} == {key: [3, 6] for key in RENDITIONS}
    for name in (VIDEO, HIGH, LOW):
        assert [out.number for out in stage.outputs if isinstance(out, Init) and out.rendition == name] == [1, 2, 3]
        assert stage.gaps(name) == []
        assert stage.starts(name)[3] == pytest.approx(5.1)
    assert stage.gaps(AUDIO) == [3, 4, 5]


def test_without_a_slate_there_are_gaps_of_the_usual_length_everywhere() -> None:
    stage = Stage(1.0)
    stage.play(5)
    for until_s in (5.5, 6.5):
        stage.outputs += stage.packager.leave_gap(until_s)
    stage.child.hand_out(1 << 60)
    for until_s in (7.5, 8.5, 9.5, 10.5):
        stage.outputs += stage.packager.leave_gap(until_s)
    stage.outputs += stage.packager.leave_gap(14.5)
    assert stage.gaps(VIDEO) == [3, 4, 5, 6]
    assert [end.duration_s for end in stage.ends(VIDEO)][2:] == pytest.approx([1.0, 2, 2, 2, 2])
    stage.jump()
    stage.at_s = 15.0
    stage.play(4)
    stage.finish()
    check(stage)
    assert {name: stage.gaps(name) for name in RENDITIONS} == {key: [3, 4, 5, 6] for key in RENDITIONS}
    assert stage.marks(VIDEO) == [7]
    assert stage.starts(HIGH)[7] == pytest.approx(15.0)


def test_sound_that_goes_on_alone_ends_segments_of_rungs_too() -> None:
    stage = Stage()
    stage.play(4)
    stage.play(10, picture=False)
    stage.play(4)
    stage.finish()
    check(stage)
    assert len(stage.gaps(HIGH)) >= 3


def test_a_rung_that_leaves_frames_out_fills_no_segment_beyond_its_end() -> None:
    stage = Stage()
    stage.play(5)
    frames = video_packets(8, start_s=5)
    stage.feed(interleaved(frames[:20], audio_packets(20 / 30, start_s=5)))
    stage.child.is_alive = False  # without dying: it drops frames before it encodes
    stage.feed(frames[20:75])
    stage.child.is_alive = True
    stage.feed(frames[75:])
    stage.finish()
    check(stage)


def test_a_picture_before_a_hole_does_not_last_far_into_the_next_segment() -> None:
    stage = Stage()
    stage.play(3.5)
    stage.child.is_alive = False
    stage.play(1.9)
    stage.child.is_alive = True
    stage.play(2.6)
    stage.finish()
    check(stage)
    assert stage.ends(HIGH)[1].duration_s == pytest.approx(2.0)
    assert stage.starts(HIGH)[2] == pytest.approx(5.4, abs=0.7)


# --- any run ------------------------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "play",
                "play",
                "play",
                "long gop",
                "lag",
                "jump",
                "die",
                "hang",
                "return",
                "slate",
                "gap",
                "mute",
                "blind",
                "reconfigure",
                "drop",
            ]
        ),
        st.floats(0.05, 5),
    ),
    min_size=1,
    max_size=10,
)


def perform(stage: Stage, step: str, amount: float, dice: random.Random) -> None:
    packager, child = stage.packager, stage.child
    match step:
        case "play":
            stage.play(amount, gop=dice.choice([15, 30, 60, 75]))
        case "long gop":
            stage.play(amount * 2, gop=300)
        case "lag":
            child.lag_s = amount
        case "jump":
            stage.jump()
            stage.at_s += dice.choice([0.001, 0.3, amount])
        case "die" | "hang":
            child.die(is_told=step == "die")
        case "return":
            child.return_()
        case "mute" | "blind":
            stage.play(amount, sound=step == "blind", picture=step == "mute")
        case "drop":
            is_alive, child.is_alive = child.is_alive, False
            stage.play(amount)
            child.is_alive = is_alive
        case "reconfigure":
            config = msgspec.structs.replace(CONFIGS[HIGH], record=CONFIGS[HIGH].record + bytes([dice.randrange(3)]))
            stage.outputs += packager.feed_rung(HIGH, config)
        case "gap":
            stage.at_s += amount
            stage.outputs += packager.leave_gap(stage.at_s)
            stage.jump()
            stage.at_s += 0.01
        case "slate":
            configs: dict[str, CodecConfig] = {VIDEO: SLATE, HIGH: SLATE, LOW: SLATE}
            stage.outputs += packager.splice(configs)
            stage.outputs += slate(packager, stage.at_s + 0.01, amount)
            stage.at_s += amount + 0.02
            stage.jump()
            stage.outputs += packager.splice({VIDEO: VIDEO_CONFIG, **CONFIGS})


@settings(deadline=None, max_examples=50)
@given(steps=STEPS, seed=st.integers(0, 1000))
def test_renditions_stay_in_step_through_anything(steps: list[tuple[str, float]], seed: int) -> None:
    dice = random.Random(seed)
    stage = Stage(delay=dice.choice([0, 6000]))
    for step, amount in steps:
        perform(stage, step, amount, dice)
    stage.play(2)
    stage.finish()
    check(stage)


@settings(deadline=None, max_examples=25)
@given(lags=st.lists(st.floats(0, 2.0), min_size=4, max_size=12), delay=st.sampled_from([0, 3000, 6000]))
def test_lags_below_two_seconds_cost_nothing(lags: list[float], delay: int) -> None:
    stage = Stage(delay=delay)
    for lag_s in lags:
        stage.child.lag_s = lag_s
        stage.play(1.5, gop=45)
    stage.finish()
    check(stage)
    assert not any(stage.gaps(name) for name in RENDITIONS)
    assert stage.packager.dropped_of_rungs == {HIGH: 0, LOW: 0}
    assert sum(len(samples(part)) for part in stage.parts(HIGH)) == 45 * len(lags)
    for before, after in itertools.pairwise(stage.parts(HIGH)):
        assert after.start_s == pytest.approx(before.start_s + before.duration_s, abs=1e-6)


def test_frames_are_those_that_were_sent() -> None:
    stage = Stage(0.7)
    stage.play(6)
    stage.finish()
    sent = [packet.data for packet in video_packets(6)]
    assert [sample.data for part in stage.parts(HIGH) for sample in samples(part)] == sent
    assert [seconds(packet) for packet in video_packets(6)][::60] == pytest.approx(list(stage.starts(HIGH).values()))
