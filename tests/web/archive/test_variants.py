"""Multivariant playlists from rows."""

import m3u8

from tests.web.archive.rows import audio, rate, video
from web.archive.variants import leading, write_variants

LADDER = [video("1080p", height=1080), video("360p", height=360), audio(), video("video")]
RATES = [rate("1080p", 8_000_000), rate("360p", 800_000), rate("video", 2_500_000), rate("audio", 128_000)]


def test_the_best_that_every_line_carries_is_first() -> None:
    playlist = m3u8.loads(write_variants(LADDER, RATES, prefix="s1/rewind-"))
    assert [variant.uri for variant in playlist.playlists] == [
        "s1/rewind-video.m3u8",
        "s1/rewind-1080p.m3u8",
        "s1/rewind-360p.m3u8",
        "s1/rewind-audio.m3u8",
    ]
    first = playlist.playlists[0].stream_info
    assert (first.bandwidth, first.average_bandwidth) == (2_628_000, 2_365_200)
    assert (first.resolution, first.codecs, first.frame_rate) == ((1280, 720), "avc1.64001f,mp4a.40.2", 30.0)
    assert [audio.uri for audio in playlist.media] == ["s1/rewind-audio.m3u8"]
    assert [stills.uri for stills in playlist.iframe_playlists] == [
        "s1/rewind-1080p-iframes.m3u8",
        "s1/rewind-360p-iframes.m3u8",
        "s1/rewind-video-iframes.m3u8",
    ]


def test_a_rendition_without_media_is_left_out() -> None:
    text = write_variants(LADDER, [rate for rate in RATES if rate.rendition != "360p"])
    assert "360p" not in text


def test_every_format_that_occurs_is_named() -> None:
    inits = [video(number=1), video(number=2, codec="avc1.4d401f", height=480), audio()]
    playlist = m3u8.loads(write_variants(inits, RATES))
    info = playlist.playlists[0].stream_info
    assert info.codecs == "avc1.64001f,avc1.4d401f,mp4a.40.2"
    assert info.resolution == (853, 480)


def test_sound_alone_is_a_variant_without_a_group() -> None:
    playlist = m3u8.loads(write_variants([audio()], RATES))
    assert [variant.uri for variant in playlist.playlists] == ["audio.m3u8"]
    assert playlist.media == []


def test_pictures_alone_have_no_group() -> None:
    text = write_variants([video()], RATES)
    assert "AUDIO" not in text


def test_captions_are_subtitles_in_their_language() -> None:
    text = write_variants([video(), audio()], RATES, captions_language="de", with_iframes=False)
    assert 'TYPE=SUBTITLES,GROUP-ID="subtitles",NAME="Captions",LANGUAGE="de"' in text
    assert text.count('SUBTITLES="subtitles"') == 2
    assert "I-FRAME" not in text
    assert "CLOSED-CAPTIONS" not in text  # what is in the pictures, nobody noted


def test_captions_go_with_the_source() -> None:
    assert leading(LADDER) == "video"
    assert leading([audio(), video("360p"), video("720p")]) == "360p"
    assert leading([audio()]) == "audio"
    assert leading([]) is None
