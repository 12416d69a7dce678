"""Claims of media.relay.pull.rtsp_replies: FFmpeg sees whole replies, and none that leads elsewhere."""

import pytest

from media.relay.pull.rtsp_replies import BadReply, Redirected, Replies

OK = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 3\r\n\r\nv=0"
PACKET = b"$\x00\x00\x0c" + bytes(12)


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_replies_and_packets_go_on_unchanged_however_they_are_cut(size: int) -> None:
    stream = OK + PACKET + b"RTSP/1.0 454 Session Not Found\nCSeq: 2\n\n" + PACKET + OK
    replies = Replies()
    passed = b"".join(replies.receive(stream[at : at + size]) for at in range(0, len(stream), size))
    assert passed == stream


@pytest.mark.parametrize(
    "reply",
    [
        b"RTSP/1.0 301 Moved\r\nLocation: rtsp://127.0.0.1/\r\n\r\n",
        b"RTSP/1.0 302 Found\nLocation: rtsp://10.0.0.1/\n\n",
        b"RTSP/1.0   305 Use Proxy\r\n\r\n",
        b"REDIRECT rtsp://h/ RTSP/1.0\r\nCSeq: 1\r\n\r\n",
    ],
)
def test_redirections_end_the_connection(reply: bytes) -> None:
    replies = Replies()
    assert replies.receive(OK) == OK
    with pytest.raises(Redirected):
        replies.receive(reply)


@pytest.mark.parametrize(
    "reply",
    [
        b"RTSP/1.0 200 OK\r\n$\x00\x00\x00\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: 1\r\nContent-Length: 90\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: 99999999\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nX: a\rRTSP/1.0 302 x\r\n\r\n",
        b"\r\n\r\nRTSP/1.0 302 Found\r\n\r\n",
        b"RTSP/1.0\r\n\r\n",
        b"x" * 5000,
        b"RTSP/1.0 200 OK\r\n" + b"A: b\r\n" * 300,
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(reply: bytes) -> None:
    with pytest.raises(BadReply):
        Replies().receive(reply)


def test_packets_that_ffmpeg_reads_wrongly_are_left_out() -> None:
    hidden = b"$\x00\x00\x07RTSP/1."
    assert Replies().receive(hidden + PACKET) == PACKET
