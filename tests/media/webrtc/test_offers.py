"""Claims of media.webrtc.offers, on offers of real clients and on what nobody sends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.webrtc.offers import MAX_MEDIA, MAX_OFFER_BYTES, BadOffer, Offer, read_offer
from tests.media.webrtc.captured import CHROMIUM, FFMPEG


def test_chromium_offers_camera_microphone_and_a_data_channel() -> None:
    offer = read_offer(CHROMIUM)
    assert [(each.kind, each.mid, each.is_rejected) for each in offer.media] == [
        ("audio", "0", False) if offer.media[0].kind == "audio" else ("video", "0", False),
        ("video", "1", False) if offer.media[1].kind == "video" else ("audio", "1", False),
        ("application", "2", True),
    ]
    assert offer.bundle == ("0", "1", "2")
    assert (offer.setup, offer.allows_mixed_extensions) == ("actpass", True)
    (video,) = offer.of_kind("video")
    h264 = [each for each in video.codecs if each.name == "H264"]
    assert h264
    assert h264[0].parameters["packetization-mode"] == "1"
    assert {"nack", "nack pli", "transport-cc"} <= set(h264[0].feedback)
    assert h264[0].rtx is not None
    assert (len(video.ssrcs), len(video.rtx_ssrcs)) == (1, 1)
    (audio,) = offer.of_kind("audio")
    assert (audio.codecs[0].name, audio.codecs[0].clock_rate, audio.codecs[0].channels) == ("OPUS", 48_000, 2)
    assert "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01" in audio.extensions


def test_ffmpeg_waits_for_us_to_begin_dtls() -> None:
    offer = read_offer(FFMPEG)
    assert offer.setup == "passive"
    assert [each.codecs[0].name for each in offer.media] == ["OPUS", "H264"]
    assert offer.media[1].rtx_ssrcs == {2217268703: 2217268702}


@pytest.mark.parametrize(
    "damage",
    [
        (b"v=0", b"v=1"),
        (b"a=ice-pwd:", b"a=ice-nothing:"),
        (b"a=fingerprint:sha-256 ", b"a=fingerprint:md5 "),
        (b"a=setup:passive", b"a=setup:holdconn"),
        (b"m=video 9 UDP", b"m=video nine UDP"),
        (b"s=FFmpeg", b"s=\xff\xfe"),
    ],
)
def test_what_is_no_offer_is_refused(damage: tuple[bytes, bytes]) -> None:
    with pytest.raises(BadOffer):
        read_offer(FFMPEG.replace(*damage))


@pytest.mark.parametrize(
    "bomb",
    [
        b"v=0\r\n" + b"a=x\r\n" * (MAX_OFFER_BYTES // 5 + 1),
        b"v=0\r\n" + b"a\r\n" * 3_000,
        FFMPEG + b"m=video 9 UDP/TLS/RTP/SAVPF 106\r\n" * MAX_MEDIA,
        b"",
    ],
    ids=["bytes", "lines", "media", "nothing"],
)
def test_bombs_are_refused_before_they_are_read(bomb: bytes) -> None:
    with pytest.raises(BadOffer):
        read_offer(bomb)


def test_a_thousand_codecs_are_cut_short() -> None:
    numbers = b" ".join(b"%d" % (each % 128) for each in range(1_000))
    offer = read_offer(FFMPEG.replace(b"SAVPF 106 105", b"SAVPF " + numbers))
    assert len(offer.media[1].formats.split()) == 128


def test_what_is_not_in_the_bundle_is_not_taken() -> None:
    offer = read_offer(FFMPEG.replace(b"BUNDLE 0 1", b"BUNDLE 0"))
    assert offer.of_kind("video") == []
    assert len(offer.of_kind("audio")) == 1


@given(
    st.lists(
        st.sampled_from(FFMPEG.splitlines(keepends=True) + CHROMIUM.splitlines(keepends=True)) | st.binary(max_size=40),
        max_size=60,
    )
)
def test_any_lines_give_an_offer_or_say_what_is_wrong(lines: list[bytes]) -> None:
    try:
        offer = read_offer(b"v=0\r\n" + b"".join(lines))
    except BadOffer:
        return
    assert isinstance(offer, Offer)
