"""Sound where a publisher sends none: players stall on a rendition that is promised and does not come.

A stream with video always has a sound rendition. AAC access units of silence are constants (ISO/IEC 14496-3, 4.4.2.1:
elements of one long window without any scale factor band); they fill what is missing of an AAC track, in the track's
own configuration, and are all of a stream that has no sound. Streams of sound alone have only their holes filled.
"""

from collections.abc import Sequence
from functools import lru_cache

from media.codecs import BadConfig
from media.codecs.aac import LC, parse_asc
from media.codecs.bits import Bits
from media.hls.boxes import UnsupportedCodec, init_section, timescale
from media.packets import VIDEO_TIMESCALE, CodecConfig, MediaEvent, Packet, TrackKind

SOUND_WAIT_S = 1.0
"""How long sound may be behind the video, in media time, before silence takes its place."""
MAX_FILL_S = 12.0
"""A longer hole is left as it is; no stream is planned later than this."""

SILENT_CONFIG = CodecConfig(TrackKind.AUDIO, "mp4a", b"\x11\x90", sample_rate=48_000, channels=2)
"""AAC-LC, 48 kHz, stereo: what a stream without sound has."""
SILENT_UNITS = {
    channels: bytes.fromhex(unit)
    for channels, unit in {
        1: "00000007",  # one single channel element, then the terminator
        2: "21000000001c",  # one channel pair element
        3: "000000010800000000e0",  # front centre; front pair
        4: "00000001080000000002000007",  # the same; back centre
        5: "00000001080000000023000000001c",  # front centre; front pair; back pair
        6: "00000001080000000023000000000c000000e0",  # the same; low frequencies
    }.items()
}
"""By channelConfiguration, which for these is the number of channels."""

_VIDEO = TrackKind.VIDEO  # looking up a member costs 0.2 us in Python 3.11
_NEVER = 1 << 62


@lru_cache(maxsize=64)
def silent_unit(config: CodecConfig) -> tuple[bytes, int] | None:
    """Return an access unit of silence and how many samples it lasts; None where there is none for the track."""
    if config.fourcc != "mp4a":
        return None
    try:
        parsed = parse_asc(config.record)
    except BadConfig:
        return None
    bits = Bits(config.record)
    if parsed.object_type != LC or bits.u(5) != LC:
        return None
    if bits.u(4) == 15:
        bits.u(24)
    unit = SILENT_UNITS.get(bits.u(4))
    return (unit, parsed.frame_samples) if unit else None


class Silence:
    """Stands before the planner and the packager; what it gives out is what they take."""

    def __init__(self) -> None:
        self.wait_s = SOUND_WAIT_S
        """May be raised where the sound is known to come, but later."""
        self.is_published = False
        """Set once the stream is planned: until then a configuration may be replaced without a break."""
        self.dropped_packets = 0
        """Access units in whose place there is silence already."""
        self._config: CodecConfig | None = None  # what came out
        self._is_made_up = False  # whether no sound has ever come
        self._is_away = False  # whether no sound will come before the next break
        self._late: CodecConfig | None = None  # begins at the next keyframe
        self._unit = b""
        self._frame = 0  # samples of `_unit`, 0 without one
        self._next: int | None = None  # where sound is to go on, in samples
        self._start: int | None = None  # where video began after the last break
        self._due = -_NEVER  # decode time of the video from which on silence is missed

    def feed(self, event: MediaEvent) -> Sequence[MediaEvent]:
        """Take the next event and return what is to be packaged. Raises `UnsupportedCodec`."""
        if isinstance(event, Packet):
            if event.kind is _VIDEO:
                if event.dts < self._due and self._late is None:
                    return (event,)
                return self._accompany(event)
            return self._hear(event)
        if isinstance(event, CodecConfig):
            return (event,) if event.kind is _VIDEO else self._configure(event)
        return self._break(event)

    def resume(self, config: CodecConfig | None) -> None:
        """Go on in a stream that another process has planned, with the sound that it had."""
        self.is_published = True
        if config is not None:
            self._adopt(config)

    def leave(self) -> None:
        """The source is away: until the next break there is silence beside what is shown, at once."""
        self._begin_again()
        self._is_away = True

    # --- beside video ----------------------------------------------------------------------------------------

    def _accompany(self, packet: Packet) -> Sequence[MediaEvent]:
        """Put the silence that is missed before a video packet."""
        if self._start is None:
            self._start = packet.pts
            self._due = packet.dts + self._patience()
        events: list[MediaEvent] = []
        if packet.dts >= self._due:
            if self._config is None:
                self._adopt(SILENT_CONFIG)
                self._is_made_up = True
                events.append(SILENT_CONFIG)
            if self._frame:
                self._fill(events, self._ticks_to_samples(packet.dts))
            else:
                self._due = _NEVER
        if self._late is not None and packet.is_keyframe:
            late = self._late
            self._fill(events, self._ticks_to_samples(packet.dts))
            self._adopt(late)
            self._start, self._next = packet.pts, None
            self._due = packet.dts + self._patience()
            events.append(late)
        events.append(packet)
        return events

    def _patience(self) -> int:
        return 0 if self._is_made_up or self._is_away else int(self.wait_s * VIDEO_TIMESCALE)

    def _ticks_to_samples(self, ticks: int) -> int:
        assert self._config is not None, "only a known track is filled"
        return -(-ticks * self._config.sample_rate // VIDEO_TIMESCALE)

    # --- sound -----------------------------------------------------------------------------------------------

    def _configure(self, config: CodecConfig) -> Sequence[MediaEvent]:
        if timescale(config) <= 0:
            raise UnsupportedCodec(config.fourcc)
        init_section(config)  # raises
        if config == self._config:
            self._late = None
            self._is_made_up = False
            return ()
        if self._config is None or self._start is None:
            self._adopt(config)
            return (config,)
        if not self.is_published:
            self._adopt(config)
            self._next = None  # its own silence from the beginning
            self._due = self._start + self._patience()
            return (config,)
        # A break waits for a keyframe. Pictures would be lost until it comes, so the sound waits instead.
        self._late = config
        return ()

    def _adopt(self, config: CodecConfig) -> None:
        self._config, self._late = config, None
        self._is_made_up = False
        self._unit, self._frame = silent_unit(config) or (b"", 0)

    def _hear(self, packet: Packet) -> Sequence[MediaEvent]:
        config, frame = self._config, self._frame
        if self._late is not None:
            self.dropped_packets += 1
            return ()
        if config is None or not frame:
            return (packet,)
        expected = self._next
        if expected is not None and packet.dts < expected:
            self.dropped_packets += 1
            # It is back, and needs the usual patience to catch up.
            self._due = expected * VIDEO_TIMESCALE // config.sample_rate + self._patience()
            return ()
        if expected is None:
            begin = packet.dts if self._start is None else self._ticks_to_samples(self._start)
            expected = self._next = min(begin, packet.dts)
        events: list[MediaEvent] = []
        if packet.dts - expected >= frame:
            self._fill(events, packet.dts - frame + 1)
        self._next = packet.dts + frame
        if self._start is not None:
            self._due = self._next * VIDEO_TIMESCALE // config.sample_rate + self._patience()
        if not events:
            return (packet,)
        events.append(packet)
        return events

    def _fill(self, events: list[MediaEvent], until: int) -> None:
        """Add silence that begins before this sample."""
        assert self._config is not None, "only a known track is filled"
        frame, at = self._frame, self._next
        if at is None:
            at = until if self._start is None else self._ticks_to_samples(self._start)
        if frame and until - at <= MAX_FILL_S * self._config.sample_rate:
            while at < until:
                events.append(Packet(TrackKind.AUDIO, at, at, True, self._unit))
                at += frame
        else:
            at = max(at, until)
        self._next = at

    # --- breaks ----------------------------------------------------------------------------------------------

    def _break(self, event: MediaEvent) -> Sequence[MediaEvent]:
        self._begin_again()
        self._is_away = False
        if self._late is None:
            return (event,)
        late = self._late
        self._adopt(late)
        return (event, late)

    def _begin_again(self) -> None:
        self._start = self._next = None
        self._due = -_NEVER
