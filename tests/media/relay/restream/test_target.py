"""Addresses that sources are sent on to."""

import pytest

from media.relay.calling import CallAddress
from media.relay.restream.target import BadTarget, read_target


def test_an_rtmp_address_is_read() -> None:
    target = read_target("rtmp://live.example.org/app/sk_12345?bandwidth=1")
    assert (target.kind, target.host, target.port) == ("rtmp", "live.example.org", 1935)


def test_rtmps_has_its_port() -> None:
    assert read_target("rtmps://live.example.org/app/key1").port == 443


def test_srt_options_are_read() -> None:
    target = read_target("srt://h.example:9000?streamid=abcd%2Fef&passphrase=0123456789&latency=350")
    assert (target.kind, target.host, target.port) == ("srt", "h.example", 9000)
    assert target.call == CallAddress("h.example", 9000, "abcd/ef", "0123456789", 350)


def test_an_access_control_streamid_may_stand_as_it_is() -> None:
    call = read_target("srt://h.example:9000?streamid=#!::r=live,m=publish,u=sk").call
    assert call is not None
    assert call.streamid == "#!::r=live,m=publish,u=sk"


@pytest.mark.parametrize(("text", "latency_ms"), [("", 200), ("20", 200), ("120000", 200), ("800000", 800), ("x", 200)])
def test_latency_is_of_milliseconds_or_as_ffmpeg_counts(text: str, latency_ms: int) -> None:
    call = read_target(f"srt://h:9000?latency={text}").call
    assert call is not None
    assert call.latency_ms == latency_ms


@pytest.mark.parametrize(
    "url", ["rtmp://h", "rtmp://h/app", "srt://h", "srt://h:0x1", "http://h/a/b", "", "rtmp:///a/b"]
)
def test_what_is_no_target_is_refused_without_its_text(url: str) -> None:
    with pytest.raises(BadTarget):
        read_target(url)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("rtmp://h/app/sk_12345?token=abcdefg", "no stream sk_12345?token=abcdefg, or sk_12345, or token=abcdefg"),
        ("srt://h:1?streamid=#!::r=live,u=sk_12345&passphrase=0123456789", "sk_12345 with 0123456789"),
    ],
)
def test_what_the_other_server_says_loses_the_key(url: str, said: str) -> None:
    hidden = read_target(url).hide(said)
    assert "sk_12345" not in hidden
    assert "abcdefg" not in hidden
    assert "0123456789" not in hidden


def test_it_is_not_shown_whole() -> None:
    assert repr(read_target("rtmp://h/app/sk_12345")) == "Target(rtmp://h)"
