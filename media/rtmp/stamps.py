"""Media time as the milliseconds that RTMP counts, from the first picture that is sent."""

from media.packets import VIDEO_TIMESCALE, CodecConfig, Packet, TrackKind

_VIDEO = TrackKind.VIDEO


class Stamps:
    """One outgoing connection's clock: 0 is where the first packet was decoded."""

    def __init__(self) -> None:
        self._zero_ms: int | None = None
        self._rate = VIDEO_TIMESCALE  # of sound

    def configure(self, config: CodecConfig) -> None:
        """Sound counts in samples of its own rate."""
        if config.kind is not _VIDEO:
            self._rate = config.sample_rate or VIDEO_TIMESCALE

    def place(self, packet: Packet) -> Packet | None:
        """Return the packet with stamps of the connection; None for sound from before its first picture."""
        scale = VIDEO_TIMESCALE if packet.kind is _VIDEO else self._rate
        dts, pts = packet.dts * 1000 // scale, packet.pts * 1000 // scale
        if self._zero_ms is None:
            self._zero_ms = dts
        if dts < self._zero_ms:
            return None
        return Packet(packet.kind, dts - self._zero_ms, pts - self._zero_ms, packet.is_keyframe, packet.data)
