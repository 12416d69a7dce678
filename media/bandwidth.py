"""A bandwidth test: one publisher is measured for a minute, told the outcome, and never on the air."""

import time
from collections.abc import Callable

from media.limits import BITRATE_PERIOD_S, config_fault
from media.meter import TrackMeter
from media.packets import CodecConfig, Packet, TrackKind
from media.publication import Description, Note
from media.publisher import Publisher
from media.samples import samples_of
from media.timeline import Timeline
from schemas.ingest import PublishGrant, SessionHealth, TrackHealth

TEST_S = 60.0
"""A test never takes longer."""


class BandwidthTest:
    """The `Seat` of a publisher that only wants to be measured; `on_end` is called once."""

    def __init__(
        self, grant: PublishGrant, publisher: Publisher, on_end: "Callable[[BandwidthTest, str], None]"
    ) -> None:
        self.grant = grant
        self.publisher = publisher
        self._on_end = on_end
        self._has_ended = False
        self._began = publisher.connected_at
        self._started_at_ms = time.time_ns() // 1_000_000
        self._timeline = Timeline(samples_of, publisher.stamps)
        self._meters: dict[TrackKind, TrackMeter] = {}
        publisher.sit(self)

    def configure(self, _publisher: Publisher, config: CodecConfig) -> None:
        """See `Seat`."""
        if fault := config_fault(config, self.grant.limits):
            self.cut(fault)
            return
        self._timeline.configure(config)

    def take(self, _publisher: Publisher, packet: Packet, now: float) -> None:
        """See `Seat`."""
        for event in self._timeline.push(packet, now):
            if isinstance(event, CodecConfig):
                meter = self._meters.setdefault(event.kind, TrackMeter(event))
                meter.configure(event)
            elif isinstance(event, Packet):
                self._meters[event.kind].count(event, now)

    def describe(self, _publisher: Publisher, _description: Description) -> None:
        """See `Seat`: what a publisher promises is not what is measured."""

    def annotate(self, _publisher: Publisher, _note: Note) -> None:
        """See `Seat`: nobody is there to see it."""

    def is_urgent(self, _publisher: Publisher) -> bool:
        """See `Seat`."""
        return False

    def leave(self, _publisher: Publisher, reason: str, _now: float, *, is_lost: bool) -> None:  # noqa: ARG002
        """See `Seat`."""
        self._finish(reason)

    def pulse(self, now: float) -> None:
        """Watch the clock; call it every third of a second."""
        if now - self._began >= TEST_S:
            self.cut(f"The bandwidth test is over: {self._verdict(now)}.")

    def cut(self, reason: str) -> None:
        """End the test and tell its publisher why."""
        if not self._has_ended:
            self._finish(reason)
            self.publisher.cut(reason)

    def health(self, now: float) -> SessionHealth:
        """Return what a heartbeat says of this test."""
        publisher = self.publisher
        return SessionHealth(
            session_id=self.grant.session_id,
            channel_id=self.grant.channel_id,
            protocol=publisher.attempt.protocol,
            encoder=publisher.encoder,
            started_at_ms=self._started_at_ms,
            is_playable=False,
            duration_ms=round((now - self._began) * 1000),
            received_bytes=publisher.meter.total_bytes,
            dropped_packets=self._timeline.dropped_packets,
            discontinuities=self._timeline.discontinuities,
            video=self._track(TrackKind.VIDEO, now),
            audio=self._track(TrackKind.AUDIO, now),
            publishers=[publisher.health(now, is_on_air=False)],
            is_test=True,
        )

    def _track(self, kind: TrackKind, now: float) -> TrackHealth | None:
        meter = self._meters.get(kind)
        return meter.stats(now) if meter else None

    def _verdict(self, now: float) -> str:
        meter = self.publisher.meter
        words = [
            f"{meter.bitrate_bps(now, BITRATE_PERIOD_S) / 1e6:.1f} Mbit/s",
            f"jitter {meter.jitter_s * 1000:.0f} ms",
        ]
        video = self._track(TrackKind.VIDEO, now)
        if video is not None and video.frame_rate:
            words.append(f"{video.frame_rate:.0f} frames per second")
        return ", ".join(words)

    def _finish(self, reason: str) -> None:
        if not self._has_ended:
            self._has_ended = True
            self._on_end(self, reason)
