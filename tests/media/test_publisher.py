"""Claims of media.publisher: parameters, names, and what one connection is seen to send."""

import pytest

from media.packets import Packet, TrackKind
from media.publication import PublishAttempt, Refused
from media.publisher import FROZEN_S, VIDEO_WAIT_S, Publisher, readable_encoder
from tests.media.material import AUDIO_CONFIG, VIDEO_CONFIG


class Seat:
    """Takes everything and keeps nothing."""

    def configure(self, *_: object) -> None: ...
    def take(self, *_: object) -> None: ...
    def describe(self, *_: object) -> None: ...
    def annotate(self, *_: object) -> None: ...
    def leave(self, *_: object, is_lost: bool) -> None: ...
    def is_urgent(self, *_: object) -> bool:
        return False


def made(params: dict[str, str] | None = None, encoder: str = "x") -> tuple[Publisher, list[float]]:
    """A publisher in a seat, and its clock's time."""
    now = [100.0]
    publisher = Publisher(PublishAttempt("rtmp", "key", params or {}, "192.0.2.1", encoder), print, lambda: now[0])
    publisher.sit(Seat())
    return publisher, now


@pytest.mark.parametrize(
    ("params", "priority", "takes_over"),
    [
        ({}, 0, False),
        ({"priority": "-100"}, -100, False),
        ({"priority": "100", "takeover": "1"}, 100, True),
        ({"takeover": "0"}, 0, False),
        ({"takeover": "true"}, 0, True),
    ],
)
def test_parameters_say_who_goes_first(params: dict[str, str], priority: int, takes_over: bool) -> None:
    publisher, _ = made(params)
    assert (publisher.priority, publisher.takes_over) == (priority, takes_over)


@pytest.mark.parametrize("priority", ["", "101", "-101", "1.0", "high", "0x10", "9" * 9000])
def test_a_priority_that_is_none_is_refused(priority: str) -> None:
    with pytest.raises(Refused, match="whole number from -100 to 100"):
        made({"priority": priority})


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("obs-output module (libobs version 30.2.2)", "OBS 30.2.2"),
        ("obs-output module (libobs version 29.0)", "OBS 29.0"),
        ("FMLE/3.0 (compatible; Lavf60.16.100)", "FFmpeg (Lavf60.16)"),
        ("Lavf61.7.100", "FFmpeg (Lavf61.7)"),
        ("Larix/1.3", "Larix/1.3"),
        ("", ""),
    ],
)
def test_encoders_have_the_names_that_people_know(sent: str, shown: str) -> None:
    assert readable_encoder(sent) == shown


def test_a_decoder_begins_with_a_keyframe_or_after_a_while_with_sound() -> None:
    publisher, now = made()
    sound = Packet(TrackKind.AUDIO, 0, 0, True, b"x")
    keyframe = Packet(TrackKind.VIDEO, 0, 0, True, b"x")
    assert not publisher.can_begin_with(keyframe, now[0])  # nothing decodes it
    publisher.configure(AUDIO_CONFIG)
    assert not publisher.can_begin_with(sound, now[0])
    assert publisher.can_begin_with(sound, now[0] + VIDEO_WAIT_S)
    publisher.configure(VIDEO_CONFIG)
    assert not publisher.can_begin_with(sound, now[0] + VIDEO_WAIT_S)
    assert publisher.can_begin_with(keyframe, now[0])
    assert not publisher.can_begin_with(Packet(TrackKind.VIDEO, 0, 0, False, b"x"), now[0])


def test_silence_is_the_time_since_the_last_packet() -> None:
    publisher, now = made()
    publisher.configure(VIDEO_CONFIG)
    now[0] += 5
    publisher.push(Packet(TrackKind.VIDEO, 0, 0, True, b"x" * 100))
    assert not publisher.is_silent(now[0] + FROZEN_S)
    assert publisher.is_silent(now[0] + FROZEN_S + 0.1)
    health = publisher.health(now[0] + 1.25, is_on_air=True)
    assert (health.silent_ms, health.received_bytes, health.is_on_air) == (1250, 100, True)


def test_jitter_is_of_the_picture_and_not_of_the_sound_between() -> None:
    publisher, now = made()
    publisher.configure(AUDIO_CONFIG)
    publisher.configure(VIDEO_CONFIG)
    for number in range(200):
        now[0] += 0.04
        publisher.push(Packet(TrackKind.VIDEO, number * 40, number * 40, number == 0, b"x"))
        if number % 2:
            publisher.push(Packet(TrackKind.AUDIO, number * 40 + 900, number * 40 + 900, True, b"x"))
    assert publisher.health(now[0], is_on_air=True).jitter_ms == 0
