"""Stream names as encoders split them, and publish URLs."""

import pytest

from media.rtmp.address import MAX_KEY_CHARS, StreamName, parse_url, stream_name


def name(app: str, published: str, tc_url: str = "") -> StreamName:
    found = stream_name(app, tc_url, published)
    assert isinstance(found, StreamName)
    return found


@pytest.mark.parametrize(
    ("app", "published", "key", "params", "clean_app"),
    [
        ("live", "KEY", "KEY", {}, "live"),
        ("live/", "KEY/", "KEY", {}, "live"),
        ("/live", " KEY ", "KEY", {}, "live"),
        ("live", "KEY?a=b&c=", "KEY", {"a": "b", "c": ""}, "live"),
        (
            "live",
            "KEY?takeover&priority=-5&bandwidthtest=true",
            "KEY",
            {"takeover": "", "priority": "-5", "bandwidthtest": "true"},
            "live",
        ),
        ("a/b", "c?auth=1", "c", {"auth": "1"}, "a/b"),  # ffmpeg: rtmp://H/a/b/c?auth=1
        ("live?token=t", "KEY?a=1", "KEY", {"token": "t", "a": "1"}, "live"),
        ("live/KEY", "", "KEY", {}, "live"),  # one field for the whole URL
        ("live/KEY?x=1", "", "KEY", {"x": "1"}, "live"),
    ],
)
def test_key_params_and_app(app: str, published: str, key: str, params: dict[str, str], clean_app: str) -> None:
    found = name(app, published)
    assert (found.key, found.params, found.app) == (key, params, clean_app)


@pytest.mark.parametrize("tc_url", ["rtmp://h/live/KEY", "rtmp://h/live/KEY?x=1", "rtmp://h/live/KEY/"])
def test_tc_url_loses_key_and_query(tc_url: str) -> None:
    assert name("live/KEY", "", tc_url).tc_url == "rtmp://h/live"


def test_tc_url_of_ffmpeg_stays() -> None:
    assert name("live", "KEY", "rtmp://h:1935/live").tc_url == "rtmp://h:1935/live"


@pytest.mark.parametrize(("app", "published"), [("live", ""), ("", ""), ("live", "?a=b"), ("live/", "/")])
def test_a_missing_key_is_said(app: str, published: str) -> None:
    assert stream_name(app, "", published) == "The stream key is missing."


def test_a_key_too_long_is_said() -> None:
    assert isinstance(stream_name("live", "", "k" * MAX_KEY_CHARS), StreamName)
    assert "longer than" in str(stream_name("live", "", "k" * (MAX_KEY_CHARS + 1)))


def test_too_many_params_are_nobodys() -> None:
    assert name("live", "K?" + "&".join(f"a{i}=1" for i in range(100))).params == {}


def test_url_is_taken_apart() -> None:
    url = parse_url("rtmp://example.test/live/KEY?a=1")
    assert (url.is_secure, url.host, url.port, url.app, url.name) == (False, "example.test", 1935, "live", "KEY?a=1")
    assert url.tc_url == "rtmp://example.test:1935/live"
    deep = parse_url("rtmps://[::1]:444/a/b/KEY")
    assert (deep.is_secure, deep.port, deep.app, deep.name) == (True, 444, "a/b", "KEY")
    assert deep.tc_url == "rtmps://[::1]:444/a/b"


@pytest.mark.parametrize("url", ["http://h/live/KEY", "rtmp:///live/KEY", "rtmp://h/SECRET", "rtmp://h", "SECRET"])
def test_bad_urls_are_refused_without_repeating_them(url: str) -> None:
    with pytest.raises(ValueError, match="RTMP URL") as caught:
        parse_url(url)
    assert "SECRET" not in str(caught.value)
