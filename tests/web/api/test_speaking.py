"""Saying something over HTTP."""

import pytest

from tests.web.api.test_emotes import upload
from tests.web.site import Json, Person, Site

pytestmark = pytest.mark.services


async def post(site: Site, who: Person | None, content: str, key: str, **more: str) -> tuple[int, Json]:
    body = {"content": content, "idempotencyKey": key, **more}
    return await site.call("POST", "/channels/news/chat/messages", body, who=who)


async def test_what_is_posted_is_said_once_and_found_in_the_history(site: Site) -> None:
    alice, bob = await site.person("alice"), await site.person("bob")
    await site.channel("news", alice)
    assert (await upload(site, alice, "/channels/news/emotes"))[0] == 201
    status, first = await post(site, bob, "newsHi @alice", "k1")
    assert status == 200
    assert first["data"]["seq"] > 0
    assert first["data"]["heldId"] is None
    assert await post(site, bob, "newsHi @alice", "k1") == (status, first)
    await post(site, alice, "hello", "k1", replyTo=first["data"]["messageId"])
    said = await site.data("GET", "/channels/news/chat/messages")
    assert [message["content"] for message in said] == ["newsHi @alice", "hello"]
    assert [emote["name"] for emote in said[0]["emotes"]] == ["newsHi"]
    assert [mention["username"] for mention in said[0]["mentions"]] == ["alice"]
    assert said[1]["replyTo"]["messageId"] == first["data"]["messageId"]
    assert [badge["type"] for badge in said[1]["badges"]] == ["broadcaster"]


async def test_commands_are_obeyed_and_refusals_have_their_codes(site: Site) -> None:
    alice, bob = await site.person("alice"), await site.person("bob")
    await site.channel("news", alice)
    status, answer = await post(site, alice, "/slow 100", "k1")
    assert status == 200
    assert answer["data"]["notice"]
    assert answer["data"]["messageId"] is None
    assert (await post(site, bob, "one", "k1"))[0] == 200
    status, answer = await post(site, bob, "two", "k2")
    assert (status, answer["error"]["code"]) == (429, "SLOW_MODE")
    assert answer["error"]["retryAfterMs"] > 90_000
    for who, content, key, expected in (
        (None, "hello", "k3", (401, "UNAUTHORIZED")),
        (bob, "/slow 1", "k3", (403, "FORBIDDEN")),
        (bob, "a\u202eb", "k3", (400, "INVALID_REQUEST")),
        (bob, "hello", "no key", (400, "INVALID_REQUEST")),
        (bob, "x" * 501, "k3", (400, "INVALID_REQUEST")),
    ):
        status, answer = await post(site, who, content, key)
        assert (status, answer["error"]["code"]) == expected
    assert (await site.call("PATCH", "/channels/news", {"visibility": "private"}, who=alice))[0] == 200
    status, answer = await post(site, bob, "hello", "k4")
    assert (status, answer["error"]["code"]) == (403, "FORBIDDEN")


async def test_a_program_speaks_if_its_token_opens_that(site: Site) -> None:
    alice = await site.person("alice")
    await site.channel("news", alice)

    async def program(*scopes: str) -> Person:
        made = await site.data("POST", "/tokens", {"name": "program", "scopes": list(scopes)}, who=alice)
        return Person(alice.id, "alice", made["token"], {"Authorization": f"Bearer {made['token']}"})

    writer, reader = await program("chat:write"), await program("chat:read")
    assert (await post(site, writer, "beep", "k1"))[0] == 200
    assert (await post(site, writer, "/slow 10", "k2"))[0] == 403
    assert (await post(site, reader, "beep", "k3"))[0] == 403
    moderator = await program("chat:write", "chat:moderate")
    assert (await post(site, moderator, "/slow 10", "k4"))[0] == 200
