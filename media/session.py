"""One stream from its first publisher to its end: who is on the air, who stands by, and what is shown in between.

A publisher that is lost leaves the session waiting: the pipeline shows a slate, and whoever comes with the channel's
key within the grace goes on in the same session. One publisher at a time is on the air; the others are parsed and
measured, so that any of them can take over on its next keyframe.

                 attach             its keyframe            lost, silent for FROZEN_S
    (nobody) ----------> standing by -----------> on the air -------------------------> off the air: slate, or the next

A session outlives its process: the next one resumes it, and it waits for its publisher as ever.
"""

import time
from collections.abc import Callable
from hashlib import sha256

import structlog

from media import limits
from media.cues import cue_of_command, cue_of_note
from media.hls.boxes import UnsupportedCodec
from media.packets import CodecConfig, Discontinuity, Packet
from media.pipeline import Pipeline
from media.publication import Description, Note, Refused
from media.publisher import Publisher
from media.resume import Past
from media.samples import samples_of
from media.timeline import Timeline
from schemas.access import Visibility
from schemas.ids import NodeId
from schemas.ingest import AddMetadata, LiveEntry, PublishGrant, SessionHealth

PULSE_S = 1 / 3
"""How often `pulse` is to be called: the slate grows by a part each time."""
CHECK_S = 1.0
"""Between two looks at the limits."""
MAX_PUBLISHERS = 4
"""Of one session: one on the air and three standing by."""
MAX_NOTES_PER_S = 20
"""More data of a publisher than this is dropped and counted."""
FRAME_RATE_AFTER_S = 5.0
"""A frame rate is judged once it has been measured for this long."""
CLOCK_SLACK_S = 60.0
"""A process that was away for this much longer than its session was silent has another time of day."""

ALREADY_LIVE = "This channel is already live from somewhere else."
REPLACED = "Another publisher of this channel has taken over."
STOPPED = "The server was stopped."
NOT_BACK = "The publisher was lost and did not come back."


class Session:
    """The `Seat` of a channel's publishers. Lives in the loop; `now` is a monotonic clock.

    `on_change` is called when the session begins or stops to wait, `on_end` once, when it has ended for whatever
    reason.
    """

    def __init__(
        self,
        grant: PublishGrant,
        pipeline: Pipeline,
        *,
        key_digest: str,
        started_at_ms: int,
        grace_s: float,
        now: float,
        on_change: Callable[[], None],
        on_end: "Callable[[Session, str], None]",
    ) -> None:
        self.grant = grant
        self.pipeline = pipeline
        self.live = pipeline.live
        self.feeds = pipeline.feeds
        self.started_at_ms = started_at_ms
        self.visibility: Visibility = grant.visibility
        """Who may watch, as web said last."""
        self.has_ended = False
        self.is_waiting = False
        """Playable, and no media comes from anybody on the air."""
        self.is_known = True
        """Whether web has been heard of it; not when it was resumed, until a heartbeat is answered."""
        self.interruptions = 0
        self.dropped_notes = 0
        self._key_digest = key_digest
        self._grace_s = grace_s
        self._began = now
        self._visibility_set = now
        self._on_change = on_change
        self._on_end = on_end
        self._timeline = Timeline(samples_of)
        self._publishers: list[Publisher] = []
        self._is_suspended = False
        self._is_new = True  # the first publisher is on the air at once
        self._on_air: Publisher | None = None
        self._last: Publisher | None = None  # that was on the air
        self._usurper: Publisher | None = None  # said ?takeover=1 and has not had its keyframe yet
        self._ends_at = 0.0  # while nobody is attached
        self._returns_until_ms: int | None = None
        self._gone_bytes = 0  # of publishers that have left
        self._notes = 0
        self._notes_since = now
        self._note_number = 0
        self._next_check = now
        self._log = structlog.get_logger().bind(channel=grant.channel_name, session=grant.session_id)

    def resume(self, past: Past, silent_s: float, now: float) -> None:
        """Go on where another process stopped, from whose media nothing has come for `silent_s`; before any publisher.

        The publisher has what is left of the grace to come back.
        """
        wall = time.time()
        self._is_new, self.is_known, self.is_waiting = False, False, True
        self._began = now - (wall - self.started_at_ms / 1000)
        self.interruptions = past.interruptions + (not past.is_interrupted)
        self._note_number = past.notes
        # The date-times of what comes next go on where they were, if the clock was not set meanwhile.
        away_s = min(max(wall - past.clock_offset_s - past.end_s, 0.0), silent_s + self._grace_s + CLOCK_SLACK_S)
        self._timeline.resume(past.end_s, now - away_s)
        self._ends_at = now - silent_s + self._grace_s
        self._returns_until_ms = _wall_ms() + round((self._grace_s - silent_s) * 1000)
        self.pipeline.resume(past)
        self.pipeline.tick(self._timeline.newest_s(now))
        self._log.info("session resumed", silent_s=round(silent_s, 1), media_s=round(past.end_s, 1))

    # --- publishers come and go --------------------------------------------------------------------------------

    def attach(self, publisher: Publisher, now: float) -> None:
        """Let a publisher in, on the air or standing by. Raises `Refused`.

        One with the priority of another that is healthy is refused, unless it says `?takeover=1`; a silent one makes
        room.
        """
        twin = next((each for each in self._publishers if each.priority == publisher.priority), None)
        if twin is not None and not publisher.takes_over:
            if not twin.is_silent(now):
                raise Refused(ALREADY_LIVE, "conflict")
            self._dismiss(twin, now)
        if len(self._publishers) >= MAX_PUBLISHERS:
            raise Refused(f"This channel has {MAX_PUBLISHERS} publishers, the most that may stand by.", "conflict")
        self._publishers.append(publisher)
        publisher.sit(self)
        if self._is_new:
            self._is_new = False
            self._on_air = self._last = publisher
            self._timeline.rejoin(stamps=publisher.stamps)
        elif publisher.takes_over:
            self._usurper = publisher
        self._log.info(
            "publisher joined", encoder=publisher.encoder, priority=publisher.priority, waiting=self.is_waiting
        )

    def has_room_for(self, priority: int, now: float) -> bool:
        """Whether a publisher of this priority that does not take over would be let in. From any thread."""
        publishers = tuple(self._publishers)
        twin = next((each for each in publishers if each.priority == priority), None)
        return twin.is_silent(now) if twin is not None else len(publishers) < MAX_PUBLISHERS

    def leave(self, publisher: Publisher, reason: str, now: float, *, is_lost: bool) -> None:
        """See `Seat`. A goodbye ends the session, unless somebody else is there; a loss lets it wait."""
        was_on_air = publisher is self._on_air
        self._remove(publisher)
        self._log.info("publisher left", reason=reason, lost=is_lost, on_air=was_on_air, others=len(self._publishers))
        if not self._publishers and (not is_lost or not self.live.is_playable or self._grace_s <= 0):
            self.finish(reason)
            return
        if was_on_air:
            self._go_off_air(publisher, now)
        self._begin_grace_if_alone(now)

    def _begin_grace_if_alone(self, now: float) -> None:
        if not self._publishers:
            self._ends_at = now + self._grace_s
            self._returns_until_ms = _wall_ms() + round(self._grace_s * 1000)

    def _remove(self, publisher: Publisher) -> None:
        self._publishers.remove(publisher)
        self._gone_bytes += publisher.meter.total_bytes
        if self._usurper is publisher:
            self._usurper = None

    def _dismiss(self, publisher: Publisher, now: float, reason: str = REPLACED) -> None:
        """Cut one publisher; the session goes on."""
        self._remove(publisher)
        publisher.cut(reason)
        if publisher is self._on_air:
            self._go_off_air(publisher, now)

    def _go_off_air(self, publisher: Publisher, now: float) -> None:
        """Nobody is on the air: media time ends with the last data, and what is shown instead goes on by the clock."""
        self._on_air = None
        if not self.live.is_playable or self.is_waiting:
            return
        self.is_waiting = True
        self.interruptions += 1
        self._returns_until_ms = _wall_ms() + round(self._grace_s * 1000)
        self.pipeline.interrupt(self._timeline.newest_s(publisher.last_data))
        self.pipeline.tick(self._timeline.newest_s(now))
        self._log.warning("stream interrupted", silent_s=round(now - publisher.last_data, 1))
        self._on_change()

    def _put_on_air(self, publisher: Publisher, now: float) -> None:
        old, is_usurper = self._on_air, publisher is self._usurper
        self._usurper = None
        self._timeline.rejoin(
            "the publisher is back" if old is None else "another publisher took over", publisher.stamps
        )
        for config in publisher.configs.values():
            self._timeline.configure(config)
        if publisher.description is not None:
            self.pipeline.describe(publisher.description)
        self._on_air = self._last = publisher
        self._log.info("publisher on the air", encoder=publisher.encoder, priority=publisher.priority)
        for other in list(self._publishers):
            is_twin = other is not publisher and other.priority == publisher.priority
            if is_twin or (is_usurper and other is old):
                self._dismiss(other, now)

    def _flow(self, now: float) -> None:
        """Media flows again: the timeline may leave out what a thawed publisher had queued, which takes a while."""
        self.pipeline.rejoin(self._timeline.newest_s(now))
        self.is_waiting = False
        self._returns_until_ms = None
        self._on_change()

    def _may_take_over(self, publisher: Publisher, now: float) -> bool:
        """Whether it is this one's turn, now that it could begin."""
        if self._usurper is not None and not self._usurper.is_silent(now):
            return publisher is self._usurper
        on_air = self._on_air
        if on_air is not None and not on_air.is_silent(now):
            return publisher.priority > on_air.priority
        others = (other for other in self._publishers if not other.is_silent(now))
        return all(publisher.priority >= other.priority for other in others)

    # --- media (see `Seat`) ------------------------------------------------------------------------------------

    def configure(self, publisher: Publisher, config: CodecConfig) -> None:
        """See `Seat`. What nobody may send cuts the publisher, and the session with it if it is on the air."""
        fault = limits.config_fault(config, self.grant.limits)
        if publisher is self._on_air:
            if fault:
                self.cut(fault)
            else:
                self._timeline.configure(config)
        elif fault:
            self._remove(publisher)
            self._log.warning("publisher standing by cut", reason=fault)
            publisher.cut(fault)
            if self._publishers or self.live.is_playable:
                self._begin_grace_if_alone(publisher.last_data)
            else:
                self.finish(fault)

    def take(self, publisher: Publisher, packet: Packet, now: float) -> None:
        """See `Seat`. One that stands by is heard when it could begin and may."""
        if publisher is not self._on_air:
            if not (publisher.can_begin_with(packet, now) and self._may_take_over(publisher, now)):
                return
            self._put_on_air(publisher, now)
        try:
            events = self._timeline.push(packet, now)
            if events and self.is_waiting:
                self._flow(now)
            for event in events:
                if isinstance(event, Discontinuity):
                    self._log.warning("timeline broken", reason=event.reason)
                self.pipeline.feed(event, time.time())
        except UnsupportedCodec as error:
            self.cut(f"HLS cannot carry this stream: {error}")

    def describe(self, publisher: Publisher, description: Description) -> None:
        """See `Seat`."""
        if publisher is self._on_air:
            self.pipeline.describe(description)

    def annotate(self, publisher: Publisher, note: Note) -> None:
        """See `Seat`. Data before anything can be played has no place, and a flood is bounded."""
        if publisher is not self._on_air:
            return
        now = publisher.last_data
        if now - self._notes_since >= 1.0:
            self._notes, self._notes_since = 0, now
        self._notes += 1
        if self._notes > MAX_NOTES_PER_S or not self.live.is_playable:
            self.dropped_notes += 1
            return
        start_s = self._timeline.place(note.timestamp)
        if start_s is None:
            start_s = self._timeline.newest_s(now)
        self._note_number += 1
        self.pipeline.annotate(cue_of_note(note, start_s, f"note-{self._note_number}"))

    def is_urgent(self, publisher: Publisher) -> bool:
        """See `Seat`."""
        return self.feeds.is_urgent and publisher is self._on_air

    def add_metadata(self, command: AddMetadata, now: float) -> None:
        """Show what the API says at the present media time; nothing before there is any."""
        if self.has_ended or not self.live.is_playable:
            self._log.info("metadata without a stream dropped", cue=command.cue_id)
            return
        self.pipeline.annotate(cue_of_command(command, self._timeline.newest_s(now)))

    def show_to(self, visibility: Visibility, asked: float, now: float) -> None:
        """Let these watch, as web said at `asked`; what it has said since counts more."""
        if asked < self._visibility_set or self.has_ended:
            return
        self._visibility_set = now
        if visibility != self.visibility:
            self._log.info("visibility changed", visibility=visibility)
            self.visibility = visibility
            self.feeds.show_to(visibility)
            self._on_change()

    # --- time --------------------------------------------------------------------------------------------------

    def pulse(self, now: float) -> None:
        """Let the slate grow, the grace end, silence and limits be seen; call it every `PULSE_S`."""
        if self.has_ended or self._is_suspended:
            return
        if self.is_waiting:
            if not self._publishers and now >= self._ends_at:
                self.finish(NOT_BACK)
                return
            self.pipeline.tick(self._timeline.newest_s(now))
        on_air = self._on_air
        if on_air is not None and on_air.is_silent(now) and self.live.is_playable:
            self._go_off_air(on_air, now)
        if now >= self._next_check:
            self._next_check = now + CHECK_S
            self._check(now)

    def _check(self, now: float) -> None:
        fault = limits.duration_fault(now - self._began, self.grant.limits) or self._rate_fault(now)
        if fault:
            self.cut(fault)

    def _rate_fault(self, now: float) -> str | None:
        on_air = self._on_air
        if on_air is None:
            return None
        if on_air.meter.whole_seconds(now) >= limits.BITRATE_PERIOD_S:
            bitrate_bps = on_air.meter.bitrate_bps(now, limits.BITRATE_PERIOD_S)
            if fault := limits.bitrate_fault(bitrate_bps, self.grant.limits):
                return fault
        video = self.live.stats.video if now - on_air.connected_at >= FRAME_RATE_AFTER_S else None
        return limits.frame_rate_fault(video.frame_rate or 0.0, self.grant.limits) if video else None

    # --- the end -----------------------------------------------------------------------------------------------

    def finish(self, reason: str) -> None:
        """End the session now, from anywhere in the loop; the first call counts."""
        if self.has_ended:
            return
        self.has_ended = True
        self.is_waiting = False
        self._on_air = None
        self.pipeline.end(reason)
        self._on_end(self, reason)

    def suspend(self, now: float) -> None:
        """Leave the session to the next process, which resumes it; one that has shown nothing ends.

        Publishers are cut; they come back as after any loss.
        """
        for publisher in list(self._publishers):
            self._dismiss(publisher, now, STOPPED)
        if self.has_ended:
            return
        if not self.live.is_playable or self._grace_s <= 0:
            self.finish(STOPPED)
            return
        self._is_suspended = True
        self.pipeline.suspend()

    def cut(self, reason: str) -> None:
        """End the session because the platform says so, and tell its publishers why."""
        if self.has_ended:
            return
        attached = list(self._publishers)
        for publisher in attached:
            self._remove(publisher)
        self.finish(reason)
        for publisher in attached:
            publisher.cut(reason)

    # --- what others want to know ------------------------------------------------------------------------------

    def has_key(self, key: str) -> bool:
        """Whether this session was published with that key."""
        return self._key_digest == digest_of(key)

    def entry(self, node_id: NodeId, origin_url: str) -> LiveEntry:
        """Return what the registry holds of this session."""
        grant = self.grant
        return LiveEntry(
            grant.channel_id,
            grant.channel_name,
            grant.session_id,
            node_id,
            origin_url,
            self.started_at_ms,
            self.visibility,
        )

    def health(self, now: float) -> SessionHealth:
        """Return what a heartbeat says of this session."""
        stats = self.live.stats
        last = self._last  # none has been on the air since it was resumed
        return SessionHealth(
            session_id=self.grant.session_id,
            channel_id=self.grant.channel_id,
            protocol=last.attempt.protocol if last else "rtmp",
            encoder=last.encoder if last else "",
            started_at_ms=self.started_at_ms,
            is_playable=self.live.is_playable,
            duration_ms=_wall_ms() - self.started_at_ms,
            received_bytes=self._gone_bytes + sum(each.meter.total_bytes for each in self._publishers),
            dropped_packets=self._timeline.dropped_packets + stats.dropped_packets,
            discontinuities=self._timeline.discontinuities,
            video=stats.video,
            audio=stats.audio,
            is_waiting=self.is_waiting,
            returns_until_ms=self._returns_until_ms if self.is_waiting else None,
            interruptions=self.interruptions,
            publishers=[each.health(now, is_on_air=each is self._on_air) for each in self._publishers],
            rungs=self.pipeline.rungs(),
            transcoder=self.pipeline.transcoder(),
        )


def digest_of(key: str) -> str:
    """Return what a journal says of a stream key."""
    return sha256(key.encode()).hexdigest()


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000
