"""CEA-608/708 captions in H.264: user data in SEI (ATSC A/53 part 4, section 6.2.3; ITU-T H.264, D.1.6)."""

from collections.abc import Iterator, Sequence

import msgspec

from media.packets import Packet

SEI, USER_DATA_T35 = 6, 4
ATSC = bytes.fromhex("b50031") + b"GA94\x03"


def captioned(packets: Sequence[Packet]) -> list[Packet]:
    """Return the packets with a caption pair in each, whose second byte counts pictures in the order of display."""
    order = sorted(range(len(packets)), key=lambda number: packets[number].pts)
    place = {number: at for at, number in enumerate(order)}
    return [
        msgspec.structs.replace(packet, data=_sei(pair(place[number])) + packet.data)
        for number, packet in enumerate(packets)
    ]


def pair(number: int) -> bytes:
    """Return cc_data_1 and cc_data_2 of a picture."""
    return bytes((0x20 + number // 90 % 90, 0x20 + number % 90))


def found(packets: Sequence[Packet]) -> list[bytes | None]:
    """Return the caption pair of each packet."""
    return [next(_pairs(packet.data), None) for packet in packets]


def _sei(cc: bytes) -> bytes:
    # one cc triplet of field 1: marker bits, cc_valid, cc_type 0
    payload = ATSC + bytes((0x41, 0xFF, 0xFC)) + cc + b"\xff"
    unit = bytes((SEI, USER_DATA_T35, len(payload))) + payload + b"\x80"
    return len(unit).to_bytes(4, "big") + unit


def _pairs(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        unit = data[at + 4 : at + 4 + size]
        at += 4 + size
        start = unit.find(ATSC)
        if unit[0] & 0x1F == SEI and start >= 0:
            yield unit[start + len(ATSC) + 3 :][:2]
