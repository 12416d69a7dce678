"""Ingest's link to the pictures process: keyframes and slate profiles go in, pictures come back, nobody waits for it.

The process starts with the first thing to do. When it falls it is started again after a pause; what it was doing is
lost, and a session whose keyframes fell it twice is left out from then on.
"""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import structlog

from media.packets import CodecConfig, Packet
from media.pictures.child import Child, ChildGone
from media.pictures.messages import Failed, Forget, MakeSlate, Slate, Still, TakeStill
from media.pictures.slates import SlateClip, SlateProfile, profile_of
from media.pictures.stream import STILL_EVERY_S, StreamPictures
from media.spool import Spool
from schemas.ids import SessionId

log = structlog.get_logger()

SLACK_S = 0.5
"""A keyframe that comes so much before its time is taken: they come every 2 or 5 s, never quite evenly."""
MAX_KEYFRAME_BYTES = 8 << 20
MAX_WAITING_STILLS = 64
"""Sessions with a keyframe in the queue; beyond it the oldest is dropped, and its session's next one is taken."""
MAX_SLATES = 16
"""Profiles whose loops are kept (about 30 KB each); beyond it the one that was not asked for longest is dropped."""
MAX_WAITING_SLATES = 16
SLATE_DEADLINE_S = 10.0
MAX_FALLS = 2
"""How often a session's keyframes may end the process before it is left out."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0


class _Watched:
    """What is known of one session."""

    def __init__(self, stream: StreamPictures) -> None:
        self.stream = stream
        self.due = 0.0
        self.falls = 0


class _Job(msgspec.Struct, frozen=True):
    config: CodecConfig
    data: bytes
    pts_s: float


class Pictures:
    """All pictures of one ingest process, in its loop. `run` must be running, or none are made."""

    def __init__(
        self, spool: Spool, *, slate_picture: Path | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._spool = spool
        self._slate_picture = str(slate_picture or "")
        self._clock = clock
        self._watched: dict[SessionId, _Watched] = {}
        self._stills: dict[SessionId, _Job] = {}
        self._forgotten: list[SessionId] = []
        self._clips: dict[SlateProfile, SlateClip] = {}
        self._wanted: dict[SlateProfile, asyncio.Future[SlateClip | None]] = {}
        self._work = asyncio.Event()
        self._child: Child | None = None
        self.stills = 0
        """Keyframes of which pictures were made."""
        self.failed_stills = 0
        """Keyframes that could not be decoded."""
        self.dropped_stills = 0
        """Keyframes for which there was no time."""
        self.restarts = 0
        """How often the process fell."""

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return self._child.pid if self._child else None

    def open(self, session_id: SessionId) -> StreamPictures:
        """Return the pictures of a new session; they come as its keyframes are offered."""
        stream = StreamPictures(session_id, self._spool, self)
        self._watched[session_id] = _Watched(stream)
        return stream

    def forget(self, session_id: SessionId) -> None:
        """Make no more pictures of this session. Those that exist stay with their `StreamPictures`."""
        self._stills.pop(session_id, None)
        if self._watched.pop(session_id, None) is not None and self._child is not None:
            self._forgotten.append(session_id)
            self._work.set()

    def offer(self, session_id: SessionId, config: CodecConfig, keyframe: Packet, pts_s: float) -> None:
        """Take a keyframe if it is time for one; never waits. `pts_s` is its media time."""
        watched = self._watched.get(session_id)
        if watched is None:
            return
        now = self._clock()
        if now < watched.due or watched.falls >= MAX_FALLS or len(keyframe.data) > MAX_KEYFRAME_BYTES:
            return
        watched.due = now + STILL_EVERY_S - SLACK_S
        stills = self._stills
        if session_id not in stills and len(stills) >= MAX_WAITING_STILLS:
            del stills[next(iter(stills))]
            self.dropped_stills += 1
        elif session_id in stills:
            self.dropped_stills += 1
        stills[session_id] = _Job(config, keyframe.data, pts_s)
        self._work.set()

    async def slate(self, profile: SlateProfile) -> SlateClip | None:
        """Return the slate in this shape, rounded (see `profile_of`); None if there is none within the deadline."""
        profile = profile_of(profile.width, profile.height, profile.frame_rate)
        clip = self._clips.pop(profile, None)
        if clip is not None:
            self._clips[profile] = clip  # asked for last
            return clip
        wanted = self._wanted.get(profile)
        if wanted is None:
            if len(self._wanted) >= MAX_WAITING_SLATES:
                return None
            wanted = self._wanted[profile] = asyncio.get_running_loop().create_future()
            self._work.set()
        try:
            async with asyncio.timeout(SLATE_DEADLINE_S):
                return await asyncio.shield(wanted)
        except TimeoutError:
            log.warning("slate took too long", width=profile.width, height=profile.height)
            return None

    # --- the process -----------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep the process until cancelled."""
        pause_s = FIRST_PAUSE_S
        while True:
            await self._work.wait()
            made = self.stills
            try:
                self._child = await Child.start()
                await self._serve(self._child)
            except ChildGone as gone:
                self.restarts += 1
                if self.stills > made:
                    pause_s = FIRST_PAUSE_S
                log.warning("pictures process lost", reason=str(gone), pause_s=pause_s, restarts=self.restarts)
            finally:
                await self._end_child()
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    async def _end_child(self) -> None:
        child, self._child = self._child, None
        self._forgotten.clear()
        if child is None:
            return
        try:
            await child.close()
        except TimeoutError:
            log.error("pictures process does not end", pid=child.pid)

    async def _serve(self, child: Child) -> None:
        while True:
            for session_id in self._forgotten:
                child.tell(Forget(session_id))
            self._forgotten.clear()
            if not (self._wanted or self._stills):
                self._work.clear()
                await self._work.wait()
                continue
            if not child.is_running:
                raise ChildGone("ended while nothing was asked of it")
            # Slates first: a viewer waits for them.
            if self._wanted:
                await self._make_slate(child, next(iter(self._wanted)))
            else:
                session_id = next(iter(self._stills))
                await self._take_still(child, session_id, self._stills.pop(session_id))

    async def _make_slate(self, child: Child, profile: SlateProfile) -> None:
        clip: SlateClip | None = None
        try:
            answer = await child.ask(MakeSlate(profile, self._slate_picture))
            if isinstance(answer, Slate):
                clip = answer.clip
                if answer.trouble:
                    log.warning("TALLY_SLATE cannot be shown, ours is", picture=self._slate_picture, why=answer.trouble)
            else:
                log.error("no slate", profile=profile, answer=type(answer).__name__)
        finally:
            self._wanted.pop(profile).set_result(clip)
        if clip is not None:
            self._clips[profile] = clip
            while len(self._clips) > MAX_SLATES:
                del self._clips[next(iter(self._clips))]

    async def _take_still(self, child: Child, session_id: SessionId, job: _Job) -> None:
        try:
            answer = await child.ask(TakeStill(session_id, job.config, job.data))
        except ChildGone:
            self._blame(session_id)
            raise
        watched = self._watched.get(session_id)
        if watched is None:
            return
        watched.falls = 0
        if isinstance(answer, Still):
            self.stills += 1
            watched.stream.add(answer, job.pts_s)
        else:
            self.failed_stills += 1
            why = answer.reason if isinstance(answer, Failed) else type(answer).__name__
            log.debug("no picture of a keyframe", session=session_id, reason=why)

    def _blame(self, session_id: SessionId) -> None:
        watched = self._watched.get(session_id)
        if watched is None:
            return
        watched.falls += 1
        if watched.falls == MAX_FALLS:
            log.warning("keyframes end the pictures process, session is left out", session=session_id)
