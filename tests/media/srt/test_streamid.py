"""Claims of media.srt.streamid: what real callers send, and what nobody may send."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.srt.streamid import BadMode, Malformed, Publish, Request, parse


@pytest.mark.parametrize(
    ("streamid", "wish"),
    [
        (b"live_abc", Publish("live_abc", "", {})),
        (b"live/live_abc", Publish("live_abc", "", {})),  # the path of an RTMP address
        (b"live_abc?priority=1&takeover=1", Publish("live_abc", "", {"priority": "1", "takeover": "1"})),
        (b"#!::r=demo,m=publish,u=live_abc", Publish("live_abc", "demo", {})),
        (b"#!::u=live_abc,m=publish,r=live/demo,priority=2", Publish("live_abc", "demo", {"priority": "2"})),
        (b"#!::r=demo,m=publish,u=live_abc,h=host,s=7,t=stream", Publish("live_abc", "demo", {})),
        (b"#!::m=publish,r=live_abc", Publish("live_abc", "", {})),  # encoders that only know a resource
        (b"#!::m=publish,u=live_abc", Publish("live_abc", "", {})),
        (b"%23!::r=demo,m=publish,u=live_abc", Publish("live_abc", "demo", {})),
        (b"%23%21%3A%3Ar%3Ddemo%2Cm%3Dpublish%2Cu%3Dlive_abc", Publish("live_abc", "demo", {})),
        (b"live_abc%3Fpriority%3D1", Publish("live_abc", "", {"priority": "1"})),
        (b"#!::r=demo,m=request", Request("demo", "")),
        (b"#!::r=demo", Request("demo", "")),  # the mode that the guidelines take for granted
        (b"#!::r=demo,m=request,u=live_abc", Request("demo", "live_abc")),
    ],
)
def test_streamids_that_mean_something(streamid: bytes, wish: Publish | Request) -> None:
    assert parse(streamid) == wish


@pytest.mark.parametrize(
    "streamid",
    [
        b"",
        b"   ",
        b"\xff\xfe",
        b"a\nb",
        b"#!::",
        b"#!::m=request",
        b"#!::m=publish",
        b"#!::r=demo,m=publish,u=k,u=k2",  # two answers to one question
        b"#!::r=demo,publish",
        b"#!:{ u: k, m: publish }",
        b"#!",
        b"k" * 300,
        b"k?" + b"&".join(b"p%d=1" % i for i in range(40)),
        b"#!::m=publish,u=k," + b",".join(b"p%d=1" % i for i in range(40)),
    ],
)
def test_streamids_that_mean_nothing(streamid: bytes) -> None:
    with pytest.raises(Malformed):
        parse(streamid)


@pytest.mark.parametrize("mode", [b"bidirectional", b"PUBLISH", b"x"])
def test_other_modes_are_not_possible(mode: bytes) -> None:
    with pytest.raises(BadMode):
        parse(b"#!::r=demo,u=k,m=" + mode)


def test_what_is_said_of_a_bad_streamid_does_not_hold_the_key() -> None:
    with pytest.raises(Malformed) as failed:
        parse(b"#!::r=demo,m=publish,u=live_secret,broken")
    assert "live_secret" not in str(failed.value)


@given(st.binary(max_size=512))
def test_any_bytes_are_a_wish_or_an_error(streamid: bytes) -> None:
    with suppress(Malformed, BadMode):
        assert isinstance(parse(streamid), Publish | Request)
