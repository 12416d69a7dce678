"""This ingest process as web sees it: its sessions, their publishers, heartbeats, registry entries and ends.

Nothing here holds up a publisher who is already on: when web or Redis is away, streams go on, heartbeats fail, are
counted and reported once per period, and the first that gets through sets everything right.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence

import aiohttp
import msgspec
import structlog
from redis.exceptions import RedisError

from config.tasks import check_cancelled
from media.bandwidth import BandwidthTest
from media.callbacks import GRANT_TIMEOUT_S, Callbacks
from media.feeds import Feeds
from media.journal.writer import Journal
from media.live import LiveStream
from media.pipeline import Pipeline
from media.publication import PublishAttempt, Unavailable, WrongChannel, masked
from media.publisher import Publisher
from media.recovery import Recovered, finish
from media.registry import Registry
from media.session import PULSE_S, STOPPED, Session, digest_of
from media.signed import CallbackRefused
from media.spool import Spool
from schemas.ids import NodeId, SessionId
from schemas.ingest import (
    ENDED_ENTRY_TTL_S,
    HEARTBEAT_S,
    AddMetadata,
    CutSession,
    IngestCommand,
    PublishGrant,
    SetVisibility,
    wants_test,
)

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
PIPELINE_END_S = 5.0
"""How long an ended session's pipeline has to end what it started."""
NEVER_BEGUN = "The publisher asked for another channel."
OUR_FAULT = "A fault of the server ended the stream."

FIRST_BEATS_S = 0.25
"""Between the heartbeats of a node that has resumed sessions, until web has heard of them."""
TOLD_FIRST_S = 1.0
"""How long the first heartbeat waits for the ends of sessions that were not resumed to be told: it would end them
without a reason."""

MakePipeline = Callable[[PublishGrant, Journal, Callable[[], None]], Pipeline]
"""Makes the renditions of a granted session; the callback is for the moment at which they can be played."""


class Node:
    """The sessions of one ingest process; implements `Publications`. `run` must be running while it is used."""

    def __init__(
        self,
        *,
        node_id: NodeId,
        origin_url: str,
        grace_s: float,
        spool: Spool,
        callbacks: Callbacks,
        registry: Registry,
        make_pipeline: MakePipeline,
    ) -> None:
        self.streams: dict[SessionId, LiveStream] = {}
        """What the origin serves: running sessions and, for a minute, ended ones."""
        self.sessions: dict[SessionId, Session] = {}
        self.tests: dict[SessionId, BandwidthTest] = {}
        """Publishers that are only measured."""
        self._node_id = node_id
        self._origin_url = origin_url
        self._grace_s = grace_s
        self._spool = spool
        self._callbacks = callbacks
        self._registry = registry
        self._make_pipeline = make_pipeline
        self.srt_trouble = ""
        """Why nobody listens for SRT here though there is to be a port; web is told."""
        self.has_announced = asyncio.Event()
        """Set when web has been told of what was resumed, or could not be: publishers may come."""
        self._is_heard = asyncio.Event()  # a heartbeat has been answered
        self._over: list[Recovered] = []  # what was not resumed
        self._beat_now = asyncio.Event()
        self._group: asyncio.TaskGroup | None = None
        self._farewells: dict[asyncio.Task[None], Session] = {}
        self._lives: dict[SessionId, asyncio.Task[None]] = {}
        self._opening = 0
        self.failures: Counter[str] = Counter()
        """What did not get through since the start, for metrics."""
        self._troubles: Counter[str] = Counter()  # the same, since the last line in the log

    # --- publishers --------------------------------------------------------------------------------------------

    def find(self, channel: str) -> Session | None:
        """Return the running session of a channel, by its id or its name; it may wait or not be playable yet.

        May be called from any thread.
        """
        name = channel.lower()
        for session in list(self.sessions.values()):
            if session.grant.channel_id == channel or session.grant.channel_name == name:
                return session
        return None

    def feeds(self, session_id: SessionId) -> Feeds | None:
        """Return the feeds of a running session."""
        session = self.sessions.get(session_id)
        return session.feeds if session is not None else None

    async def open(self, attempt: PublishAttempt, on_cut: Callable[[str], None], channel: str = "") -> Publisher:
        """Ask web for a grant; begin a session, or join the one that runs (see `Publications.open`).

        `channel` ("" is any) is the id or name of the only one that this publisher may get: `WrongChannel`.
        """
        if self._group is None or len(self.sessions) + len(self.tests) + self._opening >= MAX_SESSIONS:
            log.warning("publisher sent away", sessions=len(self.sessions))
            raise Unavailable
        publisher = Publisher(attempt, on_cut)
        self._opening += 1
        try:
            grant = await self._ask(attempt)
        finally:
            self._opening -= 1
        if self._group is None:
            raise Unavailable
        if channel and channel != grant.channel_id and channel.lower() != grant.channel_name:
            self._give_back(grant, self._group)
            raise WrongChannel("This stream key is of another channel.")
        publisher.grant = grant
        log.info(
            "publisher granted",
            channel=grant.channel_name,
            session=grant.session_id,
            protocol=attempt.protocol,
            encoder=publisher.encoder,
            peer=masked(attempt.remote_address),
            running=grant.session_id in self.sessions,
            test=grant.is_test,
        )
        if grant.is_test:
            self.tests[grant.session_id] = BandwidthTest(grant, publisher, self._test_ended)
        else:
            session = self.sessions.get(grant.session_id) or self._begin(grant, attempt.key)
            session.attach(publisher, time.monotonic())
        return publisher

    def _give_back(self, grant: PublishGrant, group: asyncio.TaskGroup) -> None:
        """Nobody comes with this grant: web ends what it has begun for it."""
        if not grant.is_test and grant.session_id not in self.sessions:
            group.create_task(self._unpublish(grant.session_id, NEVER_BEGUN), name=f"give back {grant.session_id}")

    async def _ask(self, attempt: PublishAttempt) -> PublishGrant:
        """Get a grant that fits what runs here. Raises `Refused` or `Unavailable`."""
        try:
            await self._be_heard()
            grant = await self._callbacks.publish(attempt)
            if grant.is_running and grant.session_id not in self.sessions and grant.session_id in self.streams:
                # It ended a moment ago, and web will hear of it in another: then there is room for a new one.
                await self._await_farewell(grant.session_id)
                grant = await self._callbacks.publish(attempt)
        except Unavailable:
            # Web is away. Whoever has the key of a session that runs here was granted it before.
            running = next((each for each in self.sessions.values() if each.has_key(attempt.key)), None)
            if running is None or wants_test(attempt.params):
                raise
            log.warning("publisher let in without asking: web does not answer", session=running.grant.session_id)
            return running.grant
        if grant.session_id not in self.sessions and self._was_here(grant.session_id):
            raise Unavailable  # its numbers must not be used again: web ends it when it misses it in our list
        return grant

    async def _be_heard(self) -> None:
        """Web believes a session lost that it has not heard of for a while, and opens another in its place."""
        if self._is_heard.is_set() or not self.sessions:
            return
        try:
            async with asyncio.timeout(GRANT_TIMEOUT_S):
                await self._is_heard.wait()
        except TimeoutError:
            raise Unavailable from None

    def _was_here(self, session_id: SessionId) -> bool:
        return session_id in self.streams or self._spool.directory(session_id).exists()

    async def _await_farewell(self, session_id: SessionId) -> None:
        pending = [task for task, session in self._farewells.items() if session.grant.session_id == session_id]
        if pending:
            await asyncio.wait(pending, timeout=FAREWELL_S)

    def _begin(self, grant: PublishGrant, key: str) -> Session:
        assert self._group is not None
        key_digest, started_at_ms = digest_of(key), time.time_ns() // 1_000_000
        journal = self._spool.begin(grant, key_digest, started_at_ms)
        session = self._seat(grant, journal, key_digest, started_at_ms)
        self._let_live(session, self._group)
        return session

    def _seat(self, grant: PublishGrant, journal: Journal, key_digest: str, started_at_ms: int) -> Session:
        pipeline = self._make_pipeline(grant, journal, self._beat_now.set)
        session = self.sessions[grant.session_id] = Session(
            grant,
            pipeline,
            key_digest=key_digest,
            started_at_ms=started_at_ms,
            grace_s=self._grace_s,
            now=time.monotonic(),
            on_change=self._beat_now.set,
            on_end=self._ended,
        )
        self.streams[grant.session_id] = pipeline.live
        return session

    def _let_live(self, session: Session, group: asyncio.TaskGroup) -> None:
        name = session.grant.session_id
        self._lives[name] = group.create_task(self._live(session), name=f"pipeline {name}")

    # --- another process before this one -------------------------------------------------------------------------

    def resume(self, recovered: Recovered) -> None:
        """Take up a session where another process left it, or end it. Before `run`; the origin can serve it at once."""
        found, begun, past = recovered.found, recovered.begun, recovered.past
        journal = self._spool.resume(found.session_id, found.contents)
        if past is not None and not recovered.reason:
            session = self._seat(begun.grant, journal, begun.key_digest, begun.started_at_ms)
            try:
                session.resume(past, found.silent_s, time.monotonic())
                return
            except Exception:  # ends this session; the others must go on
                log.exception("session cannot be resumed", session=found.session_id)
            del self.sessions[found.session_id], self.streams[found.session_id]
            recovered = msgspec.structs.replace(recovered, past=None, reason=OUR_FAULT)
        finish(recovered, journal)
        self._over.append(recovered)

    async def _tell_over(self, group: asyncio.TaskGroup) -> None:
        """Tell web of the sessions that were not resumed, and wait for a moment that it hears it."""
        over, self._over = self._over, []
        told = {group.create_task(self._unpublish(each.found.session_id, each.reason), name="over") for each in over}
        if told:
            await asyncio.wait(told, timeout=TOLD_FIRST_S)

    @staticmethod
    async def _live(session: Session) -> None:
        """Run the pipeline. Its fault ends its session and no other."""
        try:
            await session.pipeline.run()
        except Exception:
            log.exception("pipeline failed", session=session.grant.session_id)
            session.cut(OUR_FAULT)

    async def run(self) -> None:
        """Beat, register and obey until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                for session in self.sessions.values():
                    self._let_live(session, group)
                await self._tell_over(group)
                group.create_task(self._beat_for_ever(), name="heartbeats")
                group.create_task(self._registry.commands(self._obey), name="commands")
                group.create_task(self._pulse_for_ever(), name="pulses")
        finally:
            self._group = None

    async def suspend(self) -> None:
        """Leave the sessions to the next process, and give web `FAREWELL_S` to hear that they wait.

        `run` must still be running.
        """
        for test in list(self.tests.values()):
            test.cut(STOPPED)
        for session in list(self.sessions.values()):
            session.suspend(time.monotonic())
        try:
            async with asyncio.timeout(FAREWELL_S):
                await self._beat()
                while self._farewells:
                    await asyncio.wait(self._farewells)
        except TimeoutError:
            self._failed("farewell: TimeoutError")

    async def _pulse_for_ever(self) -> None:
        while True:
            self.pulse(time.monotonic())
            await asyncio.sleep(PULSE_S)

    def pulse(self, now: float) -> None:
        """Let the time pass for every session."""
        for stay in self._stays():
            try:
                stay.pulse(now)
            except Exception:  # ends this session; the others must go on
                log.exception("session failed", session=stay.grant.session_id)
                stay.cut(OUR_FAULT)

    def _stays(self) -> list[Session | BandwidthTest]:
        return [*self.sessions.values(), *self.tests.values()]

    def _obey(self, command: IngestCommand) -> None:
        match command:
            case CutSession():
                self._cut(command.session_id, command.reason)
            case AddMetadata():
                session = self.sessions.get(command.session_id)
                if session is not None:
                    session.add_metadata(command, time.monotonic())
            case SetVisibility():
                session = self.sessions.get(command.session_id)
                if session is not None:
                    now = time.monotonic()
                    session.show_to(command.visibility, now, now)

    def _cut(self, session_id: SessionId, reason: str) -> None:
        session = self.sessions.get(session_id)
        if session is not None:
            session.cut(reason)

    # --- heartbeats ------------------------------------------------------------------------------------------

    async def _beat_for_ever(self) -> None:
        next_report = 0.0
        while True:
            await self._beat()
            self.has_announced.set()
            check_cancelled()
            now = asyncio.get_running_loop().time()
            if self._troubles.total() >= TROUBLE_COUNT and now >= next_report:
                log.warning("web or redis does not answer, streams go on", failures=dict(self._troubles))
                self._troubles.clear()
                next_report = now + TROUBLE_PERIOD_S
            try:
                is_urgent = bool(self.sessions) and not self._is_heard.is_set()
                async with asyncio.timeout(FIRST_BEATS_S if is_urgent else HEARTBEAT_S):
                    await self._beat_now.wait()
            except TimeoutError:
                pass
            self._beat_now.clear()

    async def _beat(self) -> None:
        """Register first: web tells the world that a stream is on, and then it must be found.

        But a session that was resumed only once web has said who may watch it now.
        """
        sessions = list(self.sessions.values())
        await self._register([session for session in sessions if session.is_known])
        unknown = [session for session in sessions if not session.is_known]
        if await self._report(sessions):
            await self._register([session for session in unknown if not session.has_ended])

    async def _register(self, sessions: Sequence[Session]) -> None:
        playable = [session for session in sessions if session.live.is_playable]
        try:
            await self._registry.renew(session.entry(self._node_id, self._origin_url) for session in playable)
        except (RedisError, OSError) as error:
            self._failed(f"registry: {type(error).__name__}")

    async def _report(self, sessions: Sequence[Session]) -> bool:
        """Tell web how everything is, and do what it answers; return whether it did."""
        asked = time.monotonic()
        try:
            # One whose end is on its way to web is listed still: web would end it with a reason that is none.
            healths = [stay.health(asked) for stay in (*self._stays(), *self._farewells.values())]
            answer = await self._callbacks.heartbeat(self._origin_url, healths, self.srt_trouble)
        except (CallbackRefused, aiohttp.ClientError, OSError, TimeoutError, msgspec.DecodeError) as error:
            self._failed(f"heartbeat: {type(error).__name__}")
            return False
        for cut in answer.cut:
            self._cut(cut.session_id, cut.reason)
        for session in sessions:
            session.is_known = True
            session.show_to(answer.visibility.get(session.grant.session_id, "public"), asked, time.monotonic())
        self._is_heard.set()
        return True

    def _failed(self, what: str) -> None:
        self.failures[what] += 1
        self._troubles[what] += 1

    # --- ends ------------------------------------------------------------------------------------------------

    def _ended(self, session: Session, reason: str) -> None:
        grant, health = session.grant, session.health(time.monotonic())
        self.sessions.pop(grant.session_id, None)
        log.info(
            "publish ended",
            channel=grant.channel_name,
            session=grant.session_id,
            reason=reason,
            duration_s=round(health.duration_ms / 1000, 1),
            received_mb=round(health.received_bytes / 1e6, 1),
            dropped_packets=health.dropped_packets,
            interruptions=health.interruptions,
        )
        life = self._lives.pop(grant.session_id, None)
        if self._group is None:
            session.live.close()
            self.streams.pop(grant.session_id, None)
            return
        farewell = self._group.create_task(self._farewell(session, reason), name=f"farewell {grant.session_id}")
        self._farewells[farewell] = session
        farewell.add_done_callback(self._farewells.pop)
        self._group.create_task(self._forget(session, life), name=f"forget {grant.session_id}")

    def _test_ended(self, test: BandwidthTest, reason: str) -> None:
        del self.tests[test.grant.session_id]
        log.info("bandwidth test ended", channel=test.grant.channel_name, reason=reason)

    async def _farewell(self, session: Session, reason: str) -> None:
        """Take the session off the registry and tell web; the heartbeats' lists repeat it should this fail."""
        try:
            await self._registry.remove(session.entry(self._node_id, self._origin_url))
        except (RedisError, OSError) as error:
            self._failed(f"registry: {type(error).__name__}")
        check_cancelled()
        await self._unpublish(session.grant.session_id, reason)

    async def _unpublish(self, session_id: SessionId, reason: str) -> None:
        try:
            async with asyncio.timeout(UNPUBLISH_DEADLINE_S):
                await self._callbacks.unpublish(session_id, reason)
        except TimeoutError:
            self._failed("unpublish: TimeoutError")
        except CallbackRefused as error:
            log.error("end of session refused by web", session=session_id, error=str(error))

    async def _forget(self, session: Session, life: asyncio.Task[None] | None) -> None:
        """Keep the ended stream for those who still play its last seconds, then drop it."""
        if life is not None:
            await asyncio.wait({life}, timeout=PIPELINE_END_S)
            life.cancel()
        await asyncio.sleep(ENDED_ENTRY_TTL_S)
        self.streams.pop(session.grant.session_id, None)
        session.live.close()
