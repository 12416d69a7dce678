import pytest

from media.packets import TrackKind
from media.webrtc.watch.admission import NothingFits, Sending
from media.webrtc.watch.answering import accept
from media.webrtc.watch.sender import PLAYOUT_DELAY
from tests.media.webrtc.watch.offers import AUDIO, VIDEO, offer

PICTURES = Sending(TrackKind.VIDEO, 11, 12, "64001e")
SOUND = Sending(TrackKind.AUDIO, 21)


def test_the_profile_that_is_sent_is_taken_with_its_retransmissions() -> None:
    pictures, sound = accept(offer(), [PICTURES, SOUND])
    assert (pictures.codec.payload_type, pictures.codec.rtx) == (106, 107)
    assert (pictures.ssrc, pictures.rtx_ssrc, pictures.direction) == (11, 12, "sendonly")
    assert pictures.extensions == {PLAYOUT_DELAY: 5}
    assert (sound.codec.payload_type, sound.ssrc) == (111, 21)
    assert sound.codec.parameters["sprop-stereo"] == "1"


def test_another_profile_is_taken_where_the_right_one_is_missing() -> None:
    baseline = Sending(TrackKind.VIDEO, 11, 12, "42c01e")
    assert accept(offer(), [baseline])[0].codec.payload_type == 102
    main = Sending(TrackKind.VIDEO, 11, 12, "4d401e")
    assert accept(offer(), [main])[0].codec.payload_type == 106  # who decodes High decodes Main


def test_lost_sound_may_be_asked_for_where_a_page_offers_to() -> None:
    asking = AUDIO.replace("a=rtpmap:0", "a=rtcp-fb:111 nack\na=rtpmap:0")
    [_, sound] = accept(offer(VIDEO, asking), [PICTURES, SOUND])
    assert set(sound.feedback) & set(sound.codec.feedback) == {"nack"}
    [_, plain] = accept(offer(), [PICTURES, SOUND])
    assert not set(plain.feedback) & set(plain.codec.feedback)


def test_without_retransmissions_there_is_no_second_number() -> None:
    plain = VIDEO.replace("a=fmtp:107 apt=106\n", "")
    assert accept(offer(plain), [PICTURES])[0].rtx_ssrc == 0


def test_who_wants_sound_alone_gets_it() -> None:
    [sound] = accept(offer(AUDIO.replace("mid:1", "mid:0")), [PICTURES, SOUND])
    assert sound.offered.kind == "audio"


@pytest.mark.parametrize(
    "pictures",
    [
        VIDEO.replace("H264", "H265"),
        VIDEO.replace("packetization-mode=1", "packetization-mode=0"),
        VIDEO.replace("recvonly", "sendonly"),
    ],
)
def test_who_cannot_take_the_pictures_is_told_what_they_are(pictures: str) -> None:
    with pytest.raises(NothingFits, match="H264/90000 with packetization-mode=1"):
        accept(offer(pictures, AUDIO), [PICTURES, SOUND])
