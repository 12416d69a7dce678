"""What was said in a channel, over the API."""

import asyncio
from typing import Any

import pytest

from schemas.ids import ChannelId, UserId
from tests.chat.keeping.logs import Log
from tests.web.site import Json, Person, Site

pytestmark = pytest.mark.services
BOB = UserId("u_bob")


async def opened(site: Site, **settings: object) -> tuple[Person, Log]:
    alice = await site.person("alice")
    made: Json = await site.channel("news", alice)
    if settings:
        await site.data("PATCH", "/channels/news", settings, who=alice)
    return alice, Log(site.running.services.redis, ChannelId(made["id"]))


async def page(site: Site, query: str = "") -> tuple[list[Any], str | None]:
    status, envelope = await site.call("GET", f"/channels/news/chat/messages{query}")
    assert status == 200, envelope
    return envelope["data"], envelope["page"]["cursor"]


async def test_messages_are_there_at_once_and_pages_lead_back(site: Site) -> None:
    alice, log = await opened(site)
    for number in range(5):
        await log.say(BOB, str(number))
    await log.announce(UserId(alice.id), "listen", "blue")
    messages, cursor = await page(site, "?limit=4")
    assert [message["content"] for message in messages] == ["2", "3", "4", "listen"]
    assert [message["seq"] for message in messages] == [3, 4, 5, 6]
    assert {message["epoch"] for message in messages} == {"e1"}
    assert [message.get("announcement") for message in messages] == [None, None, None, "blue"]
    older, end = await page(site, f"?limit=4&before={cursor}")
    assert [message["content"] for message in older] == ["0", "1"]
    assert end is None


async def test_a_storm_of_readers_is_answered_alike(site: Site) -> None:
    _, log = await opened(site)
    await log.say(BOB, "hello")
    answers = await asyncio.gather(*(page(site) for _ in range(50)))
    assert all(answer == answers[0] for answer in answers)
    assert len(answers[0][0]) == 1


async def test_who_may_not_watch_may_not_read(site: Site) -> None:
    alice, log = await opened(site, visibility="followers")
    await log.say(BOB, "among us")
    bob = await site.person("bob")
    path = "/channels/news/chat/messages"
    for who in (None, bob):
        status, envelope = await site.call("GET", path, who=who)
        assert (status, envelope["error"]["code"]) == (403, "FORBIDDEN")
    await site.data("POST", "/follows/news", who=bob)
    for who in (alice, bob):
        assert [message["content"] for message in await site.data("GET", path, who=who)] == ["among us"]
    share = await site.data("POST", "/channels/news/share", {"expiresInS": 3600}, who=alice)
    key = share["pageUrl"].partition("?key=")[2]
    assert len(await site.data("GET", f"{path}?key={key}")) == 1


async def test_bad_questions_get_clear_answers(site: Site) -> None:
    await opened(site)
    for query in ("limit=0", "limit=101", "before=-1", "before=x", "thread=%00", "cursor=1"):
        assert (await site.call("GET", f"/channels/news/chat/messages?{query}"))[0] == 400, query
    assert (await site.call("GET", "/channels/nobody/chat/messages"))[0] == 404
