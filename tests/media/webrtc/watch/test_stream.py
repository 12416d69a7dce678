import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.packets import Packet, TrackKind
from media.webrtc.watch.history import MAX_GOP_PACKETS, History, Unit
from media.webrtc.watch.reports import ntp
from media.webrtc.watch.stream import LEAD_S, Stream
from tests.media.material import VIDEO_CONFIG

OPUS_20_MS = b"\xfc" + b"x" * 80
FRAME = 3_000


def picture(at: int, *, key: bool = False, dts: int | None = None) -> Packet:
    unit = b"\x65idr" if key else b"\x41slice"
    data = len(unit).to_bytes(4, "big") + unit
    return Packet(TrackKind.VIDEO, at if dts is None else dts, at, key, data)


def sound(at: int) -> Packet:
    return Packet(TrackKind.AUDIO, at, at, True, OPUS_20_MS)


def stream() -> Stream:
    made = Stream()
    made.configure(VIDEO_CONFIG)
    return made


def stamps(units: list[Unit | None]) -> list[int]:
    found = [unit.timestamp for unit in units if unit is not None]
    return [each - found[0] for each in found]


def test_pictures_begin_with_a_keyframe_after_each_configuration_and_break() -> None:
    made = stream()
    assert made.pictures(picture(0)) is None
    assert made.pictures(picture(FRAME, key=True)) is not None
    assert made.pictures(picture(2 * FRAME)) is not None
    made.interrupt()
    assert made.histories[TrackKind.VIDEO].gop == []
    assert made.pictures(picture(3 * FRAME)) is None
    assert made.pictures(picture(4 * FRAME, key=True)) is not None
    made.configure(VIDEO_CONFIG)
    assert made.pictures(picture(5 * FRAME)) is None


def test_a_feed_that_begins_again_before_its_end_goes_on_with_the_next_keyframe() -> None:
    made = stream()
    for at in range(3):
        made.pictures(picture(at * FRAME, key=not at))
    again = [made.pictures(picture(at * FRAME, key=at in {0, 5})) for at in range(7)]
    assert [unit is not None for unit in again] == [False] * 5 + [True, True]


def test_stamps_of_pictures_are_media_time() -> None:
    made = stream()
    assert stamps([made.pictures(picture(at, key=not at)) for at in (0, 3003, 6006, 9009)]) == [0, 3003, 6006, 9009]


def test_stamps_of_sound_have_no_gaps_when_the_sources_tremble() -> None:
    """Browsers make up a piece of sound for each stamp that is not where the last packet ended."""
    made = stream()
    wandering = [0, 959, 1921, 2875, 3842, 4800, 5700]
    assert stamps([made.sound(sound(at)) for at in wandering]) == [960 * index for index in range(7)]


def test_a_hole_in_the_sound_stays_one() -> None:
    made = stream()
    assert stamps([made.sound(sound(at)) for at in (0, 960, 48_000, 48_960)]) == [0, 960, 48_000, 48_960]


def test_sound_that_was_sent_is_not_sent_again() -> None:
    made = stream()
    sent = [made.sound(sound(at)) for at in (48_000, 48_960, 0, 960, 49_920)]
    assert [unit is not None for unit in sent] == [True, True, False, False, True]


@given(st.lists(st.integers(-1500, 1500), min_size=1, max_size=60))
def test_no_trembling_moves_sound_away_from_its_stamps(offs: list[int]) -> None:
    made = stream()
    for index, off in enumerate(offs):
        at = 96_000 + index * 960 + off
        unit = made.sound(sound(at))
        if unit is not None:
            assert abs(unit.timestamp - made._offsets[TrackKind.AUDIO] - at) <= 1920


@pytest.mark.parametrize("data", [b"", b"\xfc" + bytes(1300)])
def test_sound_that_no_packet_holds_is_counted(data: bytes) -> None:
    made = stream()
    assert made.sound(Packet(TrackKind.AUDIO, 0, 0, True, data)) is None
    assert made.broken_units == 1


def test_one_clock_holds_both_tracks_together() -> None:
    made = stream()
    unit = made.pictures(picture(90_000, key=True))
    heard = made.sound(sound(48_000))
    assert unit is not None
    assert heard is not None
    assert made.ntp_of(TrackKind.VIDEO, unit.timestamp) is None
    made.clock(TrackKind.VIDEO, 90_000, 1000.0)
    made.clock(TrackKind.AUDIO, 48_000, 1000.3)  # it came later, and is of the same time
    assert made.ntp_of(TrackKind.VIDEO, unit.timestamp) == ntp(1000.0)
    assert made.ntp_of(TrackKind.AUDIO, heard.timestamp) == ntp(1000.0 + LEAD_S[TrackKind.AUDIO])
    assert LEAD_S[TrackKind.AUDIO] < 0.125  # nobody notices


def test_the_bitrate_is_measured() -> None:
    made = stream()
    for at in range(100):
        made.pictures(picture(at * FRAME, key=not at))
    assert abs(made.bps - (4 + 6) * 8 * 30) < 0.1 * made.bps


def test_a_gop_that_is_too_long_is_not_kept() -> None:
    history = History()
    history.add([b"x"], 0, is_keyframe=True)
    history.add([b"x"] * MAX_GOP_PACKETS, 1, is_keyframe=False)
    assert history.gop == []
    history.add([b"x"], 2, is_keyframe=False)
    assert history.gop == []
    history.add([b"x"], 3, is_keyframe=True)
    assert len(history.gop) == 1
