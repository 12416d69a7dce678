"""GET channels/{channel}/chat/chatters."""

import pytest

from chat.rooms import presence
from schemas.ids import ChannelId
from tests.web.site import Site
from web.events import now_ms

pytestmark = pytest.mark.services
UNTIL_MS = 60_000


async def test_chatters_are_counted_and_named_those_with_a_role_first(site: Site) -> None:
    owner = await site.person("zoe")
    channel = ChannelId((await site.channel("news", owner))["id"])
    people = [await site.person(name) for name in ("bob", "carl", "anna", "dora")]
    pool, redis = site.running.services.pool, site.running.services.redis
    for person, role in ((people[1], "vip"), (people[3], "moderator")):
        await pool.execute(
            "INSERT INTO chat_roles (channel_id, user_id, role) VALUES ($1, $2, $3)", channel, person.id, role
        )
    path = f"/channels/{channel}/chat/chatters"
    assert await site.data("GET", path, who=owner) == {"count": 0, "chatters": []}
    until = now_ms() + UNTIL_MS
    await redis.zadd(presence.chatters_key(channel), {p.id: until for p in [owner, *people]})
    await redis.hset(
        presence.counts_key(channel), mapping={"one": f"7 3 {until}", "two": f"5 2 {until}", "dead": "9 9 1"}
    )
    answer = await site.data("GET", path, who=people[0])
    assert answer["count"] == 5
    assert [(one["username"], one["role"]) for one in answer["chatters"]] == [
        ("zoe", "broadcaster"),
        ("dora", "moderator"),
        ("carl", "vip"),
        ("anna", "viewer"),
        ("bob", "viewer"),
    ]


async def test_who_may_not_watch_may_not_see_who_is_there(site: Site) -> None:
    owner, other = await site.person("zoe"), await site.person("bob")
    channel = await site.channel("news", owner)
    await site.data("PATCH", "/channels/news", {"visibility": "private"}, who=owner)
    path = f"/channels/{channel['id']}/chat/chatters"
    assert (await site.call("GET", path, who=owner))[0] == 200
    assert (await site.call("GET", path, who=other))[0] == 403
    assert (await site.call("GET", path))[0] == 401
    assert (await site.call("GET", "/channels/nothing/chat/chatters", who=other))[0] == 404
