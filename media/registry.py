"""Which live streams this node holds, written to Redis for web to find, and the commands that come back.

Entries expire by themselves when the process dies; while it lives they are renewed with every heartbeat, which also
heals a Redis that lost them.
"""

from collections.abc import Callable, Iterable

import msgspec
import structlog
from redis.asyncio import Redis

from config.redis import messages
from schemas.ingest import (
    ENDED_ENTRY_TTL_S,
    INGEST_COMMANDS,
    LIVE_ENTRY_TTL_S,
    IngestCommand,
    LiveEntry,
    live_key,
    session_key,
)

log = structlog.get_logger()

# A key is taken away only by the session that it names: a successor may already stand there.
_REMOVE = """
for _, key in ipairs(KEYS) do
  local value = redis.call('GET', key)
  if value == ARGV[1] then redis.call('DEL', key) end
end
"""


class Registry:
    """This node's page of the registry. Methods raise `RedisError` or `OSError`; the heartbeat tries again."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def renew(self, entries: Iterable[LiveEntry]) -> None:
        """Write every playable session, or keep it from expiring."""
        pipeline = self._redis.pipeline(transaction=False)
        for entry in entries:
            value = msgspec.json.encode(entry)
            for key in (live_key(entry.channel_id), live_key(entry.channel_name), session_key(entry.session_id)):
                pipeline.set(key, value, px=LIVE_ENTRY_TTL_S * 1000)
        if len(pipeline):
            await pipeline.execute()

    async def remove(self, entry: LiveEntry) -> None:
        """Take a session off the air; its own key stays for a minute, so that players can fetch the end."""
        value = msgspec.json.encode(entry)
        await self._redis.eval(_REMOVE, 2, live_key(entry.channel_id), live_key(entry.channel_name), value)
        await self._redis.set(session_key(entry.session_id), value, px=ENDED_ENTRY_TTL_S * 1000)

    async def commands(self, obey: Callable[[IngestCommand], None]) -> None:
        """Hand every command to `obey`, for ever; what is missed meanwhile, heartbeats repeat."""
        async for data in messages(self._redis, INGEST_COMMANDS, _interrupted):
            if data is not None:
                self._dispatch(data, obey)

    @staticmethod
    def _dispatch(data: bytes, obey: Callable[[IngestCommand], None]) -> None:
        try:
            command = msgspec.json.decode(data, type=IngestCommand)
        except msgspec.DecodeError as error:
            log.error("command not understood", error=str(error))
            return
        obey(command)


def _interrupted(error: Exception) -> None:
    log.warning("commands from web interrupted", error=repr(error))
