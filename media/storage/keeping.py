"""The work of a storage process on its sessions: read their journals, store, tell, finish, clear away."""

import asyncio
from functools import partial

import structlog

from media.storage.events import BATCH, EventSink
from media.storage.eviction import Eviction
from media.storage.index import write_index
from media.storage.spool import StoredSpool
from media.storage.stream import StoredStream
from media.storage.uploads import Uploads
from schemas.storage import MediaEvent

log = structlog.get_logger()

LOOK_S = 0.1
"""Between two looks at the journals; most find nothing new, for the price of a stat."""
TURN_S = 1.0
"""Between two looks at what playlists are due, what has ended and what may be removed."""
MAX_ATTENDED = 8
"""Sessions whose playlists are put at the same time."""
IDLE_S = 0.1
"""Between two looks at what is to be told, when there was nothing."""


class Keeping:
    """`run` works until it is cancelled; a process that is killed at any instant goes on from the notes."""

    def __init__(self, spool: StoredSpool, uploads: Uploads, sink: EventSink, eviction: Eviction) -> None:
        self._spool, self._uploads, self._sink, self._eviction = spool, uploads, sink, eviction
        self._begun: set[str] = set()
        self._few = asyncio.Semaphore(MAX_ATTENDED)

    async def run(self) -> None:
        """Work on all sessions until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look(), name="journals")
            group.create_task(self._uploads.run(), name="uploads")
            group.create_task(self._tell(), name="telling")
            group.create_task(self._turn(), name="turns")

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            for stream in self._spool.look(loop.time()):
                self._greet(stream)
                self._uploads.wake()
            await asyncio.sleep(LOOK_S)

    def _greet(self, stream: StoredStream) -> None:
        if stream.session_id in self._begun:
            return
        self._begun.add(stream.session_id)
        begun = stream.catalog.begun
        if begun is not None and stream.finished is None:
            log.info(
                "storing began",
                session=stream.session_id,
                channel=begun.grant.channel_name,
                recorded=begun.grant.is_recorded,
                waiting=stream.waiting,
            )

    # --- telling -------------------------------------------------------------------------------------------

    async def _tell(self) -> None:
        while True:
            told = False
            for stream in list(self._spool.streams.values()):
                told |= await self._tell_of(stream)
            if not told:
                await asyncio.sleep(IDLE_S)

    async def _tell_of(self, stream: StoredStream) -> bool:
        """Tell the next batch of a session; the events of one note are never parted."""
        batch: list[MediaEvent] = []
        notes = 0
        for number, event in stream.events:
            if len(batch) >= BATCH and number != notes:
                break
            batch.append(event)
            notes = number
        if not batch:
            return False
        await self._sink.publish(batch)
        for _ in batch:
            stream.events.popleft()
        try:
            stream.tell(notes)
        except OSError as error:  # told again after a restart
            log.debug("note not written", session=stream.session_id, error=str(error))
        return True

    # --- now and then --------------------------------------------------------------------------------------

    async def _turn(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            unfinished = [stream for stream in self._spool.streams.values() if stream.finished is None]
            await asyncio.gather(*map(self._attend, unfinished))
            for stream in await self._eviction.turn(loop.time()):
                self._spool.forget(stream)
                self._begun.discard(stream.session_id)
                await self._eviction.remove(stream.folder)
            await asyncio.sleep(TURN_S)

    async def _attend(self, stream: StoredStream) -> None:
        async with self._few:
            if stream.is_drained:
                await self._finish(stream)
            else:
                await self._put_playlists(stream, is_ended=False)

    async def _put_playlists(self, stream: StoredStream, *, is_ended: bool) -> bool:
        """Store the playlists that are due; whether all of them are there."""
        now = asyncio.get_running_loop().time()
        is_complete = True
        for name, body in stream.playlists.due(now, is_ended=is_ended):
            if not await self._uploads.put(f"{stream.catalog.prefix}/{name}", body, is_final=is_ended):
                stream.playlists.again(name)
                is_complete = False
        return is_complete

    async def _finish(self, stream: StoredStream) -> None:
        """Store what ends a session; tried again with the next turn when that fails."""
        ended = stream.catalog.ended
        assert ended is not None
        if not await self._put_playlists(stream, is_ended=True):
            return
        loop = asyncio.get_running_loop()
        try:
            name, body = await loop.run_in_executor(None, partial(write_index, stream.folder, ended))
        except OSError as error:
            log.warning("index not made", session=stream.session_id, error=str(error))
            return
        if not await self._uploads.put(f"{stream.catalog.prefix}/{name}", body, is_final=True):
            return
        stream.finish(name, loop.time())
        if stream.finished is not None:
            log.info(
                "storing ended",
                session=stream.session_id,
                reason=ended.reason,
                segments=stream.finished.segments,
                bytes=stream.finished.total_bytes,
                dropped=stream.dropped,
            )
