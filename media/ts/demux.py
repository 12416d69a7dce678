"""MPEG transport stream to packets (ISO/IEC 13818-1), sans-IO: bytes in any cut, configurations and packets out.

Nothing is decoded and nothing is probed: a configuration is given out as soon as the stream has shown it, the packets
that need it behind it. Stamps are the stream's own 33 bits in 90 kHz, for pictures and for sound. The first program's
first picture and first sound are taken; what they are may change at any time.

Errors: `NotTransportStream` (these bytes are something else) and `Unsupported` (a codec that is not carried).
"""

import msgspec

from media.codecs import frame_rate
from media.codecs.annexb import AnnexBReader
from media.packets import CodecConfig, Packet, TrackKind
from media.ts import tables
from media.ts.frames import FRAMINGS, Cutter
from media.ts.pes import CLOCK_HZ, STAMP_MASK, PesHeader, parse_pes_header
from media.ts.tables import PACKET_BYTES, SYNC

MAX_UNIT_BYTES = 8 << 20
"""Of one PES packet: no access unit is as large."""
LOST_AFTER_BYTES = 1 << 20
"""So much without a program table is no transport stream."""
USUAL_RATE = 30.0
"""Pictures per second where nothing says it, for those few that have no stamp of their own."""
_DELIMITERS = {tables.H264: b"\0\0\1\x09", tables.HEVC: b"\0\0\1\x46"}

Media = CodecConfig | Packet


class NotTransportStream(Exception):
    """These bytes are something else."""


class Unsupported(Exception):
    """The pictures are of a codec that is not carried; `codec` is its name for people."""

    def __init__(self, codec: str) -> None:
        super().__init__(f"unsupported codec: {codec}")
        self.codec = codec


class Counts(msgspec.Struct):
    """What went wrong so far."""

    lost_packets: int = 0
    """Places at which the continuity counter jumped."""
    damaged_units: int = 0
    """Access units that were left out, because something of them is missing."""
    skipped_bytes: int = 0
    """Between packets, where none was."""


class Demuxer:
    """One transport stream. After an error it must not be called again."""

    def __init__(self) -> None:
        self.counts = Counts()
        self._rest = b""
        self._pat = tables.Section()
        self._pmt = tables.Section()
        self._programs: list[int] = []
        self._pmt_pid = tables.NO_PID
        self._streams: dict[int, _Elementary] = {}
        self._without_tables = 0

    @property
    def has_tables(self) -> bool:
        """Whether it has said what is in it."""
        return self._pmt_pid != tables.NO_PID

    def receive_data(self, data: bytes) -> list[Media]:
        """Take the next bytes; return what is whole now. Raises `NotTransportStream` or `Unsupported`."""
        events: list[Media] = []
        if not self.has_tables:
            self._without_tables += len(data)
        data = self._rest + data if self._rest else data
        at, last, streams = 0, len(data) - PACKET_BYTES, self._streams
        while at <= last:
            if data[at] != SYNC:
                at = self._next_sync(data, at)
                continue
            pid = (data[at + 1] & 0x1F) << 8 | data[at + 2]
            stream = streams.get(pid)
            if stream is not None:
                stream.take(data, at, events)
            elif pid in {tables.PAT_PID, self._pmt_pid} or (not self.has_tables and pid in self._programs):
                self._take_table(pid, data[at : at + PACKET_BYTES], events)
                streams = self._streams
            at += PACKET_BYTES
        self._rest = data[at:]
        if not self.has_tables and self._without_tables > LOST_AFTER_BYTES:
            raise NotTransportStream("the bytes are no MPEG transport stream")
        return events

    def finish(self) -> list[Media]:
        """Return what is whole when nothing more comes."""
        events: list[Media] = []
        for stream in self._streams.values():
            stream.finish(events)
        return events

    def _next_sync(self, data: bytes, at: int) -> int:
        """Return where a packet begins that is followed by another, or is the last here."""
        found = data.find(b"G", at + 1)
        while 0 <= found < len(data) - PACKET_BYTES and data[found + PACKET_BYTES] != SYNC:
            found = data.find(b"G", found + 1)
        found = found if found >= 0 else len(data)
        self.counts.skipped_bytes += found - at
        return found

    def _take_table(self, pid: int, packet: bytes, events: list[Media]) -> None:
        payload = _payload(packet)
        is_start = bool(packet[1] & 0x40)
        if not payload or packet[1] & 0x80:
            return
        if pid == tables.PAT_PID:
            section = self._pat.take(payload, is_start=is_start)
            if section is not None:
                self._programs = tables.program_pids(section) or self._programs
                if self._pmt_pid not in self._programs and self.has_tables and self._programs:
                    self._pmt_pid = tables.NO_PID  # another program took its place
                    self._without_tables = 0
            return
        section = self._pmt.take(payload, is_start=is_start)
        streams = tables.streams_of(section) if section is not None else None
        if streams is not None and (self.has_tables or any(stream.coding for stream in streams)):
            self._pmt_pid = pid
            self._choose(streams, events)
        elif streams is not None:
            self._refuse(streams)

    def _choose(self, streams: list[tables.Stream], events: list[Media]) -> None:
        """Go on with the first picture and the first sound; those that stay keep what they hold."""
        video = next((each for each in streams if each.coding in tables.VIDEO_CODINGS), None)
        audio = next((each for each in streams if each.coding in FRAMINGS), None)
        if video is None:
            self._refuse(streams)
        chosen: dict[int, _Elementary] = {}
        for stream in (video, audio):
            if stream is None:
                continue
            kept = self._streams.pop(stream.pid, None)
            if kept is None or kept.stream != stream:
                if kept is not None:
                    kept.finish(events)
                kept = _Pictures(stream, self.counts) if stream is video else _Sound(stream, self.counts)
            chosen[stream.pid] = kept
        for gone in self._streams.values():
            gone.finish(events)
        self._streams = chosen

    @staticmethod
    def _refuse(streams: list[tables.Stream]) -> None:
        if codec := next((each.video for each in streams if each.video), ""):
            raise Unsupported(codec)


def _payload(packet: bytes) -> bytes:
    control = packet[3]
    if not control & 0x10:
        return b""
    return packet[5 + packet[4] :] if control & 0x20 else packet[4:]


class _Elementary:
    """One PID: its PES packets put together."""

    def __init__(self, stream: tables.Stream, counts: Counts) -> None:
        self.stream = stream
        self._counts = counts
        self._parts: list[bytes] = []
        self._size = 0
        self._whole = 0  # what `_size` is when the PES packet is complete; 0 is unknown
        self._counter = -1

    def take(self, data: bytes, at: int, events: list[Media]) -> None:
        """Take the transport packet at this place. On the path of every packet."""
        control = data[at + 3]
        if not control & 0x10:
            return
        start = at + 4
        if control & 0x20:
            length = data[start]
            if length and data[start + 1] & 0x80:  # discontinuity_indicator: the counter may jump
                self._counter = -1
            start += 1 + length
        counter = control & 15
        if counter != self._counter + 1 & 15 and self._counter >= 0:
            if counter == self._counter:
                return  # sent twice (2.4.3.3)
            self._lose()
        self._counter = counter
        end = at + PACKET_BYTES
        if data[at + 1] & 0x80 or control & 0xC0 or start >= end:  # damaged, scrambled or empty
            self._lose()
            return
        if data[at + 1] & 0x40:
            self._end(events)
            self._begin(data[start:end])
        elif self._parts:
            self._parts.append(data[start:end])
            self._size += end - start
        else:
            return
        if self._whole and self._size >= self._whole:
            self._end(events)
        elif self._size > MAX_UNIT_BYTES:
            self._lose()

    def finish(self, events: list[Media]) -> None:
        """Give out what is held."""
        self._end(events)

    def _begin(self, part: bytes) -> None:
        header = parse_pes_header(part)
        if header is None:
            self._counts.damaged_units += 1
            return
        self._parts, self._size, self._whole = [part], len(part), header.size

    def _end(self, events: list[Media]) -> None:
        if not self._parts:
            return
        if self._whole > self._size:
            self._lose()  # less than was said
            return
        packet = b"".join(self._parts)
        self._parts = []
        header = parse_pes_header(packet)
        assert header is not None
        self._give(header, packet[header.payload_at : self._whole or len(packet)], events)

    def _lose(self) -> None:
        """Something is missing here: what is half there is worth nothing."""
        self._counts.lost_packets += 1
        self._counts.damaged_units += bool(self._parts)
        self._parts = []

    def _give(self, header: PesHeader, payload: bytes, events: list[Media]) -> None:
        raise NotImplementedError


class _Pictures(_Elementary):
    """H.264 or HEVC: a PES packet holds an access unit, seldom some more."""

    def __init__(self, stream: tables.Stream, counts: Counts) -> None:
        super().__init__(stream, counts)
        self._reader = AnnexBReader(stream.coding)
        self._delimiter = _DELIMITERS[stream.coding]
        self._next_dts: int | None = None

    def _give(self, header: PesHeader, payload: bytes, events: list[Media]) -> None:
        pts, dts = header.pts, header.dts
        if pts is None or dts is None:
            pts = dts = self._next_dts
        for unit in self._units(payload):
            config, sample, is_keyframe = self._reader.read(unit)
            if config is not None:
                events.append(config)
            if not sample or self._reader.config is None or pts is None or dts is None:
                continue
            events.append(Packet(TrackKind.VIDEO, dts, pts, is_keyframe, sample))
            step = round(CLOCK_HZ / (frame_rate(self._reader.config) or USUAL_RATE))
            pts = self._next_dts = dts = dts + step & STAMP_MASK

    def _units(self, payload: bytes) -> list[bytes]:
        """Cut at access unit delimiters, which every access unit of a transport stream has (2.14.1)."""
        second = payload.find(self._delimiter, len(self._delimiter) + 1)
        if second < 0:
            return [payload]
        units, start = [], 0
        while second >= 0:
            units.append(payload[start:second])
            start = second
            second = payload.find(self._delimiter, start + len(self._delimiter))
        return [*units, payload[start:]]


class _Sound(_Elementary):
    """Any number of access units in a PES packet, some begun in the one before."""

    def __init__(self, stream: tables.Stream, counts: Counts) -> None:
        super().__init__(stream, counts)
        self._cutter = Cutter(FRAMINGS[stream.coding](stream))

    def _give(self, header: PesHeader, payload: bytes, events: list[Media]) -> None:
        before = self._cutter.damaged
        events += self._cutter.take(payload, header.pts)
        self._counts.damaged_units += self._cutter.damaged - before

    def _lose(self) -> None:
        super()._lose()
        self._cutter.break_()
