"""Claims of media.webrtc.whip.clock."""

import pytest

from media.webrtc.whip.clock import STEP_TICKS, CommonClock
from media.webrtc.whip.feedback import SenderReport

VIDEO, SOUND = 1, 2
FIRST_VIDEO, FIRST_SOUND = 4_000_000_000, 1_000
ZERO_NTP_S = 3_900_000_000


def report(ssrc: int, first: int, rate: int, at_s: float) -> SenderReport:
    """What a sender says whose tracks both began at second 0 of its clock."""
    ntp_time = round((ZERO_NTP_S + at_s) * (1 << 32))
    return SenderReport(ssrc, ntp_time, (first + round(at_s * rate)) & 0xFFFF_FFFF)


@pytest.fixture
def clock() -> CommonClock:
    """Sound was heard at once, pictures were 60 ms late."""
    made = CommonClock()
    made.begin(SOUND, 48_000, FIRST_SOUND, 10.0)
    made.begin(VIDEO, 90_000, FIRST_VIDEO, 10.06)
    return made


def apart(clock: CommonClock, at_s: int) -> int:
    """How far pictures are behind sound of the same moment, in 90 kHz."""
    video = clock.ticks(VIDEO, FIRST_VIDEO + at_s * 90_000)
    return video - clock.ticks(SOUND, FIRST_SOUND + at_s * 48_000)


def test_before_reports_tracks_go_by_when_they_came(clock: CommonClock) -> None:
    assert apart(clock, 0) == 5_400
    assert not clock.is_in_step()


def test_reports_bring_tracks_into_step(clock: CommonClock) -> None:
    clock.report(report(SOUND, FIRST_SOUND, 48_000, 1.0))
    assert not clock.is_in_step()
    clock.report(report(VIDEO, FIRST_VIDEO, 90_000, 1.5))
    assert clock.is_in_step()
    errors = [abs(apart(clock, at_s)) for at_s in range(30)]
    assert errors[0] >= errors[5] >= errors[29]
    assert errors[29] <= 300


def test_a_great_error_is_corrected_at_once() -> None:
    clock = CommonClock()
    clock.begin(SOUND, 48_000, FIRST_SOUND, 10.0)
    clock.begin(VIDEO, 90_000, FIRST_VIDEO, 10.0 + 2 * STEP_TICKS / 90_000)
    clock.report(report(SOUND, FIRST_SOUND, 48_000, 0.0))
    clock.report(report(VIDEO, FIRST_VIDEO, 90_000, 0.0))
    assert abs(apart(clock, 0)) <= 1


def test_stamps_go_on_over_the_wrap_and_follow_a_drift(clock: CommonClock) -> None:
    for at_s in range(0, 7_200, 5):
        clock.report(report(VIDEO, FIRST_VIDEO, 90_000, at_s))
        # a sound card that is 104 ppm fast
        clock.report(report(SOUND, FIRST_SOUND, 48_005, at_s))
        video = clock.ticks(VIDEO, FIRST_VIDEO + at_s * 90_000)
        sound = clock.ticks(SOUND, FIRST_SOUND + round(at_s * 48_005))
    assert abs(video - sound) < 90 * 15


def test_strangers_reports_change_nothing(clock: CommonClock) -> None:
    clock.report(report(99, 0, 90_000, 5.0))
    clock.report(SenderReport(VIDEO, 0, 0))
    assert apart(clock, 1) == 5_400
