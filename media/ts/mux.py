"""Packets to an MPEG transport stream (ISO/IEC 13818-1): one program with a picture and a sound, sans-IO.

The tables come with every keyframe and at least every `TABLES_S`, the clock with every picture, so that a player may
begin at any keyframe. H.264 and HEVC have their parameter sets in front of keyframes; AAC is framed by ADTS.
"""

import msgspec

from media.codecs import BadConfig, aac
from media.codecs.annexb import to_annexb
from media.codecs.opus import parse_dops
from media.packets import VIDEO_TIMESCALE, CodecConfig, Packet, TrackKind
from media.ts.pes import AUDIO_ID, CLOCK_HZ, PRIVATE_ID, STAMP_MASK, VIDEO_ID, pes_header
from media.ts.tables import PACKET_BYTES, SYNC, pat, pmt

PMT_PID, VIDEO_PID, AUDIO_PID = 0x1000, 0x100, 0x101
TABLES_S = 0.2
CLOCK_S = 0.08
"""Between two clock references at most; 0.1 is what may be (2.7.2)."""
CLOCK_LEAD_S = 0.3
"""How far the clock is behind the stamps: what a player of the program's clock has for its buffers."""
PAYLOAD_BYTES = PACKET_BYTES - 4
_DELIMITERS = {"avc1": b"\0\0\0\1\x09\xf0", "hvc1": b"\0\0\0\1\x46\x01\x50"}
_STREAM_TYPES = {"avc1": 0x1B, "hvc1": 0x24, "mp4a": 0x0F, "ac-3": 0x81, "ec-3": 0x87, ".mp3": 0x03, ".mp2": 0x03}
_REGISTRATIONS = {"hvc1": b"HEVC", "ac-3": b"AC-3", "ec-3": b"EAC3", "Opus": b"Opus"}
_PRIVATE = 0x06
CARRIED = frozenset({*_STREAM_TYPES, "Opus"})
"""What can be in the stream, by fourcc."""


class _Track(msgspec.Struct):
    config: CodecConfig
    pid: int
    counter: int = 0


class Muxer:
    """One transport stream. Packets of a track that was not configured, or cannot be carried, are left out."""

    def __init__(self) -> None:
        self._tracks: dict[TrackKind, _Track] = {}
        self._version = 0
        self._table_counters = [0, 0]
        self._tables_due: int | None = None
        self._clock_due: int | None = None
        self._is_discontinuous = False
        self._is_changed = False

    def configure(self, config: CodecConfig) -> bool:
        """Take what the following packets of a track need; return whether it can be carried."""
        if config.fourcc not in CARRIED:
            self._tracks.pop(config.kind, None)
            return False
        track = self._tracks.get(config.kind)
        if track is None:
            pid = VIDEO_PID if config.kind is TrackKind.VIDEO else AUDIO_PID
            self._tracks[config.kind] = _Track(config, pid)
            self._change()
        else:
            if track.config.fourcc != config.fourcc:
                self._change()
            track.config = config
        return True

    def break_(self) -> None:
        """What follows does not join what went before."""
        self._is_discontinuous = True
        self._clock_due = None

    def write(self, packet: Packet) -> bytes:
        """Return the transport packets of one packet in media time (pictures in 90 kHz, sound in samples)."""
        track = self._tracks.get(packet.kind)
        if track is None:
            return b""
        scale = VIDEO_TIMESCALE if packet.kind is TrackKind.VIDEO else track.config.sample_rate
        dts, pts = packet.dts * CLOCK_HZ // scale, packet.pts * CLOCK_HZ // scale
        try:
            payload = _framed(track.config, packet)
        except BadConfig:
            return b""  # a sample that is none
        is_video = packet.kind is TrackKind.VIDEO
        out: list[bytes] = []
        if (is_video and packet.is_keyframe) or self._tables_due is None or dts >= self._tables_due or self._is_changed:
            self._write_tables(out)
            self._tables_due = dts + round(TABLES_S * CLOCK_HZ)
        lead = round(CLOCK_LEAD_S * CLOCK_HZ)
        stream_id = VIDEO_ID if is_video else PRIVATE_ID if _is_private(track.config) else AUDIO_ID
        head = pes_header(stream_id, len(payload) if not is_video else 1 << 16, pts + lead, dts + lead)
        clock = dts if self._carries_clock(track) and (is_video or self._is_clock_due(dts)) else None
        self._write_pes(track, head + payload, clock, out, is_key=packet.is_keyframe and is_video)
        return b"".join(out)

    def _carries_clock(self, track: _Track) -> bool:
        return track.config.kind is TrackKind.VIDEO or TrackKind.VIDEO not in self._tracks

    def _is_clock_due(self, dts: int) -> bool:
        if self._clock_due is not None and dts < self._clock_due:
            return False
        self._clock_due = dts + round(CLOCK_S * CLOCK_HZ)
        return True

    def _change(self) -> None:
        self._version = (self._version + 1) & 31
        self._is_changed = True

    def _write_tables(self, out: list[bytes]) -> None:
        self._is_changed = False
        tracks = [self._tracks[kind] for kind in (TrackKind.VIDEO, TrackKind.AUDIO) if kind in self._tracks]
        streams = [(_stream_type(track.config), track.pid, _descriptors(track.config)) for track in tracks]
        clock_pid = streams[0][1]
        sections = ((0, pat(PMT_PID)), (PMT_PID, pmt(clock_pid, streams, self._version)))
        for at, (pid, section) in enumerate(sections):
            data = b"\0" + section
            head = bytes((SYNC, 0x40 | pid >> 8, pid & 0xFF, 0x10 | self._table_counters[at]))
            self._table_counters[at] = self._table_counters[at] + 1 & 15
            out.append(head + data + b"\xff" * (PAYLOAD_BYTES - len(data)))

    def _write_pes(self, track: _Track, data: bytes, clock: int | None, out: list[bytes], *, is_key: bool) -> None:
        """Cut a PES packet into transport packets; an adaptation field begins the first and fills the last."""
        pid, counter, end = track.pid, track.counter, len(data)
        field = self._field(clock, is_key=is_key)
        at, start = 0, 0x40
        while at < end:
            room = PAYLOAD_BYTES - len(field)
            if end - at < room:
                field = _filled(field, PAYLOAD_BYTES - (end - at))
                room = end - at
            control = 0x30 if field else 0x10
            out.append(bytes((SYNC, start | pid >> 8, pid & 0xFF, control | counter)) + field + data[at : at + room])
            counter = counter + 1 & 15
            at, start, field = at + room, 0, b""
        track.counter = counter

    def _field(self, clock: int | None, *, is_key: bool) -> bytes:
        """Return an adaptation field (2.4.3.4), b"" where nothing is to be said."""
        flags = 0x80 if self._is_discontinuous and clock is not None else 0
        flags |= (0x40 if is_key else 0) | (0x10 if clock is not None else 0)
        if not flags:
            return b""
        body = bytes((flags,))
        if clock is not None:
            self._is_discontinuous = False
            body += ((clock & STAMP_MASK) << 15 | 0x7E00).to_bytes(6, "big")
        return bytes((len(body),)) + body


def _filled(field: bytes, size: int) -> bytes:
    """Return an adaptation field made longer, up to this size with its length."""
    if size == 1:
        return b"\0"
    body = (field[1:] or b"\0") + b"\xff" * (size - max(len(field), 2))
    return bytes((size - 1,)) + body


def _is_private(config: CodecConfig) -> bool:
    return config.fourcc in {"Opus", "ac-3", "ec-3"}


def _stream_type(config: CodecConfig) -> int:
    return _STREAM_TYPES.get(config.fourcc, _PRIVATE)


def _descriptors(config: CodecConfig) -> bytes:
    name = _REGISTRATIONS.get(config.fourcc)
    descriptors = b"\x05\x04" + name if name else b""
    if config.fourcc == "Opus":
        descriptors += bytes((0x7F, 2, 0x80, config.channels))
    return descriptors


def _framed(config: CodecConfig, packet: Packet) -> bytes:
    """Return an access unit as a transport stream holds it. Raises `BadConfig`."""
    match config.fourcc:
        case "avc1" | "hvc1":
            data = to_annexb(config, packet.data, with_parameter_sets=packet.is_keyframe)
            return _DELIMITERS[config.fourcc] + data
        case "mp4a":
            return adts_header(config.record, len(packet.data)) + packet.data
        case "Opus":
            parse_dops(config.record)
            size = len(packet.data)
            return b"\x7f\xe0" + b"\xff" * (size // 255) + bytes((size % 255,)) + packet.data
    return packet.data


def adts_header(record: bytes, size: int) -> bytes:
    """Return the header of a raw AAC access unit (ISO/IEC 13818-7, 6.2). Raises `BadConfig` for what it cannot say."""
    asc = aac.parse_asc(record)
    # The core's type and rate: the extension of HE-AAC is found in the access unit.
    kind, rate = record[0] >> 3, (record[0] & 7) << 1 | record[1] >> 7
    kind = aac.LC if kind in {aac.SBR, aac.PS} else kind
    if rate >= len(aac.SAMPLE_RATES) or not 1 <= kind <= 4 or not 1 <= asc.channel_configuration <= 7:
        raise BadConfig(f"ADTS cannot say object type {kind}, rate {rate}, channels {asc.channel_configuration}")
    whole = size + 7
    value = 0xFFF << 44 | 1 << 40 | (kind - 1) << 38 | rate << 34 | asc.channel_configuration << 30
    return (value | whole << 13 | 0x7FF << 2).to_bytes(7, "big")
