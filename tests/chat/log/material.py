"""Lines, and a database that knows channels, for logs in a real Redis."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from chat.log import Act, ActEvent, ChatLog, Held, Line, Place, Recalled, modes_of
from schemas.chat import ChatSettings
from schemas.errors import ApiError, ErrorBody
from schemas.ids import ChannelId, UserId

NEWS = ChannelId("c_news")
ALICE, BOB = UserId("u_alice"), UserId("u_bob")


@dataclass
class Database:
    """What `Recall` asks."""

    recalled: Recalled = field(default_factory=lambda: Recalled(0, {}, modes_of(ChatSettings(), 1)))
    asked: list[ChannelId] = field(default_factory=list)
    error: Exception | None = None
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    """Closed: it does not answer."""

    def __post_init__(self) -> None:
        self.gate.set()

    async def recall(self, channel: ChannelId) -> Recalled:
        self.asked.append(channel)
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return self.recalled


@dataclass
class Running:
    """A log that runs."""

    log: ChatLog
    database: Database
    troubles: list[tuple[str, BaseException]]

    async def say(self, line: Line) -> Place:
        place = await self.log.say(line)
        assert isinstance(place, Place)
        return place

    async def hold(self, line: Line) -> Held:
        held = await self.log.say(line)
        assert isinstance(held, Held)
        return held

    async def refusal(self, line: Line) -> ErrorBody:
        """Return why a line was refused."""
        try:
            answer = await self.log.say(line)
        except ApiError as error:
            return error.body
        raise AssertionError(f"it was answered {answer}")

    async def act(self, act_id: str, *events: ActEvent) -> list[Place]:
        return await self.log.tell(Act(act_id, NEWS, events))

    async def set_modes(self, version: int = 2, **settings: Any) -> None:
        event = ActEvent("settings_changed", "{}", settings=modes_of(ChatSettings(**settings), version))
        await self.act(f"settings {version}", event)

    async def ids(self) -> list[str]:
        return [entry.head.decode() for entry in await self.log.read(NEWS, 0, 10_000)]


def line(key: str, user: UserId = ALICE, **more: Any) -> Line:
    """A line without a rate; its text, and so its digest, is the key."""
    fields: dict[str, Any] = {
        "channel": NEWS,
        "user": user,
        "key": key,
        "id": f"m {key}",
        "head": key.encode(),
        "digest": key,
        "characters": len(key),
        "is_privileged": False,
        "interval_ms": 0,
        "burst": 1,
    }
    return Line(**(fields | more))


@asynccontextmanager
async def running(url: str, database: Database | None = None, *, replicas: int = 0) -> AsyncIterator[Running]:
    """Run a log."""
    database = database or Database()
    troubles: list[tuple[str, BaseException]] = []
    log = ChatLog(url, database.recall, lambda *trouble: troubles.append(trouble), replicas=replicas)
    task = asyncio.create_task(log.run())
    try:
        yield Running(log, database, troubles)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
