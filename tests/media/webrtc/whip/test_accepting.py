"""Claims of media.webrtc.whip.accepting."""

import pytest

from media.webrtc.offers import read_offer
from media.webrtc.whip import arrivals
from media.webrtc.whip.accepting import NotAcceptable, accept
from tests.media.webrtc.captured import FFMPEG, chromium


def test_chromium_sends_h264_in_fragments_and_stereo() -> None:
    video, sound = accept(chromium())
    assert (video.codec.name, sound.codec.name) == ("H264", "OPUS")
    assert video.parameters is not None
    assert video.parameters["packetization-mode"] == "1"
    assert video.parameters["profile-level-id"].endswith("34")
    assert video.codec.rtx is not None
    assert list(video.extensions) == list(sound.extensions) == [arrivals.URI]
    assert sound.parameters is not None
    assert sound.parameters["stereo"] == "1"


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ((b"H264", b"VP9X"), "H.264"),
        ((b"opus", b"silk"), "Opus"),
        ((b"packetization-mode=1", b"packetization-mode=2"), "H.264"),
        ((b"a=sendonly", b"a=recvonly"), "neither"),
        ((b"m=audio 9", b"m=video 9"), "2 are offered"),
    ],
)
def test_what_cannot_be_taken_is_said(damage: tuple[bytes, bytes], said: str) -> None:
    with pytest.raises(NotAcceptable, match=said):
        accept(read_offer(FFMPEG.replace(*damage)))


def test_sound_alone_and_pictures_alone_are_taken() -> None:
    for gone, left in ((b"m=video 9", "audio"), (b"m=audio 9", "video")):
        offer = read_offer(FFMPEG.replace(gone, gone[:-1] + b"0"))
        assert [each.offered.kind for each in accept(offer)] == [left]
