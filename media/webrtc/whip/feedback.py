"""RTCP of a receiver: reports, requests for lost packets and keyframes; and what a sender reports.

RFC 3550, section 6; RFC 4585; RFC 5104; RFC 6051, section 3.2; draft-alvestrand-rmcat-remb.
"""

from collections.abc import Iterator
from struct import Struct

import msgspec

SENDER_REPORT, RECEIVER_REPORT, TRANSPORT_FEEDBACK, PAYLOAD_FEEDBACK = 200, 201, 205, 206
GENERIC_NACK, RAPID_RESYNC = 1, 5
PICTURE_LOSS, APPLICATION = 1, 15
MAX_PACKETS = 64
"""In one compound packet."""

_head = Struct(">BBHI")
_words = Struct(">BBHII")
_sender = Struct(">QI")
_block = Struct(">IIIIII")
_pair = Struct(">HH")


class SenderReport(msgspec.Struct, frozen=True):
    """At `ntp_time` (32 bits of seconds, 32 of their fraction) of the sender's clock the media time was `timestamp`."""

    ssrc: int
    ntp_time: int
    timestamp: int


class ReportBlock(msgspec.Struct, frozen=True):
    """What we say of one SSRC (RFC 3550, section 6.4.1). `jitter` in RTP ticks; `delay` since the last sender report
    in 1/65536 s."""

    ssrc: int
    fraction_lost: int
    total_lost: int
    highest: int
    jitter: int
    last_report: int
    delay: int


def sender_reports(data: bytes) -> Iterator[SenderReport]:
    """Yield the sender reports of a compound packet, up to where it is torn."""
    at = 0
    for _ in range(MAX_PACKETS):
        if at + _head.size > len(data):
            return
        first, kind, words, ssrc = _head.unpack_from(data, at)
        end = at + 4 * (words + 1)
        if first >> 6 != 2 or end > len(data):
            return
        if kind == SENDER_REPORT and words >= 6:
            ntp_time, timestamp = _sender.unpack_from(data, at + 8)
            yield SenderReport(ssrc, ntp_time, timestamp)
        at = end


def receiver_report(ours: int, blocks: list[ReportBlock]) -> bytes:
    """Return a report of up to 31 sources."""
    parts = [_head.pack(0x80 | len(blocks), RECEIVER_REPORT, 1 + 6 * len(blocks), ours)]
    for block in blocks:
        lost = block.fraction_lost << 24 | min(max(block.total_lost, 0), 0x7FFFFF)
        parts.append(
            _block.pack(block.ssrc, lost, block.highest & 0xFFFFFFFF, block.jitter, block.last_report, block.delay)
        )
    return b"".join(parts)


def nack(ours: int, theirs: int, numbers: list[int]) -> bytes:
    """Ask for packets again: a number, and a bit for each of the 16 that follow it (RFC 4585, section 6.2.1)."""
    entries: list[bytes] = []
    at = 0
    while at < len(numbers):
        base, mask = numbers[at], 0
        at += 1
        while at < len(numbers) and 0 < (numbers[at] - base & 0xFFFF) <= 16:
            mask |= 1 << ((numbers[at] - base & 0xFFFF) - 1)
            at += 1
        entries.append(_pair.pack(base, mask))
    return _words.pack(0x80 | GENERIC_NACK, TRANSPORT_FEEDBACK, 2 + len(entries), ours, theirs) + b"".join(entries)


def picture_loss(ours: int, theirs: int) -> bytes:
    """Ask for a keyframe (RFC 4585, section 6.3.1)."""
    return _words.pack(0x80 | PICTURE_LOSS, PAYLOAD_FEEDBACK, 2, ours, theirs)


def rapid_resync(ours: int, theirs: int) -> bytes:
    """Ask for a sender report at once, to have sound and pictures in step from the start (RFC 6051, section 3.2)."""
    return _words.pack(0x80 | RAPID_RESYNC, TRANSPORT_FEEDBACK, 2, ours, theirs)


def bitrate_limit(ours: int, theirs: list[int], bitrate_bps: int) -> bytes:
    """Return a REMB: these together may be sent with so much."""
    exponent = max(bitrate_bps.bit_length() - 18, 0)
    mantissa = bitrate_bps >> exponent
    body = b"REMB" + (len(theirs) << 24 | exponent << 18 | mantissa).to_bytes(4, "big")
    body += b"".join(ssrc.to_bytes(4, "big") for ssrc in theirs)
    return _words.pack(0x80 | APPLICATION, PAYLOAD_FEEDBACK, 2 + len(body) // 4, ours, 0) + body
