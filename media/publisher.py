"""One connection that publishes: who it is, how it arrives, and the session whose place on the air it has or wants."""

import re
import time
from collections.abc import Callable
from typing import Protocol as Interface

from media.clocks import MPEG_TS_STAMPS, RTMP_STAMPS
from media.meter import PublisherMeter
from media.packets import CodecConfig, Packet, TrackKind
from media.publication import Description, Note, PublishAttempt, Refused
from schemas.ingest import NetworkHealth, PublisherHealth, PublishGrant, read_priority, wants_takeover

FROZEN_S = 3.0
"""A publisher that sent nothing for this long may be replaced by another."""
VIDEO_WAIT_S = 1.0
"""A publisher that has shown no video configuration for this long is taken for one without video."""
RTMP_PROTOCOLS = frozenset({"rtmp", "rtmps"})
"""These stamp their packets in milliseconds; of all others both tracks come in 90 kHz."""

_VIDEO, _AUDIO = TrackKind.VIDEO, TrackKind.AUDIO
_OBS = re.compile(r"libobs version (\d+\.\d+(?:\.\d+)?)")
_LAVF = re.compile(r"Lavf(\d+\.\d+)")


class Seat(Interface):
    """What publishers sit in: a session, or a bandwidth test. Calls never wait and never raise for bad media."""

    def configure(self, publisher: "Publisher", config: CodecConfig) -> None:
        """The publisher has a new configuration."""

    def take(self, publisher: "Publisher", packet: Packet, now: float) -> None:
        """The publisher sent a packet."""

    def describe(self, publisher: "Publisher", description: Description) -> None:
        """The publisher says what its stream is."""

    def annotate(self, publisher: "Publisher", note: Note) -> None:
        """The publisher sent data at a time of its stream."""

    def leave(self, publisher: "Publisher", reason: str, now: float, *, is_lost: bool) -> None:
        """The connection is over."""

    def is_urgent(self, publisher: "Publisher") -> bool:
        """Whether somebody watches this publisher with the lowest latency."""


class Publisher:
    """The `Publication` of one connection. Raises `Refused` for parameters that say nothing."""

    def __init__(
        self,
        attempt: PublishAttempt,
        on_cut: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        try:
            self.priority = read_priority(attempt.params)
        except ValueError as error:
            raise Refused(str(error), "bad_request") from error
        self.attempt = attempt
        self.grant: PublishGrant | None = None
        """What the platform said, once it has."""
        self.takes_over = wants_takeover(attempt.params)
        self.encoder = readable_encoder(attempt.encoder)
        self.configs: dict[TrackKind, CodecConfig] = {}
        """The newest of each track: what a session needs to begin with this publisher."""
        self.description: Description | None = None
        self.network: NetworkHealth | None = None
        self.stamps = RTMP_STAMPS if attempt.protocol in RTMP_PROTOCOLS else MPEG_TS_STAMPS
        """How its packets count time."""
        self.meter = PublisherMeter(self.stamps.ticks_per_s)
        self.connected_at = self.last_data = clock()
        self._connected_at_ms = time.time_ns() // 1_000_000
        self._on_cut = on_cut
        self._clock = clock
        self._seat: Seat | None = None
        self._lead = _AUDIO

    # --- what protocols call (see `Publication`) ---------------------------------------------------------------

    def configure(self, config: CodecConfig) -> None:
        """Take a track's configuration."""
        if self._seat is None or self.configs.get(config.kind) == config:
            return
        self.configs[config.kind] = config
        if config.kind is _VIDEO:
            self._lead = _VIDEO
        self._seat.configure(self, config)

    def push(self, packet: Packet) -> None:
        """Take a packet; what comes after the end is ignored."""
        seat = self._seat
        if seat is None:
            return
        now = self.last_data = self._clock()
        self.meter.count(len(packet.data), packet.dts if packet.kind is self._lead else None, now)
        seat.take(self, packet, now)

    def describe(self, description: Description) -> None:
        """Take what the publisher says of its stream."""
        self.description = description
        if description.encoder:
            self.encoder = readable_encoder(description.encoder)
        if self._seat is not None:
            self._seat.describe(self, description)

    def annotate(self, note: Note) -> None:
        """Take data at a time of the stream."""
        if self._seat is not None:
            self._seat.annotate(self, note)

    def measure(self, network: NetworkHealth) -> None:
        """Take what the protocol knows of the way here."""
        self.network = network

    async def end(self, reason: str, *, is_lost: bool = True) -> None:
        """Leave the session; only the first call counts."""
        seat, self._seat = self._seat, None
        if seat is not None:
            seat.leave(self, reason, self._clock(), is_lost=is_lost)

    @property
    def is_urgent(self) -> bool:
        """See `Hastened`."""
        return self._seat is not None and self._seat.is_urgent(self)

    # --- what seats call ---------------------------------------------------------------------------------------

    def sit(self, seat: Seat) -> None:
        """Belong to it from now on."""
        self._seat = seat

    def cut(self, reason: str) -> None:
        """Belong to nothing any more; the protocol tells the publisher why."""
        self._seat = None
        self._on_cut(reason)

    def is_silent(self, now: float) -> bool:
        """Whether nothing has come for `FROZEN_S`."""
        return now - self.last_data > FROZEN_S

    def can_begin_with(self, packet: Packet, now: float) -> bool:
        """Whether a decoder that starts with this packet shows something."""
        if packet.kind is _VIDEO:
            return packet.is_keyframe and _VIDEO in self.configs
        return _VIDEO not in self.configs and _AUDIO in self.configs and now - self.connected_at >= VIDEO_WAIT_S

    def health(self, now: float, *, is_on_air: bool) -> PublisherHealth:
        """Return what a heartbeat says of this connection."""
        return PublisherHealth(
            protocol=self.attempt.protocol,
            encoder=self.encoder,
            priority=self.priority,
            is_on_air=is_on_air,
            connected_at_ms=self._connected_at_ms,
            received_bytes=self.meter.total_bytes,
            bitrate_bps=self.meter.bitrate_bps(now),
            jitter_ms=round(self.meter.jitter_s * 1000),
            silent_ms=max(round((now - self.last_data) * 1000), 0),
            network=self.network,
        )


def readable_encoder(text: str) -> str:
    """Return an encoder's name as people know it: OBS and FFmpeg hide behind names of their libraries."""
    if found := _OBS.search(text):
        return f"OBS {found[1]}"
    if found := _LAVF.search(text):
        return f"FFmpeg (Lavf{found[1]})"
    return text
