"""Rings for the moderators of a channel: what waits for them, what was decided."""

from typing import Final

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from chat.log import keys
from chat.log.calls import Trouble
from schemas.socket import ModeratorEvent

_encoder: Final = msgspec.json.Encoder()


class Bell:
    """Publishes to moderators. At most once: their lists in the API have the truth."""

    def __init__(self, redis: Redis, trouble: Trouble) -> None:
        self._redis = redis
        self._trouble = trouble

    async def ring(self, event: ModeratorEvent) -> None:
        """Tell the moderators of the event's channel; a Redis that is away is noted, and that is all."""
        try:
            await self._redis.publish(keys.moderators_channel(event.channel_id), _encoder.encode(event))
        except (RedisError, OSError, TimeoutError) as error:
            self._trouble("moderators", error)
