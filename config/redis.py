"""Connections to Redis or Valkey (6.2 or later), over TCP, TLS or a unix socket.

Errors are those of the library: `redis.exceptions.RedisError`, after its retries.
"""

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff

CONNECT_S = 3.0
ANSWER_S = 5.0
"""For one answer. A waiting `pubsub.listen()` is not bound by it."""
RETRIES = 5
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 0.8
"""Five retries span about 1.5 s: an embedded server that was killed is back by then."""
HEALTH_CHECK_S = 15
MAX_CONNECTIONS = 64


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
