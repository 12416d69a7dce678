"""What becomes of media with time: recordings go by age and size, objects that nobody holds any more are deleted,
what the storage process did not answer is asked for again. Only in the web process that leads (`web/housekeeper.py`).

All of it goes by the rows: no bucket is ever listed. Two processes that both believe to lead do no harm, each step is
one transaction that finds what is still to be done.
"""

from typing import Final

import structlog

from web import media_jobs, mending
from web.services import Services
from web.store import clips, deletions, sweeps, vods

DELETED_AT_ONCE: Final = 20
"""Recordings that one round deletes at most."""
SWEPT_AT_ONCE: Final = 20
ORDERS_AT_ONCE: Final = 10
"""Orders to delete objects that one round gives: 5,000 objects."""
CLIPS_AT_ONCE: Final = 20
MENDED_AT_ONCE: Final = 2
UNANSWERED_S: Final = 600.0
"""A clip of which nothing was heard for this long is asked for again."""
ATTEMPTS: Final = 5
"""So often is a clip asked for; the edges of its segments must do then."""
LOST_S: Final = 600.0
"""A recording whose session ended this long ago, and of which storage did not say that it is whole, is ready as it is:
its storage process is gone. Should it come back, the rest is added."""
log = structlog.get_logger()


class Retention:
    """One per process; the housekeeper calls it while it leads."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._pool = services.pool

    async def round(self) -> None:
        """Do a bounded part of what is due. Raises what `web.failures.AWAY` names."""
        await self.finish()
        await self.expire()
        await self.sweep()
        await self.order_deletions()
        await self.ask_again()

    async def finish(self) -> None:
        """Make ready what will not be stored any more, and whole what lost events."""
        for vod in await vods.finish_lost(self._pool, LOST_S):
            log.warning("recording ready without its end", vod=vod)
        for session in await vods.unmended(self._pool, MENDED_AT_ONCE):
            await mending.mend_guarded(self._services, session)

    async def expire(self) -> None:
        """Delete recordings that their channels' rules do not keep."""
        settings = self._services.settings
        found = await vods.outdated(
            self._pool, keep_days=settings.keep_days, keep_gb=settings.keep_gb, limit=DELETED_AT_ONCE
        )
        for vod in found:
            async with self._pool.acquire() as connection, connection.transaction():
                await vods.delete(connection, vod)
            log.info("recording expired", vod=vod)

    async def sweep(self) -> None:
        """Give up what nothing holds any more."""
        for session in await sweeps.due(self._pool, SWEPT_AT_ONCE):
            async with self._pool.acquire() as connection, connection.transaction():
                swept = await sweeps.sweep(connection, session, rewind_s=self._services.settings.rewind_s)
            if swept.objects:
                log.info("objects given up", session=session, objects=swept.objects, done=swept.is_done)

    async def order_deletions(self) -> None:
        """Have the storage process delete what was given up."""
        for _ in range(ORDERS_AT_ONCE):
            keys = await deletions.take(self._pool)
            if not keys or not await media_jobs.delete_objects(self._services.redis, keys):
                return

    async def ask_again(self) -> None:
        """Ask for clips of which nothing was heard, and let those be that were asked for often enough."""
        for clip in await clips.give_up(self._pool, after_s=UNANSWERED_S, attempts=ATTEMPTS):
            log.warning("clip given up", clip=clip, attempts=ATTEMPTS)
        for clip in await clips.unmade(self._pool, after_s=UNANSWERED_S, attempts=ATTEMPTS, limit=CLIPS_AT_ONCE):
            await media_jobs.make_clip(self._services, clip)
