"""Sender reports: which time of one clock each track's time stamps stand for, so that players keep lips and sound
together (RFC 3550, section 6.4.1).
"""

from struct import Struct

SENDER_REPORT, SOURCE_DESCRIPTION, GOODBYE = 200, 202, 203
CNAME = 1
NTP_EPOCH_S = 2_208_988_800
"""Seconds from 1900, where NTP begins, to 1970 (RFC 5905, section 6)."""

_report = Struct(">BBHIQIII").pack
_head = Struct(">BBHI").pack


def ntp(unix_s: float) -> int:
    """Return a time as NTP has it: 32 bits of seconds, 32 of their fraction."""
    return round((unix_s + NTP_EPOCH_S) * (1 << 32)) & (1 << 64) - 1


def middle(ntp_time: int) -> int:
    """Return the 32 bits in the middle, by which receivers name a report."""
    return ntp_time >> 16 & 0xFFFF_FFFF


def sender_report(ssrc: int, cname: str, ntp_time: int, timestamp: int, sent: tuple[int, int]) -> bytes:
    """Return a compound packet: the time that `timestamp` of this track stands for, and packets and octets `sent`."""
    packets, octets = (count & 0xFFFF_FFFF for count in sent)
    report = _report(0x80, SENDER_REPORT, 6, ssrc, ntp_time, timestamp & 0xFFFF_FFFF, packets, octets)
    return report + _description(ssrc, cname)


def goodbye(ssrc: int, cname: str) -> bytes:
    """Return a compound packet: this track is over."""
    empty_report = _head(0x80, 201, 1, ssrc)  # a compound packet begins with a report (section 6.1)
    return empty_report + _description(ssrc, cname) + _head(0x81, GOODBYE, 1, ssrc)


def _description(ssrc: int, cname: str) -> bytes:
    item = bytes((CNAME, len(cname))) + cname.encode()
    item += bytes(4 - len(item) % 4)  # at least one zero ends the items (section 6.5)
    return _head(0x81, SOURCE_DESCRIPTION, 1 + len(item) // 4, ssrc) + item
