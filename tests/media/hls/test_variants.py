"""The multivariant playlist: order, rates, groups, what is left out."""

import m3u8
import msgspec

from media.hls.segmenter import Init, Part, SegmentEnd
from media.hls.variants import write_variants
from media.hls.window import Window
from media.packets import CodecConfig
from schemas.ids import SessionId
from tests.media.material import AUDIO_CONFIG, VIDEO_CONFIG

SESSION = SessionId("s")


def make_window(
    name: str, bps: int, *, config: CodecConfig = VIDEO_CONFIG, frame_rate: float = 30, configured_bps: int = 0
) -> Window:
    """Return a window with one segment of 2 s at this rate, the first 0.5 s of it a keyframe; none for a rate of 0."""
    window = Window(
        name,
        target_duration_s=2,
        part_target_s=0.5,
        part_hold_back_s=1.5,
        clock_offset_s=0,
        frame_rate=frame_rate,
        configured_bps=configured_bps,
    )
    window.apply(Init(name, 1, config, b"init"))
    for index in range(4 if bps else 0):
        window.apply(Part(name, 0, index, index / 2, 0.5, not index, bytes(bps // 16), 0 if index else 500))
    if bps:
        window.apply(SegmentEnd(name, 0, 2.0))
    return window


def sized(height: int) -> CodecConfig:
    return msgspec.structs.replace(VIDEO_CONFIG, width=height * 16 // 9, height=height)


def ladder(**rates: int) -> dict[str, Window]:
    """Return a source, sound, and rungs of these rates."""
    windows = {
        "video": make_window("video", rates.pop("video"), config=sized(1080), frame_rate=60),
        "audio": make_window("audio", rates.pop("audio", 128_000), config=AUDIO_CONFIG, frame_rate=0),
    }
    for name, rate in rates.items():
        height = int(name.removeprefix("p"))
        windows[f"{height}p"] = make_window(f"{height}p", rate, config=sized(height), configured_bps=rate + 1)
    return windows


def names(text: str) -> list[str]:
    return [playlist.uri.removeprefix("s/").removesuffix(".m3u8") for playlist in m3u8.loads(text).playlists]


def test_first_comes_the_best_of_3_mbit_then_all_by_falling_rate_then_sound_alone() -> None:
    windows = ladder(video=6_000_000, p480=1_400_000, p720=2_800_000, p360=800_000)
    assert names(write_variants(SESSION, windows)) == ["720p", "video", "480p", "360p", "audio"]


def test_without_one_of_3_mbit_the_lowest_is_first() -> None:
    windows = ladder(video=9_000_000, p1080=4_500_000, p720=3_200_000)
    assert names(write_variants(SESSION, windows)) == ["720p", "video", "1080p", "audio"]


def test_each_variant_has_its_own_size_and_rates_with_the_sound() -> None:
    text = write_variants(SESSION, ladder(video=6_000_000, p720=2_800_000))
    found = {playlist.uri: playlist.stream_info for playlist in m3u8.loads(text).playlists}
    assert found["s/video.m3u8"].resolution == (1920, 1080)
    assert found["s/720p.m3u8"].resolution == (1280, 720)
    assert (found["s/video.m3u8"].frame_rate, found["s/720p.m3u8"].frame_rate) == (60, 30)
    assert found["s/video.m3u8"].bandwidth == found["s/video.m3u8"].average_bandwidth == 6_128_000
    assert found["s/720p.m3u8"].bandwidth == 2_928_000
    assert found["s/audio.m3u8"].bandwidth == 128_000
    assert found["s/720p.m3u8"].codecs == "avc1.64001e,mp4a.40.2"
    assert found["s/audio.m3u8"].codecs == "mp4a.40.2"
    assert {info.audio for info in found.values()} == {"audio"}
    assert {info.closed_captions for info in found.values()} == {"NONE"}


def test_a_rung_is_as_fast_as_it_was_told_until_a_segment_of_it_is_whole() -> None:
    windows = ladder(video=6_000_000)
    young = windows["720p"] = make_window("720p", 0, configured_bps=2_800_000)
    young.apply(Part("720p", 0, 0, 0, 0.5, True, bytes(400_000), 500))
    infos = {playlist.uri: playlist.stream_info for playlist in m3u8.loads(write_variants(SESSION, windows)).playlists}
    assert (infos["s/720p.m3u8"].bandwidth, infos["s/720p.m3u8"].average_bandwidth) == (2_928_000, 2_928_000)


def test_rungs_that_are_lost_or_not_there_yet_are_left_out() -> None:
    windows = ladder(video=6_000_000, p720=2_800_000, p480=1_400_000)
    windows["360p"] = make_window("360p", 0, configured_bps=800_000)
    windows["720p"].is_lost = True
    text = write_variants(SESSION, windows)
    assert names(text) == ["480p", "video", "audio"]
    assert "720p" not in text
    assert "360p" not in text


def test_every_rendition_with_pictures_has_its_keyframes() -> None:
    text = write_variants(SESSION, ladder(video=6_000_000, p720=2_800_000))
    stills = {playlist.uri: playlist.iframe_stream_info for playlist in m3u8.loads(text).iframe_playlists}
    assert list(stills) == ["s/video-iframes.m3u8", "s/720p-iframes.m3u8"]
    info = stills["s/720p-iframes.m3u8"]
    assert (info.bandwidth, info.average_bandwidth, info.resolution) == (2000, 2000, (1280, 720))
    assert info.codecs == "avc1.64001e"


def test_the_mean_rate_of_keyframes_counts_segments_without_one() -> None:
    window = make_window("video", 2_000_000)
    window.apply(Part("video", 1, 0, 2.0, 2.0, False, bytes(500_000), 0))
    window.apply(SegmentEnd("video", 1, 2.0))
    (stills,) = m3u8.loads(write_variants(SESSION, {"video": window})).iframe_playlists
    info = stills.iframe_stream_info
    assert (info.bandwidth, info.average_bandwidth) == (2000, 1000)


def test_sound_alone_is_a_variant_without_a_group() -> None:
    windows = {"audio": make_window("audio", 128_000, config=AUDIO_CONFIG, frame_rate=0)}
    text = write_variants(SESSION, windows)
    assert names(text) == ["audio"]
    assert "EXT-X-MEDIA" not in text
    assert 'AUDIO="' not in text


def test_pictures_alone_are_a_variant_without_sound() -> None:
    text = write_variants(SESSION, {"video": make_window("video", 2_000_000)})
    assert names(text) == ["video"]
    assert "mp4a" not in text
    assert "TYPE=AUDIO" not in text


def test_captions_are_a_group_of_all_variants_those_inside_only_of_their_own() -> None:
    windows = ladder(video=6_000_000, p720=2_800_000)
    text = write_variants(SESSION, windows, captions_language="de", captioned={"video"})
    found = {playlist.uri: playlist.stream_info for playlist in m3u8.loads(text).playlists}
    assert {info.subtitles for info in found.values()} == {"subtitles"}
    assert found["s/video.m3u8"].closed_captions == '"cc"'
    assert (found["s/720p.m3u8"].closed_captions, found["s/audio.m3u8"].closed_captions) == (None, None)
    media = {entry.type: entry for entry in m3u8.loads(text).media}
    assert (media["SUBTITLES"].uri, media["SUBTITLES"].language) == ("s/captions.m3u8", "de")
    assert media["CLOSED-CAPTIONS"].instream_id == "CC1"


def test_captions_in_an_unknown_language_have_no_language() -> None:
    assert "LANGUAGE" not in write_variants(SESSION, ladder(video=6_000_000), captions_language="")
