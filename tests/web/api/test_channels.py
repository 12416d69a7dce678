"""Channels: make, list, look at, change."""

import asyncio
from typing import Any

import pytest

from schemas.errors import ApiError
from schemas.ids import UserId
from tests.web.site import Site, health
from web.store import channels

pytestmark = pytest.mark.services


async def test_a_new_channel_is_off_the_air(site: Site) -> None:
    alice = await site.person("alice")
    made = await site.channel("news", alice, title="Hello <b>", categoryId="talk", language="en", tags=["a", "b"])
    assert made["name"] == "news"
    assert (made["title"], made["categoryId"], made["language"], made["tags"]) == (
        "Hello <b>",
        "talk",
        "en",
        ["a", "b"],
    )
    assert (made["isLive"], made["startedAt"], made["viewerCount"], made["thumbnailUrl"]) == (False, None, 0, "")
    assert made["userId"] == alice.id
    assert "streamKey" not in made
    assert await site.data("GET", "/channels/news") == made
    assert await site.data("GET", "/channels/NEWS") == made
    assert await site.data("GET", f"/channels/{made['id']}") == made
    me = await site.data("GET", "/me", who=alice)
    assert me["channels"] == [{"id": made["id"], "name": "news"}]


async def test_a_channel_needs_an_account(site: Site) -> None:
    status, envelope = await site.call("POST", "/channels", {"name": "news"})
    assert (status, envelope["error"]["code"]) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": "no"}, "name"),
        ({"name": "settings"}, "name"),
        ({"name": "1k5h3z9d0abcdefghjkmn"}, "name"),
        ({"name": "news", "title": "x" * 141}, "title"),
        ({"name": "news", "title": "a\nb"}, "title"),
        ({"name": "news", "tags": ["x"] * 11}, "tags"),
        ({"name": "news", "tags": [""]}, "tags[0]"),
        ({"name": "news", "streamKey": "mine"}, "streamKey"),
        ({"name": "news", "language": "english"}, "language"),
        ({"name": "news", "categoryId": "Just Chatting"}, "categoryId"),
    ],
)
async def test_a_bad_channel_names_the_field(site: Site, body: dict[str, object], field: str) -> None:
    status, envelope = await site.call("POST", "/channels", body, who=await site.person("alice"))
    assert (status, envelope["error"]["code"]) == (400, "INVALID_REQUEST")
    assert list(envelope["error"]["fields"]) == [field]


async def test_a_channels_name_is_taken_once(site: Site) -> None:
    alice, bob = await site.person("alice"), await site.person("bob")
    await site.channel("news", alice)
    status, envelope = await site.call("POST", "/channels", {"name": "news"}, who=bob)
    assert (status, envelope["error"]["code"], list(envelope["error"]["fields"])) == (409, "DUPLICATE", ["name"])
    status, envelope = await site.call("POST", "/channels", {"name": "alice"}, who=bob)
    assert (status, envelope["error"]["code"]) == (409, "DUPLICATE")


async def test_an_account_has_one_channel_until_allowed_more(site: Site) -> None:
    alice = await site.person("alice")
    await site.channel("alice", alice)
    status, envelope = await site.call("POST", "/channels", {"name": "second"}, who=alice)
    assert (status, envelope["error"]["code"]) == (403, "FORBIDDEN")
    await site.running.services.pool.execute("UPDATE users SET max_channels = 2")
    await site.channel("second", alice)


async def test_two_creations_of_one_account_follow_each_other(site: Site) -> None:
    alice = UserId((await site.person("alice")).id)
    pool = site.running.services.pool

    async def create_second() -> None:
        async with pool.acquire() as connection, connection.transaction():
            await channels.create(connection, alice, "second")

    async with pool.acquire() as connection:
        async with connection.transaction():
            await channels.create(connection, alice, "first")
            second = asyncio.create_task(create_second())
            await asyncio.wait([second], timeout=0.3)
            assert not second.done()  # it waits to see what becomes of the first
        with pytest.raises(ApiError, match="FORBIDDEN"):
            await second


async def test_an_id_comes_before_a_name(site: Site) -> None:
    alice = await site.person("alice")
    pool = site.running.services.pool
    await pool.execute("UPDATE users SET max_channels = 2")
    first, second = await site.channel("first", alice), await site.channel("second", alice)
    # by hand: names that look like ids are refused, but older data might hold some
    await pool.execute("UPDATE channels SET name = $1 WHERE id = $2", second["id"], first["id"])
    await pool.execute("UPDATE channels SET name = $1 WHERE id = $2", first["id"], second["id"])
    for channel in (first, second):
        assert (await site.data("GET", f"/channels/{channel['id']}"))["id"] == channel["id"]


async def test_only_what_is_given_changes(site: Site) -> None:
    alice = await site.person("alice")
    made = await site.channel("news", alice, title="Before", tags=["a"])
    changed = await site.data("PATCH", f"/channels/{made['id']}", {"title": "", "mature": True}, who=alice)
    assert changed == {**made, "title": "", "mature": True}
    assert await site.data("PATCH", "/channels/news", {}, who=alice) == changed
    assert (await site.data("PATCH", "/channels/news", {"tags": []}, who=alice))["tags"] == []


async def test_the_owner_chooses_a_ladder_of_known_rungs(site: Site) -> None:
    alice = await site.person("alice")
    made = await site.channel("news", alice)
    assert made["ladder"] is None
    for ladder in ("720p,480p", "off", "auto"):
        changed = await site.data("PATCH", "/channels/news", {"ladder": ladder}, who=alice)
        assert changed == {**made, "ladder": ladder}
        assert await site.data("PATCH", "/channels/news", {}, who=alice) == changed
    for ladder in ("721p", "auto,720p", "720p,", "720p 480p", ""):
        status, envelope = await site.call("PATCH", "/channels/news", {"ladder": ladder}, who=alice)
        assert (status, list(envelope["error"]["fields"])) == (400, ["ladder"])
    _, envelope = await site.call("PATCH", "/channels/news", {"ladder": "721p"}, who=alice)
    assert envelope["error"]["fields"] == {"ladder": "there is no rung '721p': did you mean 720p?"}
    assert (await site.data("PATCH", "/channels/news", {"ladder": None}, who=alice))["ladder"] is None


async def test_others_can_not_change_a_channel_but_administrators_can(site: Site) -> None:
    alice, bob, root = (
        await site.person("alice"),
        await site.person("bob"),
        await site.person("carla", is_admin=True),
    )
    await site.channel("news", alice)
    for method, path in (
        ("PATCH", "/channels/news"),
        ("POST", "/channels/news/stream-key"),
        ("GET", "/channels/news/stream-key"),
        ("POST", "/channels/news/go-offline"),
        ("GET", "/channels/news/ingest"),
    ):
        body = {"title": "x"} if method == "PATCH" else None
        assert (await site.call(method, path, body))[0] == 401
        assert (await site.call(method, path, body, who=bob))[0] == 403
        assert (await site.call(method, path, body, who=root))[0] in {200, 409}
        assert (await site.call(method, path.replace("news", "nothing"), body, who=root))[0] == 404


@pytest.mark.parametrize("name", ["nothing", "no", "x" * 200, "%00", "a%2Fb", "%ff", "..%2f", "a.b", "%20"])
@pytest.mark.parametrize("end", ["", "/status"])
async def test_a_channel_that_is_not_there_is_not_found(site: Site, name: str, end: str) -> None:
    status, envelope = await site.call("GET", f"/channels/{name}{end}")
    assert (status, envelope["success"], envelope["error"]["code"]) == (404, False, "NOT_FOUND")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=ten", "limit"),
        ("live=yes", "live"),
        ("live=true&live=true", "live"),
        ("color=red", "color"),
        ("cursor=!!!", "cursor"),
        ("cursor=WzFd", "cursor"),
        ("cursor=%C3%A4", "cursor"),
        ("category=A", "category"),
        ("q=%00", "q"),
    ],
)
async def test_a_bad_query_names_the_parameter(site: Site, query: str, field: str) -> None:
    status, envelope = await site.call("GET", f"/channels?{query}")
    assert (status, envelope["error"]["code"]) == (400, "INVALID_REQUEST")
    assert list(envelope["error"]["fields"]) == [field]


async def test_operations_without_a_query_take_none(site: Site) -> None:
    alice = await site.person("alice")
    await site.channel("news", alice)
    status, envelope = await site.call("GET", "/channels/news?x=1")
    assert (status, list(envelope["error"]["fields"])) == (400, ["x"])


async def _many(site: Site, count: int) -> None:
    alice = await site.person("alice")
    await site.running.services.pool.execute("UPDATE users SET max_channels = 100")
    for number in range(count):
        await site.channel(f"channel_{number}", alice, title=f"Number {number}", categoryId="even" * (number % 2 == 0))


async def test_pages_hold_each_channel_once(site: Site) -> None:
    await _many(site, 7)
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(3):
        _, envelope = await site.call("GET", f"/channels?limit=3{f'&cursor={cursor}' if cursor else ''}")
        seen += [channel["name"] for channel in envelope["data"]]
        cursor = envelope["page"]["cursor"]
    assert cursor is None
    assert seen == [f"channel_{number}" for number in reversed(range(7))]


async def test_a_page_that_just_fits_is_the_last(site: Site) -> None:
    await _many(site, 3)
    _, envelope = await site.call("GET", "/channels?limit=3")
    assert (len(envelope["data"]), envelope["page"]["cursor"]) == (3, None)


async def test_lists_can_be_narrowed(site: Site) -> None:
    await _many(site, 4)

    async def names(query: str) -> set[str]:
        return {channel["name"] for channel in await site.data("GET", f"/channels?{query}")}

    assert await names("category=even") == {"channel_0", "channel_2"}
    assert await names("q=NUMBER%203") == {"channel_3"}
    assert await names("q=%25") == set()
    assert await names("q=l_1") == {"channel_1"}
    assert await names("q=lx1") == set()
    assert await names("live=true") == set()
    assert len(await names("live=false")) == 4
    assert len(await names("q=alice")) == 4


async def test_what_most_people_watch_comes_first(site: Site) -> None:
    people = [await site.person(name) for name in ("anna", "bert", "cleo")]
    for person in people:
        await site.channel(person.username, person)
    pool = site.running.services.pool
    live: list[Any] = []
    for person in people[:2]:
        key = await site.key(person.username, person)
        live.append(health(*(await site.grant(key))))
    await site.heartbeat(*live)
    await pool.execute("UPDATE streams SET viewer_count = 5 WHERE id = $1", live[0].session_id)
    _, envelope = await site.call("GET", "/channels")
    assert [(c["name"], c["viewerCount"]) for c in envelope["data"]] == [("anna", 5), ("bert", 0), ("cleo", 0)]
    assert [c["name"] for c in await site.data("GET", "/channels?live=true")] == ["anna", "bert"]
    _, envelope = await site.call("GET", "/channels?limit=1&live=true")
    _, envelope = await site.call("GET", f"/channels?limit=1&live=true&cursor={envelope['page']['cursor']}")
    assert [c["name"] for c in envelope["data"]] == ["bert"]
    assert envelope["page"]["cursor"] is None
