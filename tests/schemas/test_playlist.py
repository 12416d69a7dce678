"""Playlists as text, read back by the m3u8 package and by eye."""

import m3u8
import msgspec
import pytest

from schemas.playlist import (
    FIRST_BPS,
    AudioGroup,
    ClosedCaptions,
    DateRange,
    Delta,
    IFrames,
    MediaPlaylist,
    MultivariantPlaylist,
    Part,
    RenditionReport,
    Segment,
    ServerControl,
    Subtitles,
    Variant,
    format_time,
    join_media_playlist,
    ordered,
    write_media_playlist,
    write_multivariant_playlist,
    write_segment,
)

LIVE = MediaPlaylist(
    target_duration_s=2,
    media_sequence=7,
    discontinuity_sequence=1,
    part_target_s=0.334,
    server_control=ServerControl(hold_back_s=6, part_hold_back_s=1.002, can_skip_until_s=12),
    segments=[
        Segment(uri="video-7.m4s", duration_s=2.0, map_uri="video-init-1.mp4", program_date_time_ms=1_700_000_000_005),
        Segment(
            uri="video-8.m4s",
            duration_s=1.96667,
            map_uri="video-init-2.mp4",
            program_date_time_ms=1_700_000_002_005,
            is_discontinuous=True,
            parts=[Part("video-8-0.m4s", 1 / 3, is_independent=True), Part("video-8-1.m4s", 1 / 3)],
        ),
        Segment(uri="video-9.m4s", duration_s=2, map_uri="video-init-2.mp4", is_gap=True),
        Segment(
            uri="video-10.m4s",
            duration_s=None,
            map_uri="video-init-2.mp4",
            program_date_time_ms=1_700_000_006_000,
            parts=[Part("video-10-0.m4s", 0.3, is_independent=True)],
        ),
    ],
    hint_uri="video-10-1.m4s",
    reports=[RenditionReport("audio.m3u8", 10, 0), RenditionReport("low.m3u8", 9, None)],
)

LIVE_TEXT = """\
#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:2
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12.000,PART-HOLD-BACK=1.002,HOLD-BACK=6.000
#EXT-X-PART-INF:PART-TARGET=0.334
#EXT-X-MEDIA-SEQUENCE:7
#EXT-X-DISCONTINUITY-SEQUENCE:1
#EXT-X-MAP:URI="video-init-1.mp4"
#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:20.005Z
#EXTINF:2.00000,
video-7.m4s
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI="video-init-2.mp4"
#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:22.005Z
#EXT-X-PART:DURATION=0.33333,URI="video-8-0.m4s",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.33333,URI="video-8-1.m4s"
#EXTINF:1.96667,
video-8.m4s
#EXT-X-GAP
#EXTINF:2.00000,
video-9.m4s
#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:26.000Z
#EXT-X-PART:DURATION=0.30000,URI="video-10-0.m4s",INDEPENDENT=YES
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="video-10-1.m4s"
#EXT-X-RENDITION-REPORT:URI="audio.m3u8",LAST-MSN=10,LAST-PART=0
#EXT-X-RENDITION-REPORT:URI="low.m3u8",LAST-MSN=9
"""


def test_a_live_playlist_to_the_letter() -> None:
    assert write_media_playlist(LIVE) == LIVE_TEXT


def test_the_m3u8_package_reads_what_was_written() -> None:
    read = m3u8.loads(write_media_playlist(LIVE))
    assert (read.target_duration, read.media_sequence, read.discontinuity_sequence) == (2, 7, 1)
    assert read.part_inf.part_target == pytest.approx(0.334)
    assert read.server_control.part_hold_back == pytest.approx(1.002)
    assert [segment.uri for segment in read.segments if segment.uri] == ["video-7.m4s", "video-8.m4s", "video-9.m4s"]
    assert [segment.discontinuity for segment in read.segments[:3]] == [False, True, False]
    assert read.segments[2].gap_tag
    assert [part.uri for part in read.segments[1].parts] == ["video-8-0.m4s", "video-8-1.m4s"]
    assert [part.uri for part in read.segments[-1].parts] == ["video-10-0.m4s"]
    assert [segment.init_section.uri for segment in read.segments[:3]] == [
        "video-init-1.mp4",
        *["video-init-2.mp4"] * 2,
    ]
    assert read.segments[0].program_date_time.timestamp() == pytest.approx(1_700_000_000.005)
    assert read.preload_hint.uri == "video-10-1.m4s"
    assert [report.last_msn for report in read.rendition_reports] == [10, 9]
    assert not read.is_endlist


def test_a_delta_leaves_segments_out_with_the_tags_that_belong_to_them() -> None:
    delta = write_media_playlist(LIVE, skip=1)
    head, tail = LIVE_TEXT.split('#EXT-X-MAP:URI="video-init-1.mp4"')
    rest = tail[tail.index("#EXT-X-DISCONTINUITY\n") :]
    assert delta == f"{head}#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n{rest}"


def test_a_delta_repeats_the_map_only_where_it_changes() -> None:
    delta = write_media_playlist(LIVE, skip=2)
    assert "EXT-X-MAP" not in delta
    assert delta.index("SKIPPED-SEGMENTS=2") < delta.index("video-9.m4s")
    assert "#EXT-X-MEDIA-SEQUENCE:7\n" in delta


def test_a_recording_has_its_type_and_its_end_and_nothing_of_low_latency() -> None:
    text = write_media_playlist(
        MediaPlaylist(
            target_duration_s=4,
            segments=[
                Segment(uri="0.m4s", duration_s=4, map_uri="init.mp4"),
                Segment(uri="1.m4s", duration_s=2.5, map_uri="init.mp4"),
            ],
            hint_uri="never.m4s",
            is_ended=True,
            playlist_type="VOD",
        )
    )
    read = m3u8.loads(text)
    assert read.is_endlist
    assert read.playlist_type == "vod"
    assert [segment.duration for segment in read.segments] == [4, 2.5]
    assert text.count("EXT-X-MAP") == 1
    for word in ("PART", "SERVER-CONTROL", "HINT", "REPORT", "DATE-TIME"):
        assert word not in text


def test_a_server_without_blocking_reload_says_nothing_of_it() -> None:
    control = ServerControl(hold_back_s=6, can_block_reload=False)
    text = write_media_playlist(MediaPlaylist(target_duration_s=2, segments=[], server_control=control))
    assert "#EXT-X-SERVER-CONTROL:HOLD-BACK=6.000\n" in text


def test_a_multivariant_playlist_to_the_letter() -> None:
    playlist = MultivariantPlaylist(
        [
            Variant(
                uri="s/video.m3u8",
                bandwidth_bps=6_200_000,
                average_bandwidth_bps=5_900_000,
                codecs=["avc1.64001f", "mp4a.40.2"],
                width=1920,
                height=1080,
                frame_rate=29.97003,
                audio_group="audio",
            )
        ],
        [AudioGroup("audio", "Audio", "s/audio.m3u8", 2)],
    )
    text = write_multivariant_playlist(playlist)
    assert text == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:6\n"
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Audio",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="s/audio.m3u8"\n'
        '#EXT-X-STREAM-INF:BANDWIDTH=6200000,AVERAGE-BANDWIDTH=5900000,CODECS="avc1.64001f,mp4a.40.2",'
        'RESOLUTION=1920x1080,FRAME-RATE=29.970,AUDIO="audio",CLOSED-CAPTIONS=NONE\n'
        "s/video.m3u8\n"
    )
    (read,) = m3u8.loads(text).playlists
    assert (read.stream_info.bandwidth, read.stream_info.resolution) == (6_200_000, (1920, 1080))
    assert [media.uri for media in read.media] == ["s/audio.m3u8"]


def test_a_variant_without_picture_has_no_size() -> None:
    variant = Variant(uri="s/audio.m3u8", bandwidth_bps=1, average_bandwidth_bps=1, codecs=["opus"])
    text = write_multivariant_playlist(MultivariantPlaylist([variant]))
    assert text.endswith(
        '#EXT-X-STREAM-INF:BANDWIDTH=1,AVERAGE-BANDWIDTH=1,CODECS="opus",CLOSED-CAPTIONS=NONE\ns/audio.m3u8\n'
    )


def test_date_ranges_stand_before_the_segments_and_hold_what_a_publisher_may_say() -> None:
    said = DateRange(
        range_id="goal-1",
        class_name="com.example.score",
        start_ms=1_700_000_000_005,
        duration_s=1.5,
        attributes={"SCORE": '2:1 "late"\nwinner', "half time": "no"},
    )
    open_ended = DateRange(range_id="2", class_name="c", start_ms=0, duration_s=None, attributes={})
    text = write_media_playlist(msgspec.structs.replace(LIVE, date_ranges=[said, open_ended]))
    assert (
        '#EXT-X-DATERANGE:ID="goal-1",CLASS="com.example.score",START-DATE="2023-11-14T22:13:20.005Z",DURATION=1.500,'
        'X-SCORE="2:1 \'late\' winner",X-HALF-TIME="no"\n'
        '#EXT-X-DATERANGE:ID="2",CLASS="c",START-DATE="1970-01-01T00:00:00.000Z"\n'
        '#EXT-X-MAP:URI="video-init-1.mp4"\n'
    ) in text
    read = m3u8.loads(text)
    first = read.segments[0].dateranges[0]
    assert (first.id, first.duration) == ("goal-1", 1.5)


def test_a_delta_without_old_date_ranges_says_which_have_left() -> None:
    old, new = (
        DateRange(range_id=name, class_name="c", start_ms=0, duration_s=None, attributes={}) for name in ("old", "new")
    )
    playlist = msgspec.structs.replace(LIVE, date_ranges=[old, new])
    delta = write_media_playlist(playlist, skip=1, delta=Delta([new], ["gone", "too"]))
    assert "#EXT-X-VERSION:10\n" in delta
    assert '#EXT-X-SKIP:SKIPPED-SEGMENTS=1,RECENTLY-REMOVED-DATERANGES="gone\ttoo"\n' in delta
    assert ('ID="new"' in delta, 'ID="old"' in delta) == (True, False)
    # One that skips segments only keeps all of them, and needs no more than version 9.
    plain = write_media_playlist(playlist, skip=1)
    assert ('ID="old"' in plain, "VERSION:9\n" in plain, "REMOVED" in plain) == (True, True, False)


def test_an_i_frame_playlist_names_ranges_of_files() -> None:
    playlist = MediaPlaylist(
        target_duration_s=2,
        segments=[Segment(uri="video-0.m4s", duration_s=2, map_uri="init.mp4", byte_range=(5000, 0))],
        is_iframes_only=True,
    )
    text = write_media_playlist(playlist)
    assert "#EXT-X-I-FRAMES-ONLY\n" in text
    assert "#EXTINF:2.00000,\n#EXT-X-BYTERANGE:5000@0\nvideo-0.m4s\n" in text
    assert m3u8.loads(text).is_i_frames_only


def test_a_multivariant_playlist_with_all_kinds_of_renditions() -> None:
    def variant(name: str, captions: str | None) -> Variant:
        return Variant(
            uri=f"s/{name}.m3u8",
            bandwidth_bps=2,
            average_bandwidth_bps=1,
            codecs=["avc1.64001f"],
            subtitles_group="subtitles",
            captions_group=captions,
        )

    stills = IFrames(
        uri="s/video-iframes.m3u8", bandwidth_bps=9, average_bandwidth_bps=8, codec="avc1.64001f", width=640, height=360
    )
    text = write_multivariant_playlist(
        MultivariantPlaylist(
            [variant("video", "cc"), variant("480p", None)],
            subtitles=[
                Subtitles("subtitles", "Captions", "s/captions.m3u8", "en"),
                Subtitles("subtitles", "Other", "s/o.m3u8", ""),
            ],
            captions=[ClosedCaptions("cc", "CC1", "CC1")],
            iframes=[stills, msgspec.structs.replace(stills, width=0, height=0)],
        )
    )
    assert text.splitlines()[2:] == [
        '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subtitles",NAME="Captions",LANGUAGE="en",DEFAULT=NO,AUTOSELECT=YES,'
        'FORCED=NO,URI="s/captions.m3u8"',
        '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subtitles",NAME="Other",DEFAULT=NO,AUTOSELECT=YES,FORCED=NO,'
        'URI="s/o.m3u8"',
        '#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="cc",NAME="CC1",DEFAULT=NO,AUTOSELECT=YES,INSTREAM-ID="CC1"',
        '#EXT-X-STREAM-INF:BANDWIDTH=2,AVERAGE-BANDWIDTH=1,CODECS="avc1.64001f",SUBTITLES="subtitles",CLOSED-CAPTIONS="cc"',
        "s/video.m3u8",
        # Not NONE, which would have to stand in all of them.
        '#EXT-X-STREAM-INF:BANDWIDTH=2,AVERAGE-BANDWIDTH=1,CODECS="avc1.64001f",SUBTITLES="subtitles"',
        "s/480p.m3u8",
        '#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=9,AVERAGE-BANDWIDTH=8,CODECS="avc1.64001f",RESOLUTION=640x360,'
        'URI="s/video-iframes.m3u8"',
        '#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=9,AVERAGE-BANDWIDTH=8,CODECS="avc1.64001f",URI="s/video-iframes.m3u8"',
    ]
    read = m3u8.loads(text)
    assert [media.type for media in read.media] == ["SUBTITLES", "SUBTITLES", "CLOSED-CAPTIONS"]
    assert [playlist.uri for playlist in read.iframe_playlists] == ["s/video-iframes.m3u8"] * 2


@pytest.mark.parametrize(
    ("time_ms", "expected"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_700_000_000_005, "2023-11-14T22:13:20.005Z"),
        (1_709_164_799_999, "2024-02-28T23:59:59.999Z"),
    ],
)
def test_times_have_milliseconds_and_are_in_utc(time_ms: int, expected: str) -> None:
    assert format_time(time_ms) == expected


def test_segments_written_before_make_the_same_playlist() -> None:
    maps = [None, *(segment.map_uri for segment in LIVE.segments)]
    lines = [write_segment(segment, map_uri) for segment, map_uri in zip(LIVE.segments, maps, strict=False)]
    assert join_media_playlist(msgspec.structs.replace(LIVE, segments=()), lines) == LIVE_TEXT
    delta = join_media_playlist(LIVE, lines[2:], skip=2)
    assert delta == write_media_playlist(LIVE, skip=2)


def test_players_start_with_the_best_that_any_line_carries() -> None:
    rates = [FIRST_BPS // 8, FIRST_BPS, FIRST_BPS + 1, FIRST_BPS * 2]
    variants = [
        Variant(uri=f"{rate}.m3u8", bandwidth_bps=rate, average_bandwidth_bps=rate, codecs=["avc1.64001f"])
        for rate in rates
    ]
    assert [variant.bandwidth_bps for variant in ordered(variants)] == [rates[1], rates[3], rates[2], rates[0]]
    assert [variant.bandwidth_bps for variant in ordered(variants[2:])] == [rates[2], rates[3]]
    assert ordered([]) == []


def test_nothing_is_said_of_captions_that_nobody_knows_of() -> None:
    variant = Variant(uri="v.m3u8", bandwidth_bps=1, average_bandwidth_bps=1, codecs=["avc1.64001f"])
    assert "CLOSED-CAPTIONS=NONE" in write_multivariant_playlist(MultivariantPlaylist([variant]))
    assert "CAPTIONS" not in write_multivariant_playlist(MultivariantPlaylist([variant], knows_captions=False))
