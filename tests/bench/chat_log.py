"""What it costs to append to a channel's log: CPU of Redis and of the web process for each line that is said.

A Valkey with its append-only file and one process of talkers, one channel. "a call each" is the same script through
redis-py, one connection and one round trip for each line. "bare XADD" is what the entry alone costs, in pipelines of
redis-py: a yardstick of the machine, for Redis on a busy one takes twice the CPU for the same. The listeners are
subscribed connections that nobody reads in Python, so that their cost is that of Redis.
"""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from redis.asyncio import Redis

from chat.log import ChatLog, Line, Recalled, keys, modes_of
from chat.log.calls import BATCH_MAX
from chat.log.scripts import SAY
from config.embedded import EmbeddedValkey
from config.redis import connect
from schemas.chat import ChatSettings
from schemas.ids import ChannelId, UserId
from tests.bench.processes import table

CHANNEL = ChannelId("c_bench")
HEAD = b'{"type":"message","channelId":"c_bench","message":{"content":"' + b"x" * 220 + b'"'
LINES = 20_000
ROUNDS = 3
"""Of each row; the cheapest counts."""
TARGET_PER_CORE = 20_000
Say = Callable[[Line], Awaitable[object]]


def main() -> None:
    """Print the cost of lines that are said, repeated and refused, alone and in crowds."""
    with tempfile.TemporaryDirectory(prefix="tally-b-", dir="/tmp") as folder:
        server = EmbeddedValkey(Path(folder) / "valkey", Path(folder))
        server.start()
        try:
            rows = asyncio.run(_measure(server.url))
        finally:
            server.stop()
    header = ("lines", "talkers", "us of Redis", "lines/s/core of Redis", "target", "us of the web process")
    print(table("Chat: appending to a channel's log, CPU for each line", header, rows))


async def _measure(url: str) -> list[tuple[str, ...]]:
    log = ChatLog(url, _recall, lambda subject, error: print("trouble:", subject, error))
    redis = connect(url)
    running = asyncio.create_task(log.run())
    try:
        bench = _Bench(redis, log)
        rows = [await bench.row("bare XADD", _bare(redis), 1)]
        rows += [await bench.row("said", log.say, talkers) for talkers in (1, 50, 1000)]
        rows += [await bench.row("repeated", _repeating(log), 50), await bench.row("a call each", _plain(redis), 50)]
        listeners = [redis.pubsub() for _ in range(8)]
        for listener in listeners:
            await listener.subscribe(keys.events_channel(CHANNEL))
        rows.append(await bench.row("said, 8 listeners", log.say, 50))
        for listener in listeners:
            await listener.aclose()  # type: ignore[no-untyped-call] # redis-py
        return rows
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await redis.aclose()


async def _recall(_: ChannelId) -> Recalled:
    return Recalled(0, {}, modes_of(ChatSettings(), 1))


class _Bench:
    def __init__(self, redis: Redis, log: ChatLog) -> None:
        self._redis = redis
        self._log = log

    async def row(self, name: str, say: Say, talkers: int) -> tuple[str, ...]:
        costs = [await self._cost(say, talkers, f"{name} {talkers} {n}") for n in range(ROUNDS)]
        server_us, client_us = min(cost[0] for cost in costs), min(cost[1] for cost in costs)
        target = f"{TARGET_PER_CORE}" if name == "said" and talkers > 1 else ""
        return (name, f"{talkers}", f"{server_us:.1f}", f"{1e6 / server_us:.0f}", target, f"{client_us:.1f}")

    async def _cost(self, say: Say, talkers: int, name: str) -> tuple[float, float]:
        """Return us of CPU per line, of Redis and of this process."""
        await self._redis.flushall()
        await self._log.where(CHANNEL)
        each = LINES // max(talkers, 4)
        before, began = await _used_s(self._redis), time.process_time()
        await asyncio.gather(*(_talk(say, f"{name} {talker}", each) for talker in range(talkers)))
        ended, after = time.process_time(), await _used_s(self._redis)
        count = each * talkers
        return (after - before) / count * 1e6, (ended - began) / count * 1e6


async def _used_s(redis: Redis) -> float:
    used = await redis.info("cpu")
    return float(used["used_cpu_user"]) + float(used["used_cpu_sys"])


async def _talk(say: Say, name: str, lines: int) -> None:
    for n in range(lines):
        await say(_line(UserId(f"u{name}"), f"{n}", f"{name} {n}"))


def _line(user: UserId, key: str, digest: str) -> Line:
    return Line(
        channel=CHANNEL,
        user=user,
        key=key,
        id=digest,
        head=HEAD,
        digest=digest,
        characters=220,
        is_privileged=False,
        interval_ms=1,
        burst=1_000_000,
    )


def _repeating(log: ChatLog) -> Say:
    line = _line(UserId("repeats"), "key", "repeats")
    return lambda _: log.say(line)


def _bare(redis: Redis) -> Say:
    """Add entries, a pipeline of them for every so many lines."""
    pipeline = redis.pipeline(transaction=False)

    async def say(line: Line) -> object:
        pipeline.xadd(keys.log(CHANNEL), {b"p": b"123456 aBcDeFgHiJkL 1700000000000 message", b"h": line.head})
        return await pipeline.execute() if len(pipeline) >= BATCH_MAX else None

    return say


def _plain(redis: Redis) -> Say:
    async def say(line: Line) -> object:
        channel, user = line.channel, line.user
        names = [
            keys.state(channel),
            keys.log(channel),
            keys.bans(channel),
            keys.answered(channel, user, line.key),
            keys.rate(channel, user),
            keys.slow(channel, user),
            keys.said(channel, f"{user}:{line.digest}"),
            keys.said(channel, line.digest),
            keys.DIRTY,
        ]
        mine = [channel, keys.events_channel(channel), user, line.id, line.kind, line.head, 1, 1_000_000]
        more = [0, 0, 0, -1, 0, 1, line.characters, "", "", 0, "bench", "bench"]
        return await redis.evalsha(SAY.sha.decode(), len(names), *names, *mine, *more)  # type: ignore[arg-type]

    return say


if __name__ == "__main__":
    main()
