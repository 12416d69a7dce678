"""This ingest process as web sees it: its sessions, their heartbeats, registry entries and ends.

Nothing here holds up a publisher who is already on: when web or Redis is away, streams go on, heartbeats fail, are
counted and reported once per period, and the first that gets through sets everything right.
"""

import asyncio
from collections import Counter
from collections.abc import Callable

import aiohttp
import msgspec
import structlog
from redis.exceptions import RedisError

from config.tasks import check_cancelled
from media.callbacks import CallbackRefused, Callbacks
from media.live import LiveStream
from media.publication import PublishAttempt, Refused, Unavailable, masked
from media.registry import Registry
from media.session import Session
from media.spool import Spool
from schemas.ids import NodeId, SessionId
from schemas.ingest import ENDED_ENTRY_TTL_S, HEARTBEAT_S, CutSession, IngestCommand

log = structlog.get_logger()

MAX_SESSIONS = 500
"""Publishers of one node; beyond it new ones are told to come back."""
TROUBLE_PERIOD_S = 30.0
"""A repeated failure is logged once per this time, with its count."""
TROUBLE_COUNT = 3
"""Failures before the first line: one or two are a neighbour that is starting."""
UNPUBLISH_DEADLINE_S = 60.0
"""How long the end of a session is repeated to web; after that only the heartbeats' lists say it."""
FAREWELL_S = 3.0
"""How long a stopping node waits for web to take the ends of its sessions."""


class Node:
    """The sessions of one ingest process; implements `Publications`. `run` must be running while it is used."""

    def __init__(
        self,
        *,
        node_id: NodeId,
        origin_url: str,
        part_s: float,
        segment_s: float,
        callbacks: Callbacks,
        registry: Registry,
        spool: Spool,
    ) -> None:
        self.streams: dict[SessionId, LiveStream] = {}
        """What the origin serves: running sessions and, for a minute, ended ones."""
        self.sessions: dict[SessionId, Session] = {}
        self._node_id = node_id
        self._origin_url = origin_url
        self._part_s, self._segment_s = part_s, segment_s
        self._callbacks = callbacks
        self._registry = registry
        self._spool = spool
        self._beat_now = asyncio.Event()
        self._group: asyncio.TaskGroup | None = None
        self._farewells: dict[asyncio.Task[None], Session] = {}
        self._opening = 0
        self.failures: Counter[str] = Counter()
        """What did not get through since the start, for metrics."""
        self._troubles: Counter[str] = Counter()  # the same, since the last line in the log

    async def open(self, attempt: PublishAttempt, on_cut: Callable[[str], None]) -> Session:
        """Ask web for a grant and begin a session (see `Publications.open`)."""
        if self._group is None or len(self.sessions) + self._opening >= MAX_SESSIONS:
            log.warning("publisher sent away", sessions=len(self.sessions))
            raise Unavailable
        self._opening += 1
        try:
            await self._make_way(attempt.key)
            grant = await self._callbacks.publish(attempt)
        finally:
            self._opening -= 1
        if grant.session_id in self.sessions:
            raise Refused("this channel is already live")
        live = LiveStream(
            grant.session_id,
            part_s=self._part_s,
            segment_s=self._segment_s,
            spool=self._spool,
            on_playable=self._beat_now.set,
        )
        session = Session(grant, attempt, live, on_cut=on_cut, on_end=self._ended)
        self.sessions[grant.session_id] = session
        self.streams[grant.session_id] = live
        log.info(
            "publish started",
            channel=grant.channel_name,
            session=grant.session_id,
            protocol=attempt.protocol,
            encoder=attempt.encoder,
            peer=masked(attempt.remote_address),
        )
        return session

    async def run(self) -> None:
        """Beat, register and obey until cancelled; then end what still runs."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                group.create_task(self._beat_for_ever(), name="heartbeats")
                group.create_task(self._registry.commands(self._obey), name="commands")
        finally:
            self._group = None

    async def stop(self, reason: str) -> None:
        """End every session and give web `FAREWELL_S` to hear of it. `run` must still be running."""
        for session in list(self.sessions.values()):
            session.cut(reason)
        if self._farewells:
            await asyncio.wait(self._farewells, timeout=FAREWELL_S)

    async def _make_way(self, key: str) -> None:
        """Let go of what the same publisher left behind, so that his return is not refused as already live.

        A frozen session is cut; the end of any earlier one must have reached web before web is asked again.
        """
        for session in list(self.sessions.values()):
            if session.has_key(key) and session.is_frozen():
                session.cut("replaced by a new connection with the same key")
        pending = [farewell for farewell, session in self._farewells.items() if session.has_key(key)]
        if pending:
            await asyncio.wait(pending, timeout=FAREWELL_S)

    def _obey(self, command: IngestCommand) -> None:
        if isinstance(command, CutSession):
            self._cut(command.session_id, command.reason)

    def _cut(self, session_id: SessionId, reason: str) -> None:
        session = self.sessions.get(session_id)
        if session is not None:
            session.cut(reason)

    # --- heartbeats ------------------------------------------------------------------------------------------

    async def _beat_for_ever(self) -> None:
        next_report = 0.0
        while True:
            await self._beat()
            check_cancelled()
            now = asyncio.get_running_loop().time()
            if self._troubles.total() >= TROUBLE_COUNT and now >= next_report:
                log.warning("web or redis does not answer, streams go on", failures=dict(self._troubles))
                self._troubles.clear()
                next_report = now + TROUBLE_PERIOD_S
            try:
                async with asyncio.timeout(HEARTBEAT_S):
                    await self._beat_now.wait()
            except TimeoutError:
                pass
            self._beat_now.clear()

    async def _beat(self) -> None:
        """Register first: web tells the world that a stream is on, and then it must be found."""
        sessions = list(self.sessions.values())
        try:
            await self._registry.renew(
                session.entry(self._node_id, self._origin_url) for session in sessions if session.live.is_playable
            )
        except (RedisError, OSError) as error:
            self._failed(f"registry: {type(error).__name__}")
        try:
            answer = await self._callbacks.heartbeat(self._origin_url, [session.health() for session in sessions])
        except (CallbackRefused, aiohttp.ClientError, OSError, TimeoutError, msgspec.DecodeError) as error:
            self._failed(f"heartbeat: {type(error).__name__}")
            return
        for cut in answer.cut:
            self._cut(cut.session_id, cut.reason)

    def _failed(self, what: str) -> None:
        self.failures[what] += 1
        self._troubles[what] += 1

    # --- ends ------------------------------------------------------------------------------------------------

    def _ended(self, session: Session, reason: str) -> None:
        grant, health = session.grant, session.health()
        self.sessions.pop(grant.session_id, None)
        log.info(
            "publish ended",
            channel=grant.channel_name,
            session=grant.session_id,
            reason=reason,
            duration_s=round(health.duration_ms / 1000, 1),
            received_mb=round(health.received_bytes / 1e6, 1),
            dropped_packets=health.dropped_packets,
        )
        if self._group is None:
            session.live.close()
            self.streams.pop(grant.session_id, None)
            return
        farewell = self._group.create_task(self._farewell(session, reason), name=f"farewell {grant.session_id}")
        self._farewells[farewell] = session
        farewell.add_done_callback(self._farewells.pop)
        self._group.create_task(self._forget(session), name=f"forget {grant.session_id}")

    async def _farewell(self, session: Session, reason: str) -> None:
        """Take the session off the registry and tell web; the heartbeats' lists repeat it should this fail."""
        try:
            await self._registry.remove(session.entry(self._node_id, self._origin_url))
        except (RedisError, OSError) as error:
            self._failed(f"registry: {type(error).__name__}")
        check_cancelled()
        try:
            async with asyncio.timeout(UNPUBLISH_DEADLINE_S):
                await self._callbacks.unpublish(session.grant.session_id, reason)
        except TimeoutError:
            self._failed("unpublish: TimeoutError")
        except CallbackRefused as error:
            log.error("end of session refused by web", session=session.grant.session_id, error=str(error))

    async def _forget(self, session: Session) -> None:
        """Keep the ended stream for those who still play its last seconds, then drop it."""
        await asyncio.sleep(ENDED_ENTRY_TTL_S)
        self.streams.pop(session.grant.session_id, None)
        session.live.close()
