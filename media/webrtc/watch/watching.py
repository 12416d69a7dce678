"""All sessions that are watched through this process: who may come in, and who is there."""

import asyncio
from collections import defaultdict

import aiohttp
import structlog

from media.webrtc.watch import metrics
from media.webrtc.watch.admission import Asked, NotNow
from media.webrtc.watch.session import Slots, WatchedSession
from media.webrtc.watch.viewer import Viewer
from schemas.ids import ChannelId, SessionId

log = structlog.get_logger()

OWN_ENCODES = 2
"""Sources coded again for WebRTC alone, each half a core or more; the ladder is where that belongs."""
FULL_RETRY_S = 30


class Watching:
    """Made in the loop; `close` ends all viewers. `max_viewers` counts those that are not connected yet, too."""

    def __init__(self, http: aiohttp.ClientSession, max_viewers: int) -> None:
        self._http, self._max_viewers = http, max_viewers
        self._sessions: dict[SessionId, WatchedSession] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = Slots(OWN_ENCODES)
        self._held = 0

    async def admit(self, asked: Asked) -> Viewer:
        """Hold a place. Takes up to a few seconds for the first viewer of a session. Raises `NotNow`."""
        if self._held >= self._max_viewers:
            metrics.refused.labels("full").inc()
            raise NotNow(f"All {self._max_viewers} places of low latency are taken. Watch over HLS.", FULL_RETRY_S)
        self._held += 1
        try:
            viewer = await self._session(asked).admit(asked, self._gone)
        except BaseException as error:
            self._held -= 1
            if isinstance(error, NotNow):
                metrics.refused.labels("nothing to see").inc()
            raise
        return viewer

    def viewers(self) -> dict[ChannelId, list[str]]:
        """Return who watches what right now, for the heartbeat."""
        watched: defaultdict[ChannelId, list[str]] = defaultdict(list)
        for session in self._sessions.values():
            for viewer in session.viewers:
                if viewer.is_begun:
                    watched[viewer.asked.channel_id].append(viewer.asked.viewer)
        return dict(watched)

    @property
    def held(self) -> int:
        """Places that are taken."""
        return self._held

    async def close(self) -> None:
        """End all viewers."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _session(self, asked: Asked) -> WatchedSession:
        session = self._sessions.get(asked.session_id)
        if session is None or session.is_over:
            session = self._sessions[asked.session_id] = WatchedSession(self._http, asked, self._slots)
            task = asyncio.create_task(self._run(session), name=f"watched {asked.session_id}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return session

    async def _run(self, session: WatchedSession) -> None:
        try:
            await session.run()
        except Exception:  # one session's end, not the process's
            log.exception("watched session failed", session=session.session_id)
        finally:
            if self._sessions.get(session.session_id) is session:
                del self._sessions[session.session_id]

    def _gone(self) -> None:
        self._held -= 1
