"""What web asks of the storage process over the Redis stream `media.jobs`: to make clips, to delete objects.

A job that is lost is asked for again by the housekeeper: the rows say what is still to be done.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
from redis.asyncio import Redis

from schemas.ids import ClipId
from schemas.storage import JOBS_FIELD, JOBS_STREAM, DeleteObjects, MakeClip, MediaJob
from web.services import Services
from web.sources import tracks
from web.store import clips

MAX_JOBS: Final = 10_000
"""Jobs that may wait; beyond it none is added, they are asked for again later."""


async def add(redis: Redis, jobs: Sequence[MediaJob]) -> bool:
    """Hand jobs to the storage process; False when too many are waiting already."""
    if await redis.xlen(JOBS_STREAM) >= MAX_JOBS:
        return False
    async with redis.pipeline(transaction=False) as pipeline:
        for job in jobs:
            pipeline.xadd(JOBS_STREAM, {JOBS_FIELD: msgspec.json.encode(job)})
        await pipeline.execute()
    return True


async def delete_objects(redis: Redis, keys: Sequence[str]) -> bool:
    """Ask for the deletion of at most `schemas.storage.MAX_DELETIONS` objects."""
    return await add(redis, [DeleteObjects(list(keys))])


async def make_clip(services: Services, clip: ClipId) -> bool:
    """Ask for a clip's exact edges, its MP4 and its picture; False for one that is gone or has to wait."""
    row = await clips.find(services.pool, clip)
    if row is None:
        return False
    job = MakeClip(
        clip_id=row.id,
        channel_id=row.channel_id,
        start_s=row.start_s,
        end_s=row.end_s,
        title=row.title,
        tracks=await tracks(services.pool, row.object_prefix, row.session_id, (row.first_msn, row.last_msn)),
        created_at_ms=round(row.created_at.timestamp() * 1000),
    )
    return await add(services.redis, [job])
