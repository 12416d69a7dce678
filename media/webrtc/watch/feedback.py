"""What viewers say about what they receive: RTCP compound packets (RFC 3550, section 6; RFC 4585, section 6)."""

from collections.abc import Iterator
from struct import Struct, error

import msgspec

RECEIVER_REPORT, TRANSPORT_FEEDBACK, PAYLOAD_FEEDBACK = 201, 205, 206
GENERIC_NACK = 1
PICTURE_LOSS, FULL_INTRA_REQUEST = 1, 4
MAX_LOST = 1_024
"""Numbers that are read out of one packet; who lost more is helped by a keyframe only."""

_head = Struct(">BBHI").unpack_from
_word = Struct(">I").unpack_from
_nack = Struct(">HH").unpack_from
_block = Struct(">IB3sIIII").unpack_from


class Lost(msgspec.Struct, frozen=True):
    """Packets of a track are missed, by their sequence numbers."""

    ssrc: int
    sequence_numbers: list[int]


class KeyframeWanted(msgspec.Struct, frozen=True):
    """Pictures of a track cannot be decoded until the next keyframe."""

    ssrc: int


class Received(msgspec.Struct, frozen=True):
    """A report of one track (RFC 3550, section 6.4.1). `jitter` in RTP ticks, `loss` since the last report, 0 to 1;
    `last_report` is the middle of the last sender report's time, `delay` since then in 1/65536 s; both 0 without one.
    """

    ssrc: int
    loss: float
    jitter: int
    last_report: int
    delay: int


Feedback = Lost | KeyframeWanted | Received


def read_feedback(data: bytes) -> list[Feedback]:
    """Return what a compound packet says that we understand, up to where it is torn."""
    found: list[Feedback] = []
    try:
        for first, kind, media_ssrc, body in _packets(data):
            found += _read(first & 0x1F, kind, media_ssrc, body)
    except error:
        pass  # torn: a peer's mistake, or worse; the rest is not believed
    return found


def _packets(data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """Yield (first byte, type, second SSRC or 0, what follows the sender's SSRC)."""
    at = 0
    while at + 8 <= len(data):
        first, kind, words, _sender = _head(data, at)
        end = at + 4 * (words + 1)
        if first >> 6 != 2 or end > len(data):
            return
        body = data[at + 8 : end]
        yield first, kind, _word(body, 0)[0] if len(body) >= 4 else 0, body
        at = end


def _read(count: int, kind: int, media_ssrc: int, body: bytes) -> list[Feedback]:
    if kind == RECEIVER_REPORT:
        return [_report(body, 24 * index) for index in range(min(count, len(body) // 24))]
    if kind == TRANSPORT_FEEDBACK and count == GENERIC_NACK:
        return [Lost(media_ssrc, _lost(body[4:]))]
    if kind == PAYLOAD_FEEDBACK and count == PICTURE_LOSS:
        return [KeyframeWanted(media_ssrc)]
    if kind == PAYLOAD_FEEDBACK and count == FULL_INTRA_REQUEST and len(body) >= 8:
        return [KeyframeWanted(_word(body, 4)[0])]  # RFC 5104, section 4.3.1
    return []


def _report(body: bytes, at: int) -> Received:
    ssrc, loss, _total, _highest, jitter, last_report, delay = _block(body, at)
    return Received(ssrc, loss / 256, jitter, last_report, delay)


def _lost(entries: bytes) -> list[int]:
    """A number and 16 bits for those that follow it (RFC 4585, section 6.2.1)."""
    numbers: list[int] = []
    for at in range(0, len(entries) - 3, 4):
        number, following = _nack(entries, at)
        numbers.append(number)
        numbers += [(number + 1 + bit) & 0xFFFF for bit in range(16) if following >> bit & 1]
        if len(numbers) > MAX_LOST:
            break
    return numbers[:MAX_LOST]
