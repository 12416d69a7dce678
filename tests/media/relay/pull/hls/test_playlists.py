"""Claims of media.relay.pull.hls.playlists."""

import pytest

from media.relay.pull.hls.playlists import (
    BadPlaylist,
    Key,
    Part,
    Variant,
    choose_variant,
    is_multivariant,
    read_media,
)

URL = "https://cdn.example/live/index.m3u8?token=t"
HEAD = "#EXTM3U\n#EXT-X-TARGETDURATION:6\n"


def test_segments_have_whole_addresses_numbers_and_durations() -> None:
    text = (
        HEAD
        + "#EXT-X-MEDIA-SEQUENCE:7\n#EXTINF:6,\na.ts\n#EXTINF:5.5,\n/b.ts?x=1\n#EXT-X-DISCONTINUITY\n#EXTINF:4,\nhttps://o.example/c.ts\n"
    )
    playlist = read_media(text, URL)
    assert [each.msn for each in playlist.segments] == [7, 8, 9]
    assert [each.part.url for each in playlist.segments] == [
        "https://cdn.example/live/a.ts",
        "https://cdn.example/b.ts?x=1",
        "https://o.example/c.ts",
    ]
    assert [each.duration_s for each in playlist.segments] == [6, 5.5, 4]
    assert [each.starts_anew for each in playlist.segments] == [False, False, True]
    assert (playlist.target_s, playlist.is_ended) == (6, False)


def test_spans_of_one_file_follow_each_other() -> None:
    text = (
        HEAD + '#EXT-X-MAP:URI="all.mp4",BYTERANGE="100@0"\n#EXTINF:6,\n#EXT-X-BYTERANGE:50@100\nall.mp4\n'
        "#EXTINF:6,\n#EXT-X-BYTERANGE:70\nall.mp4\n#EXT-X-ENDLIST\n"
    )
    playlist = read_media(text, URL)
    file = "https://cdn.example/live/all.mp4"
    assert [each.part for each in playlist.segments] == [Part(file, (100, 50)), Part(file, (150, 70))]
    assert playlist.segments[0].init == Part(file, (0, 100))
    assert playlist.is_ended


def test_another_map_starts_anew() -> None:
    text = HEAD + '#EXT-X-MAP:URI="a"\n#EXTINF:6,\n1\n#EXTINF:6,\n2\n#EXT-X-MAP:URI="b"\n#EXTINF:6,\n3\n'
    assert [each.starts_anew for each in read_media(text, URL).segments] == [False, False, True]


def test_keys_are_read_and_end() -> None:
    text = (
        HEAD + '#EXT-X-KEY:METHOD=AES-128,URI="k",IV=0x1F\n#EXTINF:6,\n1\n'
        '#EXT-X-KEY:METHOD=AES-128,URI="k"\n#EXTINF:6,\n2\n#EXT-X-KEY:METHOD=NONE\n#EXTINF:6,\n3\n'
    )
    key = "https://cdn.example/live/k"
    assert [each.key for each in read_media(text, URL).segments] == [
        Key(key, bytes(15) + b"\x1f"),
        Key(key, None),
        None,
    ]


def test_the_parts_of_a_segment_that_is_not_whole_are_left_alone() -> None:
    text = (
        HEAD
        + '#EXTINF:2,\n1.m4s\n#EXT-X-PART:DURATION=0.3,URI="2.0.m4s"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI="2.1.m4s"\n'
    )
    assert [each.msn for each in read_media(text, URL).segments] == [0]


@pytest.mark.parametrize(
    "text",
    [
        HEAD + '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="k"\n#EXTINF:6,\n1\n',
        HEAD + '#EXT-X-KEY:METHOD=AES-128,URI="k",IV=0xzz\n#EXTINF:6,\n1\n',
        HEAD + "#EXTINF:six,\n1\n",
        HEAD + "#EXT-X-MEDIA-SEQUENCE:-5\n#EXTINF:6,\n1\n",
        HEAD + f"#EXT-X-MEDIA-SEQUENCE:{'9' * 4000}\n#EXTINF:6,\n1\n",
        HEAD + "#EXTINF:6,\n#EXT-X-BYTERANGE:x@y\n1\n",
        HEAD + "#EXTINF:6,\n#EXT-X-BYTERANGE:-5@0\n1\n",
        "#EXTM3U\n" + "#EXTINF:1,\na\n" * 30_000,
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nself.m3u8\n",
    ],
)
def test_what_cannot_be_followed_is_refused(text: str) -> None:
    with pytest.raises(BadPlaylist):
        read_media(text, URL)


@pytest.mark.parametrize("number", ["nan", "inf", "1e999", "-3", "99999"])
def test_times_that_are_none_do_no_harm(number: str) -> None:
    for text in (f"#EXTM3U\n#EXTINF:{number},\n1\n", f"#EXTM3U\n#EXT-X-TARGETDURATION:{number}\n#EXTINF:4,\n1\n"):
        try:
            playlist = read_media(text, URL)
        except BadPlaylist:
            continue
        assert 1 <= playlist.target_s <= 60
        assert 0 <= playlist.segments[0].duration_s <= 60


MASTER = """#EXTM3U
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="de",URI="de.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="en",DEFAULT=YES,URI="en.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="muxed",NAME="en",DEFAULT=YES
#EXT-X-STREAM-INF:BANDWIDTH=9000000,CODECS="hvc1.1.6.L93.B0,mp4a.40.2",RESOLUTION=1920x1080,AUDIO="a"
hevc.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=5000000,CODECS="avc1.640028,mp4a.40.2",RESOLUTION=1920x1080,AUDIO="a"
high.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=1000000,CODECS="avc1.640028,mp4a.40.2",RESOLUTION=640x360,AUDIO="muxed"
low.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=90000000,CODECS="avc1.640028",RESOLUTION=7680x4320
huge.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=95000000,CODECS="dvh1.05.06"
odd.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=96000000,CODECS="mp4a.40.2"
sound.m3u8
"""


def test_the_best_pictures_that_play_everywhere_are_chosen_with_their_usual_sound() -> None:
    assert is_multivariant(MASTER)
    base = "https://cdn.example/live/"
    assert choose_variant(MASTER, URL) == Variant(base + "high.m3u8", base + "en.m3u8")
    low = "\n".join(MASTER.split("\n")[:4] + MASTER.split("\n")[8:10])
    assert choose_variant(low, URL) == Variant(base + "low.m3u8")


def test_of_nothing_that_is_carried_nothing_is_chosen() -> None:
    with pytest.raises(BadPlaylist):
        choose_variant('#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="vp08"\na\n', URL)
