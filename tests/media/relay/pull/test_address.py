"""Claims of media.relay.pull.address."""

import pytest

from media.relay.pull.address import BadSource, read_source


def test_an_address_is_taken_apart_and_shown_without_secrets() -> None:
    source = read_source("rtsp://us%40er:p%2Fw@camera.example/ch/1?token=t", is_trusted=False)
    assert (source.kind, source.host, source.port) == ("rtsp", "camera.example", 554)
    assert (source.user, source.password) == ("us@er", "p/w")
    assert source.label == "rtsp://camera.example"
    assert not any(secret in repr(source) for secret in ("token", "p/w", "us@er", "ch/1"))


@pytest.mark.parametrize(
    ("url", "port"), [("http://h/", 80), ("https://h/", 443), ("rtmps://h/a/b", 443), ("srt://h:99", 99)]
)
def test_ports_are_the_usual_ones(url: str, port: int) -> None:
    assert read_source(url, is_trusted=False).port == port


@pytest.mark.parametrize("url", ["file:a.mp4", "udp://239.1.1.1:5000"])
def test_what_reaches_into_this_machine_is_for_administrators(url: str) -> None:
    with pytest.raises(BadSource, match="administrator"):
        read_source(url, is_trusted=False)
    read_source(url, is_trusted=True)


@pytest.mark.parametrize("url", ["file:show.mp4", "file:///show.mp4", "file://show.mp4", "file:/show.mp4"])
def test_a_file_is_named_in_any_of_the_usual_ways(url: str) -> None:
    assert read_source(url, is_trusted=True).path == "show.mp4"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://h/x",
        "concat:a|b",
        "http:///x",
        "http://h:99999/",
        "http://[::1/",
        "srt://h",
        "udp://h:80",
        "http://h/\r\nX: y",
        "http://h/" + "x" * 3000,
        "",
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(BadSource):
        read_source(url, is_trusted=True)
