"""Claims of media.webrtc.fragments."""

import pytest

from media.webrtc.answers import Candidate, Credentials
from media.webrtc.fragments import MAX_CANDIDATES, BadFragment, read_fragment, write_fragment

TRICKLED = (
    b"a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n"
    b"a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw network-id 1\r\n"
    b"a=end-of-candidates\r\n"
)  # RFC 9725, section 4.3.2


def test_the_example_of_the_rfc_is_read() -> None:
    fragment = read_fragment(TRICKLED)
    assert fragment.credentials == Credentials("EsAw", "P2uYro0UCOQ4zxjKXaWCBui1")
    assert fragment.candidates == 1


def test_what_is_written_can_be_read() -> None:
    ours = Credentials("u" * 16, "p" * 32)
    text = write_fragment(ours, (Candidate("192.0.2.7", 5000),), "video", "1")
    assert read_fragment(text.encode()).credentials == ours
    assert "a=candidate:1 1 udp 2130706431 192.0.2.7 5000 typ host" in text


@pytest.mark.parametrize(
    "bad",
    [b"\xff\xfe", b"<html>", b"a=ice-ufrag:only\r\n", b"a=candidate:x\r\n" * (MAX_CANDIDATES + 1)],
)
def test_what_is_no_fragment_is_refused(bad: bytes) -> None:
    with pytest.raises(BadFragment):
        read_fragment(bad)
