import msgspec
import pytest

from media.codecs.annexb import avcc
from media.links.messages import AUDIO, SOUND, VIDEO, Track
from media.packets import CodecConfig, TrackKind
from media.webrtc.watch.choice import Choice, choose
from media.webrtc.watch.making import own_rung
from tests.media.material import AUDIO_CONFIG

SPS = bytes.fromhex("6764001facd9405005bb0110000003001000000303c0f1831960")  # x264, 1280x720
HIGH = CodecConfig(TrackKind.VIDEO, "avc1", avcc([SPS], [bytes.fromhex("68ebe3cb22c0")]), width=1280, height=720)
HEVC = CodecConfig(TrackKind.VIDEO, "hvc1", b"", width=1920, height=1080)
HIGH_10 = msgspec.structs.replace(HIGH, record=HIGH.record.replace(b"\x64", b"\x6e"))
OPUS = CodecConfig(TrackKind.AUDIO, "Opus", bytes.fromhex("0002 0138 0000bb80 0000 00"), sample_rate=48_000, channels=2)
SURROUND = msgspec.structs.replace(OPUS, record=OPUS.record[:-1] + b"\x01" + bytes(8), channels=6)


def rung(name: str, height: int) -> Track:
    return Track(name, msgspec.structs.replace(HIGH, height=height), frame_rate=30)


def test_a_source_that_browsers_take_goes_as_it_is() -> None:
    tracks = [Track(VIDEO, HIGH), Track(SOUND, OPUS), Track(AUDIO, AUDIO_CONFIG), rung("480p", 480)]
    assert choose(tracks) == Choice(VIDEO, SOUND)


@pytest.mark.parametrize("source", [Track(VIDEO, HIGH, is_reordered=True), Track(VIDEO, HEVC), Track(VIDEO, HIGH_10)])
def test_else_the_rung_nearest_to_it_does(source: Track) -> None:
    assert choose([source, rung("360p", 360), rung("720p", 720), rung("480p", 480)]).pictures == "720p"


def test_else_it_is_coded_again() -> None:
    assert choose([Track(VIDEO, HEVC)]) == Choice(VIDEO, makes_pictures=True)


def test_sound_of_any_kind_becomes_opus() -> None:
    assert choose([Track(SOUND, AUDIO_CONFIG)]) == Choice("", SOUND, makes_sound=True)
    assert choose([Track(SOUND, SURROUND), Track(AUDIO, AUDIO_CONFIG)]) == Choice("", SOUND, makes_sound=True)


def test_nothing_is_chosen_of_nothing() -> None:
    assert choose([]) == Choice()
    assert choose([Track(VIDEO, msgspec.structs.replace(HEVC, fourcc="vvc1"))]).tracks == []


@pytest.mark.parametrize(("size", "made"), [((1920, 1080), (1280, 720)), ((640, 360), (640, 360))])
def test_what_is_coded_again_has_at_most_720_lines(size: tuple[int, int], made: tuple[int, int]) -> None:
    found = own_rung(Track(VIDEO, msgspec.structs.replace(HEVC, width=size[0], height=size[1]), frame_rate=60))
    assert found is not None
    assert (found.width, found.height, found.frame_rate) == (*made, 30)


def test_a_source_without_a_size_is_not_coded_again() -> None:
    assert own_rung(Track(VIDEO, msgspec.structs.replace(HEVC, width=0, height=0))) is None
