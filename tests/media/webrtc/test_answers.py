"""Claims of media.webrtc.answers: aiortc, as a strict reader, understands them."""

from aiortc.sdp import SessionDescription

from media.webrtc.answers import AcceptedMedia, Candidate, Credentials, Ours, write_answer
from media.webrtc.whip.accepting import accept
from tests.media.webrtc.captured import chromium

OURS = Ours(Credentials("u" * 16, "p" * 32), "AB:CD", "passive", (Candidate("192.0.2.7", 5000), Candidate("::1", 5000)))


def test_each_line_of_the_offer_is_answered_in_its_place() -> None:
    offer = chromium()
    read = SessionDescription.parse(write_answer(offer, accept(offer), OURS))
    assert [(each.kind, each.port == 0) for each in read.media] == [
        (each.kind, each.kind == "application") for each in offer.media
    ]
    assert read.group[0].items == ["0", "1"]
    first = read.media[0]
    assert first.ice is not None
    assert first.ice.iceLite
    assert [(each.ip, each.port) for each in first.ice_candidates] == [("192.0.2.7", 5000), ("::1", 5000)]
    assert first.ice_candidates[0].priority > first.ice_candidates[1].priority
    assert first.ice_candidates_complete
    assert (first.ice.usernameFragment, first.ice.password) == ("u" * 16, "p" * 32)
    assert first.dtls is not None
    assert first.dtls.role == "server"


def test_one_codec_and_its_retransmissions_are_left() -> None:
    offer = chromium()
    read = SessionDescription.parse(write_answer(offer, accept(offer, bitrate_kbps=6000), OURS))
    video = next(each for each in read.media if each.kind == "video")
    assert [each.mimeType for each in video.rtp.codecs] == ["video/H264", "video/rtx"]
    assert video.direction == "recvonly"
    assert "b=AS:6000" in write_answer(offer, accept(offer, bitrate_kbps=6000), OURS)
    assert "b=AS" not in write_answer(offer, accept(offer), OURS)


def test_what_we_send_is_announced_with_its_sources() -> None:
    offer = chromium()
    (video,) = offer.of_kind("video")
    codec = next(each for each in video.codecs if each.name == "H264")
    sent = AcceptedMedia(video, codec, "sendonly", ssrc=11, rtx_ssrc=12, cname="c")
    read = SessionDescription.parse(write_answer(offer, [sent], OURS))
    media = next(each for each in read.media if each.kind == "video")
    assert [(each.ssrc, each.cname) for each in media.ssrc] == [(11, "c"), (12, "c")]
    assert [(each.semantic, each.items) for each in media.ssrc_group] == [("FID", [11, 12])]
    assert media.msid == "tallylight video"
