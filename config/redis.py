"""Connections to Redis or Valkey (6.2 or later), over TCP, TLS or a unix socket, and what is published there.

Errors are those of the library: `redis.exceptions.RedisError`, after its retries.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import RedisError

from config.tasks import check_cancelled

CONNECT_S = 3.0
ANSWER_S = 5.0
"""For one answer. A waiting `pubsub.listen()` is not bound by it."""
RETRIES = 5
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 0.8
"""Five retries span about 1.5 s: an embedded server that was killed is back by then."""
HEALTH_CHECK_S = 15
MAX_CONNECTIONS = 64
POLL_S = 1.0
"""How long one wait for a published message lasts before the connection is looked at again."""
FIRST_LISTEN_PAUSE_S, LONGEST_LISTEN_PAUSE_S = 0.1, 3.0
"""Before a lost subscription is made again; doubles from the first to the longest, and no two processes are in step."""


def connect(url: str) -> Redis:
    """Return a client that connects when it is first used, and again when the connection is lost.

    Answers are bytes. Protocol 2, because the shapes of answers differ between 2 and 3 and managed servers vary.
    Close it with `aclose()`.
    """
    return Redis.from_url(
        url,
        protocol=2,
        decode_responses=False,
        socket_connect_timeout=CONNECT_S,
        socket_timeout=ANSWER_S,
        health_check_interval=HEALTH_CHECK_S,
        max_connections=MAX_CONNECTIONS,
        retry=Retry(ExponentialBackoff(cap=LONGEST_PAUSE_S, base=FIRST_PAUSE_S), RETRIES),
    )


async def messages(
    redis: Redis, channel: str, on_trouble: Callable[[Exception], None]
) -> AsyncGenerator[bytes | None, None]:
    """Yield what is published on a channel, for ever; a lost connection is told to `on_trouble` and made again.

    None comes first, and again whenever the subscription was new: what was published before may have been missed.
    """
    pause_s = FIRST_LISTEN_PAUSE_S
    while True:
        try:
            async with redis.pubsub() as pubsub:
                await pubsub.subscribe(channel)
                while True:
                    message = await pubsub.get_message(timeout=POLL_S)
                    check_cancelled()
                    if message is None:
                        continue
                    if message["type"] == "subscribe":
                        # also comes when the client library has reconnected by itself
                        pause_s = FIRST_LISTEN_PAUSE_S
                        yield None
                    elif message["type"] == "message":
                        yield message["data"]
        except (RedisError, OSError) as error:
            on_trouble(error)
        check_cancelled()
        await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
        pause_s = min(pause_s * 2, LONGEST_LISTEN_PAUSE_S)
