"""Acts that the database has reach the log, whatever dies in between."""

import asyncio

import pytest

from chat.log import Act, Place
from chat.moderation.outbox import Outbox
from chat.moderation.telling import event
from schemas.errors import ApiError, ErrorCode
from schemas.ids import UserId
from tests.chat.moderation.house import HOME, OTHER, House, house

pytestmark = pytest.mark.services
VIEWER = UserId("viewer")


class Away:
    """A log whose Redis does not answer, before or after it has done what it was told."""

    def __init__(self, home: House, *, answers_late: bool = False) -> None:
        self._home = home
        self._answers_late = answers_late

    async def tell(self, act: Act) -> list[Place]:
        if self._answers_late:
            await self._home.log.tell(act)
        raise ApiError(ErrorCode.UNAVAILABLE, "Redis is away.")


async def untold(home: House) -> int:
    return int(await home.pool.fetchval("SELECT count(*) FROM chat_acts WHERE events IS NOT NULL"))


async def test_what_could_not_be_told_is_told_later_in_order_and_once(database_url: str, redis_url: str) -> None:
    async with house(database_url, redis_url) as home:
        bans, outbox = home.moderation.bans, home.moderation.outbox
        for log in (Away(home), Away(home, answers_late=True)):
            outbox._log = log
            done = await bans.ban(home.actor("mod"), HOME, VIEWER, "")  # it holds: the database has it
            assert done.act_id
            await bans.unban(home.actor("mod"), HOME, VIEWER)
        assert await untold(home) == 4
        outbox._log = home.log
        await outbox.sweep(overdue_s=0)
        assert await untold(home) == 0
        assert await home.kinds() == ["user_banned", "user_unbanned"] * 2
        assert not await home.is_silenced("viewer")
        assert {what for what, _ in home.troubles} == {"acts"}


async def test_what_another_process_died_over_is_told_by_this_one_after_a_while(home: House) -> None:
    outbox = home.moderation.outbox
    dead = Outbox(home.pool, Away(home), lambda *_: None)
    home.moderation.bans._desk.outbox = dead
    await home.moderation.bans.ban(home.actor("mod"), HOME, VIEWER, "")
    await outbox.sweep()
    assert await home.kinds() == []  # it may be about to tell it itself
    await home.pool.execute("UPDATE chat_acts SET created_at = now() - interval '4 s'")
    running = asyncio.create_task(outbox.run())
    async with asyncio.timeout(20):
        while await home.kinds() != ["user_banned"]:
            await asyncio.sleep(0.02)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert await untold(home) == 0


async def test_a_newer_act_waits_for_an_older_one(home: House) -> None:
    outbox = home.moderation.outbox
    home.moderation.bans._desk.outbox = Outbox(home.pool, Away(home), lambda *_: None)
    await home.moderation.bans.ban(home.actor("mod"), HOME, VIEWER, "")
    home.moderation.bans._desk.outbox = outbox
    await home.moderation.bans.unban(home.actor("mod2"), HOME, VIEWER)
    assert await home.kinds() == ["user_banned", "user_unbanned"]
    assert not await home.is_silenced("viewer")


async def test_an_act_that_nobody_can_read_stops_no_other(database_url: str, redis_url: str) -> None:
    async with house(database_url, redis_url) as home:
        await home.pool.execute(
            "INSERT INTO chat_acts (id, channel_id, action, events) VALUES ('0', $1, 'future', '{\"a\": 1}')", HOME
        )
        await home.moderation.messages.clear(home.actor("mod"), HOME)
        assert await home.kinds() == ["clear_chat"]
        assert await untold(home) == 0
        assert [what for what, _ in home.troubles] == ["unreadable act"]


async def test_two_processes_that_sweep_at_once_tell_once(home: House) -> None:
    for number in range(150):
        await home.pool.execute(
            "INSERT INTO chat_acts (id, channel_id, action, events, created_at)"
            " VALUES ($1, $2, 'clear', $3, now() - interval '1 min')",
            f"act{number:03}",
            HOME if number % 3 else OTHER,
            f'[{{"kind": "clear_chat", "head": "{{\\"n\\":{number}"}}]',
        )
    others = [Outbox(home.pool, home.log, lambda *_: None) for _ in range(3)]
    await asyncio.gather(*(outbox.sweep() for outbox in [*others, home.moderation.outbox]))
    await home.moderation.outbox.sweep()
    heads = [entry.head for entry in await home.log.read(HOME, 0, 1_000)]
    assert heads == [b'{"n":%d' % number for number in range(150) if number % 3]
    assert await untold(home) == 0


async def test_the_same_request_is_obeyed_once(home: House) -> None:
    notices = await asyncio.gather(*(home.obey("mod", "/announce Once!", key="k1") for _ in range(4)))
    assert set(notices) == {"It is announced."}
    await home.obey("mod", "/clear", key="k1")  # the key has its answer
    await home.obey("mod2", "/announce Mine", key="k1")  # another's key is another key
    assert await home.kinds() == ["announcement", "announcement"]
    await home.obey("mod", "/timeout viewer 60 spam", key="k2")
    await home.moderation.bans.unban(home.actor("mod"), HOME, VIEWER)
    assert await home.obey("mod", "/timeout viewer 60 spam", key="k2") == "viewer may not chat for 1 minute."
    assert not await home.is_silenced("viewer")
    await home.pool.execute("UPDATE chat_acts SET created_at = created_at - interval '11 min'")
    await home.obey("mod", "/timeout viewer 60 spam", key="k2")  # programs count their keys from 1 again some day
    assert await home.is_silenced("viewer")


async def test_events_have_the_names_that_clients_know() -> None:
    assert (
        event("clear_chat", HOME, moderator="mod").head == '{"type":"clear_chat","channelId":"home","moderator":"mod"'
    )
