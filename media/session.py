"""One publish from its grant to its end: the publisher's packets through the timeline into the live stream."""

import time
from collections.abc import Callable

import structlog

from media.codecs import BadConfig, access_unit_samples
from media.hls.boxes import UnsupportedCodec
from media.live import LiveStream
from media.packets import CodecConfig, Discontinuity, Packet
from media.publication import Description, Note, PublishAttempt
from media.timeline import Timeline
from schemas.ids import NodeId
from schemas.ingest import LiveEntry, PublishGrant, SessionHealth

FROZEN_S = 3.0
"""A publisher that sent nothing for this long may be replaced by a new one with the same key."""


class Session:
    """A granted `Publication`. Lives in the loop; `on_end` is called once, when it has ended for whatever reason."""

    def __init__(
        self,
        grant: PublishGrant,
        attempt: PublishAttempt,
        live: LiveStream,
        *,
        on_cut: Callable[[str], None],
        on_end: "Callable[[Session, str], None]",
    ) -> None:
        self.grant = grant
        self.live = live
        self.started_at_ms = time.time_ns() // 1_000_000
        self.has_ended = False
        self._attempt = attempt
        self._timeline = Timeline(_samples)
        self._on_cut = on_cut
        self._on_end = on_end
        self._last_data = time.monotonic()
        self._received_bytes = 0
        self._log = structlog.get_logger().bind(channel=grant.channel_name, session=grant.session_id)

    def configure(self, config: CodecConfig) -> None:
        """Take a track's configuration (see `Publication`)."""
        self._timeline.configure(config)

    def push(self, packet: Packet) -> None:
        """Take a packet (see `Publication`); what comes after the end is ignored."""
        if self.has_ended:
            return
        now = self._last_data = time.monotonic()
        self._received_bytes += len(packet.data)
        try:
            for event in self._timeline.push(packet, now):
                if isinstance(event, Discontinuity):
                    self._log.warning("timeline broken", reason=event.reason)
                self.live.feed(event, time.time())
        except UnsupportedCodec as error:
            self.cut(f"HLS cannot carry this stream: {error}")

    def describe(self, description: Description) -> None:
        """Take what the publisher says of its stream (see `Publication`)."""

    def annotate(self, note: Note) -> None:
        """Take data at a time of the stream (see `Publication`)."""

    async def end(self, reason: str, *, is_lost: bool = True) -> None:  # noqa: ARG002  # no session waits yet
        """End the session; only the first call counts."""
        self.finish(reason)

    def finish(self, reason: str) -> None:
        """End the session now, from anywhere in the loop."""
        if self.has_ended:
            return
        self.has_ended = True
        self.live.end()
        self._on_end(self, reason)

    def cut(self, reason: str) -> None:
        """End the session because the platform says so, and tell its publisher why."""
        if not self.has_ended:
            self._on_cut(reason)
            self.finish(reason)

    def is_frozen(self) -> bool:
        """Whether the publisher has been silent for `FROZEN_S`."""
        return time.monotonic() - self._last_data > FROZEN_S

    def has_key(self, key: str) -> bool:
        """Whether this session was published with that key."""
        return self._attempt.key == key

    def entry(self, node_id: NodeId, origin_url: str) -> LiveEntry:
        """Return what the registry holds of this session."""
        grant = self.grant
        return LiveEntry(
            grant.channel_id, grant.channel_name, grant.session_id, node_id, origin_url, self.started_at_ms
        )

    def health(self) -> SessionHealth:
        """Return what a heartbeat says of this session."""
        stats = self.live.stats
        return SessionHealth(
            session_id=self.grant.session_id,
            channel_id=self.grant.channel_id,
            protocol=self._attempt.protocol,
            encoder=self._attempt.encoder,
            started_at_ms=self.started_at_ms,
            is_playable=self.live.is_playable,
            duration_ms=time.time_ns() // 1_000_000 - self.started_at_ms,
            received_bytes=self._received_bytes,
            dropped_packets=self._timeline.dropped_packets + stats.dropped_packets,
            discontinuities=self._timeline.discontinuities,
            video=stats.video,
            audio=stats.audio,
        )


def _samples(config: CodecConfig, data: bytes) -> int:
    """Return how many samples an access unit lasts; none when it is damaged, and then it is dropped."""
    try:
        return access_unit_samples(config, data)
    except BadConfig:
        return 0
