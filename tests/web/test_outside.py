"""Addresses of other servers."""

import pytest

from config.addresses import Reach
from schemas.errors import ApiError
from web import outside

NOWHERE = Reach()


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("https://user:secret@tv.example:8443/live/a.m3u8?token=secret#x", "https://tv.example:8443/live/a.m3u8"),
        ("https://tv.example/hls/~secret/news/playlist.m3u8", "https://tv.example/hls/~…/news/playlist.m3u8"),
        ("rtmp://live.example/app/secret", "rtmp://live.example/app/…"),
        ("rtmps://live.example:444/app/", "rtmps://live.example:444/app"),
        ("rtsp://admin:secret@[2001:4860::1]:8554/cam?key=secret", "rtsp://[2001:4860::1]:8554/cam"),
        ("srt://live.example:8890?streamid=secret&passphrase=secret", "srt://live.example:8890"),
        ("udp://239.1.2.3:5000?localaddr=10.0.0.1", "udp://239.1.2.3:5000"),
        ("file:films/night.mp4", "file:films/night.mp4"),
    ],
)
def test_nothing_secret_of_an_address_is_shown(url: str, seen: str) -> None:
    assert outside.shown(url) == seen
    assert "secret" not in outside.shown(url)


@pytest.mark.parametrize(
    ("url", "key", "target"),
    [
        ("rtmp://live.example/app", "abc", "rtmp://live.example/app/abc"),
        ("rtmps://live.example/app/", "abc?bandwidthtest=true", "rtmps://live.example/app/abc?bandwidthtest=true"),
        ("rtmp://live.example/app?x=1", "abc", "rtmp://live.example/app/abc?x=1"),
        ("rtmp://live.example/app/abc", "", "rtmp://live.example/app/abc"),
        (
            "srt://live.example:9000",
            "#!::m=publish,u=k",
            "srt://live.example:9000?streamid=%23%21%3A%3Am%3Dpublish%2Cu%3Dk",
        ),
        ("srt://live.example:9000?latency=300", "abc", "srt://live.example:9000?latency=300&streamid=abc"),
        ("srt://live.example:9000?streamid=abc", "", "srt://live.example:9000?streamid=abc"),
    ],
)
def test_the_key_becomes_part_of_the_address(url: str, key: str, target: str) -> None:
    assert outside.with_key(url, key) == target


def test_two_stream_ids_are_refused() -> None:
    with pytest.raises(ApiError, match="key"):
        outside.with_key("srt://live.example:9000?streamid=a", "b")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/a.m3u8",
        "http://localhost:8080/a.m3u8",
        "http://LOCALHOST./a.m3u8",
        "http://10.1.2.3/a.m3u8",
        "http://169.254.169.254/latest/meta-data",
        "rtmp://192.168.1.1/app",
        "srt://[::1]:9000",
        "rtsp://[::ffff:10.0.0.1]/cam",
        "https://[fd00::1]/a.m3u8",
        "http:///a.m3u8",
        "http://[::1/a.m3u8",
        "http://tv.example:99999/a.m3u8",
        "http://tv.example:0/a.m3u8",
        "srt://live.example",
        "udp://239.1.2.3",
    ],
)
def test_what_cannot_be_reached_is_said_at_once(url: str) -> None:
    with pytest.raises(ApiError) as refused:
        outside.check("url", url, NOWHERE)
    assert refused.value.body.fields is not None
    assert list(refused.value.body.fields) == ["url"]


@pytest.mark.parametrize(
    "url",
    ["https://tv.example/a.m3u8", "http://1.1.1.1/a", "srt://live.example:9000", "file:a.mp4", "udp://239.1.2.3:5"],
)
def test_other_addresses_pass(url: str) -> None:
    assert outside.check("url", url, NOWHERE).scheme == url.partition(":")[0]


def test_networks_that_the_operator_allows_pass() -> None:
    assert outside.check("url", "http://10.1.2.3/a.m3u8", Reach("10.0.0.0/8")).hostname == "10.1.2.3"
