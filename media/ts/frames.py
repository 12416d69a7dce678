"""Sound of a transport stream, cut into the access units of a track.

A framing says how long the frame at a place is; `Cutter` finds the frames in what PES packets hold, whose ends need not
be theirs, and gives each its time: that of its PES packet for the first that begins in it, counted on for the others
(ISO/IEC 13818-1, 2.4.3.7).
"""

from collections.abc import Callable
from fractions import Fraction

import msgspec

from media.codecs import access_unit_samples, audio_config
from media.codecs.aac import SAMPLE_RATES as AAC_RATES
from media.codecs.bits import BadConfig
from media.codecs.dolby import ac3_frame_bytes, eac3_frame, is_eac3
from media.codecs.mpeg_audio import frame_layer, frame_size
from media.codecs.opus import dops
from media.packets import CodecConfig, Packet, TrackKind
from media.ts import tables
from media.ts.latm import LatmReader
from media.ts.pes import CLOCK_HZ, STAMP_MASK

MAX_FRAME_BYTES = 64 * 1024
"""Of a frame of sound; what claims to be longer is none."""
NEEDED = 16
"""Bytes of a frame that its framing may look at."""
ADTS_HEADER_BYTES = 7
_ADTS_CRC_BYTES = 2


class Unit(msgspec.Struct, gc=False):
    """One access unit, and the configuration that decodes it."""

    data: bytes
    config: CodecConfig


class Framing:
    """One way to hold frames. Methods raise `BadConfig` for what is no frame."""

    sync = b"\xff"
    """What every frame begins with."""

    def size(self, data: bytes) -> int:
        """Return the size of the frame that begins here; at least `NEEDED` bytes are given, but at the end."""
        raise NotImplementedError

    def unit(self, frame: bytes) -> Unit | None:
        """Return what a frame holds; None for one that only belongs to others."""
        raise NotImplementedError


class _Adts(Framing):
    """AAC with a header before each access unit (ISO/IEC 13818-7, 6.2)."""

    def size(self, data: bytes) -> int:
        if len(data) < ADTS_HEADER_BYTES or data[1] & 0xF6 != 0xF0:
            raise BadConfig("no ADTS header")
        return (data[3] & 3) << 11 | data[4] << 3 | data[5] >> 5

    def unit(self, frame: bytes) -> Unit:
        rate, channels = frame[2] >> 2 & 15, (frame[2] & 1) << 2 | frame[3] >> 6
        if rate >= len(AAC_RATES) or frame[6] & 3:
            raise BadConfig(f"ADTS with rate {rate} and {frame[6] & 3} more blocks")
        asc = (frame[2] >> 6) + 1 << 11 | rate << 7 | channels << 3
        start = ADTS_HEADER_BYTES + (0 if frame[1] & 1 else _ADTS_CRC_BYTES)
        return Unit(frame[start:], audio_config("mp4a", asc.to_bytes(2, "big")))


class _Latm(Framing):
    """AAC in LOAS (ISO/IEC 14496-3, 1.7.3)."""

    sync = b"\x56"

    def __init__(self) -> None:
        self._reader = LatmReader()

    def size(self, data: bytes) -> int:
        if data[1] & 0xE0 != 0xE0:
            raise BadConfig("no LOAS header")
        return 3 + (int.from_bytes(data[1:3], "big") & 0x1FFF)

    def unit(self, frame: bytes) -> Unit:
        record, data = self._reader.read(frame[3:])
        return Unit(data, audio_config("mp4a", record))


class _MpegAudio(Framing):
    """MPEG audio, layers II and III (ISO/IEC 11172-3, 2.4.1)."""

    def size(self, data: bytes) -> int:
        return frame_size(data)

    def unit(self, frame: bytes) -> Unit:
        return Unit(frame, audio_config(".mp3" if frame_layer(frame) == 3 else ".mp2", frame))


class _Dolby(Framing):
    """AC-3 and E-AC-3, which say themselves which they are; dependent substreams go with the one before."""

    sync = b"\x0b"

    def size(self, data: bytes) -> int:
        return eac3_frame(data).size if is_eac3(data) else ac3_frame_bytes(data)

    def unit(self, frame: bytes) -> Unit | None:
        if not is_eac3(frame):
            return Unit(frame, audio_config("ac-3", frame))
        if not eac3_frame(frame).is_first_independent:
            return None
        return Unit(frame, audio_config("ec-3", frame))


class _Opus(Framing):
    """Opus behind control headers ("Opus in MPEG-TS", as registered with SMPTE)."""

    sync = b"\x7f"

    def __init__(self, channels: int) -> None:
        self._config = audio_config("Opus", dops(channels or 2))

    def size(self, data: bytes) -> int:
        start, size = _opus_header(data)
        return start + size

    def unit(self, frame: bytes) -> Unit:
        return Unit(frame[_opus_header(frame)[0] :], self._config)


def _opus_header(data: bytes) -> tuple[int, int]:
    """Return where the packet begins and its size."""
    if len(data) < 3 or data[1] & 0xE0 != 0xE0:
        raise BadConfig("no Opus control header")
    at, size = 2, 0
    while at < len(data) and data[at] == 0xFF:
        size, at = size + 255, at + 1
    if at >= len(data):
        raise BadConfig("an Opus control header without a size")
    size, at = size + data[at], at + 1
    at += 2 * (data[1] >> 4 & 1) + 2 * (data[1] >> 3 & 1)  # start and end trim
    if data[1] & 4:
        at += 1 + (data[at] if at < len(data) else 0)
    return at, size


FRAMINGS: dict[str, Callable[[tables.Stream], Framing]] = {
    tables.ADTS: lambda _stream: _Adts(),
    tables.LATM: lambda _stream: _Latm(),
    tables.MPEG_AUDIO: lambda _stream: _MpegAudio(),
    tables.AC3: lambda _stream: _Dolby(),
    tables.EAC3: lambda _stream: _Dolby(),
    tables.OPUS: lambda stream: _Opus(stream.channels),
}


class Cutter:
    """The sound of one elementary stream, PES packet after PES packet."""

    def __init__(self, framing: Framing) -> None:
        self._framing = framing
        self._rest = b""
        self._next: Fraction | None = None
        self._config: CodecConfig | None = None
        self._is_broken = False
        self.damaged = 0
        """Places at which no frame was where one had to be."""

    def break_(self) -> None:
        """Something is missing before what comes."""
        self._rest, self._next = b"", None

    def take(self, payload: bytes, pts: int | None) -> list[CodecConfig | Packet]:
        """Return what is whole now; configurations only where they change."""
        data, given = self._rest + payload, len(self._rest)
        events: list[CodecConfig | Packet] = []
        at = 0
        while at < len(data):
            size = self._size(data[at : at + NEEDED], is_all=at + NEEDED >= len(data))
            if not size:
                found = data.find(self._framing.sync, at + 1)
                at = found if found >= 0 else len(data)
                continue
            if size < 0 or at + size > len(data):
                break
            if pts is not None and at >= given:
                self._next, pts = Fraction(pts), None
            self._give(data[at : at + size], events)
            at += size
        self._rest = data[at:] if len(data) - at <= MAX_FRAME_BYTES else b""
        return events

    def _size(self, head: bytes, *, is_all: bool) -> int:
        """Return the frame's size, 0 for no frame, -1 where more must come to know."""
        try:
            if head[:1] != self._framing.sync:
                raise BadConfig("no frame")
            size = self._framing.size(head)
        except (BadConfig, IndexError):
            if is_all and head[:1] == self._framing.sync and len(head) < NEEDED:
                return -1
            self.damaged += not self._is_broken
            self._is_broken = True
            return 0
        self._is_broken = False
        return size if 1 < size <= MAX_FRAME_BYTES else 0

    def _give(self, frame: bytes, events: list[CodecConfig | Packet]) -> None:
        try:
            unit = self._framing.unit(frame)
        except (BadConfig, IndexError):
            self.damaged += 1
            return
        if unit is None:
            last = events[-1] if events else None
            if isinstance(last, Packet):
                last.data += frame
            return
        if self._next is None or not unit.data:
            return  # of a time that nobody knows
        if unit.config != self._config:
            self._config = unit.config
            events.append(unit.config)
        stamp = round(self._next) & STAMP_MASK
        events.append(Packet(TrackKind.AUDIO, stamp, stamp, True, unit.data))
        samples = access_unit_samples(unit.config, unit.data)
        self._next += Fraction(samples * CLOCK_HZ, unit.config.sample_rate)
