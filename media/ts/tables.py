"""Which elementary streams a transport stream has: PAT and PMT, read and written (ISO/IEC 13818-1, 2.4.4)."""

import msgspec

PACKET_BYTES = 188
SYNC = 0x47
PAT_PID = 0
NO_PID = 0x1FFF
MAX_SECTION_BYTES = 1021 + 3
"""Of a PAT or PMT (2.4.4.4 and 2.4.4.9)."""
MAX_STREAMS = 64
"""Of one program; more are not looked at."""
_PAT_TABLE, _PMT_TABLE = 0, 2
_REGISTRATION, _DVB_AC3, _DVB_EAC3, _EXTENSION = 0x05, 0x6A, 0x7A, 0x7F
_OPUS_CHANNELS = 0x80  # tag_extension of Opus' own descriptor

H264, HEVC, ADTS, LATM, MPEG_AUDIO, AC3, EAC3, OPUS = "avc1", "hvc1", "adts", "latm", "mpeg", "ac-3", "ec-3", "Opus"
"""What is carried, by what has to be known to read it."""
VIDEO_CODINGS = frozenset({H264, HEVC})
_CODINGS = {
    0x1B: H264,
    0x24: HEVC,
    0x0F: ADTS,
    0x11: LATM,
    0x03: MPEG_AUDIO,
    0x04: MPEG_AUDIO,
    0x81: AC3,  # ATSC A/53 part 3
    0x87: EAC3,
}
_REGISTERED = {b"AC-3": AC3, b"EAC3": EAC3, b"Opus": OPUS, b"HEVC": HEVC}
_OTHER_VIDEO = {
    0x01: "MPEG-1 video",
    0x02: "MPEG-2 video",
    0x10: "MPEG-4 part 2",
    0x21: "JPEG 2000",
    0x32: "JPEG XS",
    0x33: "H.266",
    0xD1: "Dirac",
    0xEA: "VC-1",
}


class Stream(msgspec.Struct, frozen=True):
    """One elementary stream. `coding` "" is none that can be read; `video` names pictures that are not carried."""

    pid: int
    coding: str
    channels: int = 0
    """Of Opus, as its descriptor says; 0 is unsaid."""
    video: str = ""


class Section:
    """Puts a PID's sections together; tables of more than one section are not read."""

    def __init__(self) -> None:
        self._data = bytearray()

    def take(self, payload: bytes, *, is_start: bool) -> bytes | None:
        """Return a whole section with a right checksum, without it."""
        if is_start:
            self._data = bytearray(payload[1 + payload[0] :]) if payload else bytearray()
        elif self._data:
            self._data += payload
        data = self._data
        if len(data) < 3:
            return None
        size = 3 + (int.from_bytes(data[1:3], "big") & 0xFFF)
        if size > MAX_SECTION_BYTES or size < 12:
            data.clear()
            return None
        if len(data) < size:
            return None
        section = bytes(data[:size])
        data.clear()
        return section[:-4] if crc32(section) == 0 else None


def program_pids(section: bytes) -> list[int]:
    """Return the PIDs of the PMTs that a PAT names."""
    if section[0] != _PAT_TABLE:
        return []
    entries = (section[at : at + 4] for at in range(8, len(section) - 3, 4))
    return [int.from_bytes(entry[2:], "big") & 0x1FFF for entry in entries if entry[:2] != b"\0\0"]


def streams_of(section: bytes) -> list[Stream] | None:
    """Return the elementary streams of a PMT, None when it is another table."""
    if section[0] != _PMT_TABLE or len(section) < 12 or not section[5] & 1:
        return None
    streams: list[Stream] = []
    at = 12 + (int.from_bytes(section[10:12], "big") & 0xFFF)
    while at + 5 <= len(section) and len(streams) < MAX_STREAMS:
        size = int.from_bytes(section[at + 3 : at + 5], "big") & 0xFFF
        pid = int.from_bytes(section[at + 1 : at + 3], "big") & 0x1FFF
        streams.append(_stream(section[at], pid, section[at + 5 : at + 5 + size]))
        at += 5 + size
    return streams


def _stream(kind: int, pid: int, descriptors: bytes) -> Stream:
    coding, channels, registered = _CODINGS.get(kind, ""), 0, b""
    at = 0
    while at + 2 <= len(descriptors):
        tag, body = descriptors[at], descriptors[at + 2 : at + 2 + descriptors[at + 1]]
        at += 2 + descriptors[at + 1]
        if tag == _REGISTRATION:
            registered = body[:4]
        if kind == 0x06:  # private data: only descriptors say what it is
            if tag == _REGISTRATION:
                coding = _REGISTERED.get(registered, coding)
            elif tag in {_DVB_AC3, _DVB_EAC3}:
                coding = AC3 if tag == _DVB_AC3 else EAC3
            elif tag == _EXTENSION and len(body) == 2 and body[0] == _OPUS_CHANNELS:
                channels = body[1]
    video = "AV1" if registered == b"AV01" and kind == 0x06 else "" if coding else _OTHER_VIDEO.get(kind, "")
    return Stream(pid, coding, channels, video)


# --- writing ---------------------------------------------------------------------------------------------------


def pat(pmt_pid: int) -> bytes:
    """Return the section of a PAT with one program."""
    return _section(_PAT_TABLE, 0, (1).to_bytes(2, "big") + (0xE000 | pmt_pid).to_bytes(2, "big"), 1)


def pmt(pcr_pid: int, streams: list[tuple[int, int, bytes]], version: int) -> bytes:
    """Return the section of a PMT: each stream is its type, PID and descriptors."""
    body = (0xE000 | pcr_pid).to_bytes(2, "big") + b"\xf0\0"
    for kind, pid, descriptors in streams:
        body += bytes((kind,)) + (0xE000 | pid).to_bytes(2, "big")
        body += (0xF000 | len(descriptors)).to_bytes(2, "big") + descriptors
    return _section(_PMT_TABLE, version, body, 1)


def _section(table: int, version: int, body: bytes, number: int) -> bytes:
    head = bytes((table,)) + (0xB000 | len(body) + 9).to_bytes(2, "big")
    head += number.to_bytes(2, "big") + bytes((0xC1 | version << 1 & 0x3E, 0, 0))
    data = head + body
    return data + crc32(data).to_bytes(4, "big")


def _table() -> tuple[int, ...]:
    values = []
    for byte in range(256):
        value = byte << 24
        for _ in range(8):
            value = (value << 1 ^ 0x04C11DB7 if value & 0x80000000 else value << 1) & 0xFFFFFFFF
        values.append(value)
    return tuple(values)


_CRC = _table()


def crc32(data: bytes) -> int:
    """Return the checksum of annex A; over a section with its own it is 0."""
    value = 0xFFFFFFFF
    for byte in data:
        value = value << 8 & 0xFFFFFFFF ^ _CRC[value >> 24 ^ byte]
    return value
