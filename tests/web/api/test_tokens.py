"""Tokens for programs, bots and tickets."""

import asyncio
from collections.abc import Mapping

import pytest
from aiohttp.test_utils import make_mocked_request
from aiohttp.web import Request

from schemas.errors import ApiError, ErrorCode
from schemas.ids import ChannelId
from tests.web.site import Json, Person, Site
from web import identity, tickets
from web.store import access_tokens, bots

pytestmark = pytest.mark.services
READ, WRITE, MODERATE = "chat:read", "chat:write", "chat:moderate"


async def _token(site: Site, who: Person, *scopes: str, **more: object) -> Json:
    body = {"name": "bot", "scopes": scopes or (READ, WRITE), **more}
    made: Json = await site.data("POST", "/tokens", body, who=who)
    return made


def _program(token: str) -> Person:
    return Person("", "", token, {"Authorization": f"Bearer {token}"})


def _request(path: str, headers: Mapping[str, str] | None = None) -> Request:
    return make_mocked_request("GET", path, headers={"Host": "localhost:8080", **(headers or {})})


async def test_a_token_is_shown_once_and_ends_when_it_is_deleted(site: Site) -> None:
    alice = await site.person("alice")
    made = await _token(site, alice, WRITE, READ, WRITE)
    assert made["token"].startswith("tally_")
    assert made["token"] == made["token"].lower()  # tmi.js lowers passwords
    assert (made["scopes"], made["userId"], made["expiresAt"]) == ([READ, WRITE], alice.id, None)
    (listed,) = await site.data("GET", "/tokens", who=alice)
    assert (listed["id"], listed["token"], listed["lastUsedAt"]) == (made["id"], None, None)
    services = site.running.services
    stored = await services.pool.fetchval("SELECT token_hash FROM access_tokens")
    assert made["token"].encode() not in stored
    found = await identity.identify_token(services, made["token"])
    assert found
    assert (found.person.username, found.may(WRITE), found.may(MODERATE)) == ("alice", True, False)
    (listed,) = await site.data("GET", "/tokens", who=alice)
    assert listed["lastUsedAt"]
    assert await identity.recheck(services, found) == found
    await site.data("DELETE", f"/tokens/{made['id']}", who=alice)
    assert await identity.identify_token(services, made["token"]) is None
    assert await identity.recheck(services, found) is None


async def test_a_token_opens_what_its_scopes_say_and_no_more(site: Site) -> None:
    alice = await site.person("alice")
    await site.channel("news", alice)
    made = await _token(site, alice, WRITE)
    program = _program(made["token"])
    for method, path in (("GET", "/me"), ("GET", "/tokens"), ("POST", "/channels/news/stream-key")):
        status, envelope = await site.call(method, path, who=program)
        assert (status, envelope["error"]["code"]) == (403, "FORBIDDEN"), path
    status, envelope = await site.call("POST", "/chat/ticket", who=program)
    assert (status, envelope["error"]["message"]) == (403, "This token needs the scope chat:read.")
    assert (await site.data("GET", "/channels/news", who=program))["name"] == "news"
    await site.data("DELETE", f"/tokens/{made['id']}", who=alice)
    status, envelope = await site.call("GET", "/channels/news", who=program)
    assert (status, envelope["error"]["code"]) == (401, "UNAUTHORIZED")


async def test_an_expired_token_opens_nothing_and_is_forgotten_later(site: Site) -> None:
    alice = await site.person("alice")
    made = await _token(site, alice, expiresInDays=1)
    services = site.running.services
    await services.pool.execute("UPDATE access_tokens SET expires_at = now() - interval '1 second'")
    assert await identity.identify_token(services, made["token"]) is None
    assert [row["id"] for row in await site.data("GET", "/tokens", who=alice)] == [made["id"]]
    await services.pool.execute("UPDATE access_tokens SET expires_at = now() - interval '40 days'")
    other = await _token(site, alice)
    assert [row["id"] for row in await site.data("GET", "/tokens", who=alice)] == [other["id"]]


async def test_a_bot_speaks_by_its_owners_tokens_and_signs_in_nowhere(site: Site) -> None:
    alice, eve = await site.person("alice"), await site.person("eve")
    bot = await site.data("POST", "/bots", {"username": "alicebot", "displayName": "Alice's bot"}, who=alice)
    assert [row["userId"] for row in await site.data("GET", "/bots", who=alice)] == [bot["userId"]]
    made = await _token(site, alice, botId=bot["userId"])
    assert (made["userId"], made["username"]) == (bot["userId"], "alicebot")
    services = site.running.services
    found = await identity.identify_token(services, made["token"])
    assert found
    assert (found.person.id, found.person.is_bot, found.person.display_name) == (bot["userId"], True, "Alice's bot")
    for password in ("", "x" * 10):
        status, _ = await site.call("POST", "/auth/login", {"username": "alicebot", "password": password})
        assert status in (400, 401)
    for method, path, body in (
        ("DELETE", f"/bots/{bot['userId']}", None),
        ("DELETE", f"/tokens/{made['id']}", None),
        ("POST", "/tokens", {"name": "x", "scopes": [READ], "botId": bot["userId"]}),
        ("POST", "/tokens", {"name": "x", "scopes": [READ], "botId": alice.id}),
        ("DELETE", "/tokens/%00", None),
    ):
        status, envelope = await site.call(method, path, body, who=eve)
        assert (status, envelope["error"]["code"]) == (404, "NOT_FOUND"), path
    await site.data("DELETE", f"/bots/{bot['userId']}", who=alice)
    assert await identity.identify_token(services, made["token"]) is None
    assert await site.data("GET", "/tokens", who=alice) == []


async def test_there_are_so_many_tokens_and_bots_of_one_person(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_tokens, "MOST", 2)
    monkeypatch.setattr(bots, "MOST", 1)
    alice = await site.person("alice")
    bodies = [{"name": f"t{n}", "scopes": [READ]} for n in range(5)]
    made = await asyncio.gather(*(site.call("POST", "/tokens", body, who=alice) for body in bodies))
    assert sorted(status for status, _ in made) == [201, 201, 409, 409, 409]
    assert (await site.call("POST", "/bots", {"username": "botone"}, who=alice))[0] == 201
    status, envelope = await site.call("POST", "/bots", {"username": "bottwo"}, who=alice)
    assert (status, envelope["error"]["code"]) == (409, "CONFLICT")


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/tokens", {"name": "", "scopes": [READ]}, "name"),
        ("/tokens", {"name": "  ", "scopes": [READ]}, "name"),
        ("/tokens", {"name": "a\nb", "scopes": [READ]}, "name"),
        ("/tokens", {"name": "a", "scopes": []}, "scopes"),
        ("/tokens", {"name": "a", "scopes": ["everything"]}, "scopes[0]"),
        ("/tokens", {"name": "a", "scopes": [READ], "expiresInDays": 0}, "expiresInDays"),
        ("/bots", {"username": "No"}, "username"),
        ("/bots", {"username": "admin"}, "username"),
    ],
)
async def test_what_is_wrong_is_named(site: Site, path: str, body: Json, field: str) -> None:
    alice = await site.person("alice")
    status, envelope = await site.call("POST", path, body, who=alice)
    assert (status, list(envelope["error"]["fields"])) == (400, [field])


async def test_a_ticket_opens_one_socket_for_who_asked_for_it(site: Site) -> None:
    alice = await site.person("alice")
    services = site.running.services
    made = await _token(site, alice, READ)
    for who, scopes in ((alice, None), (_program(made["token"]), frozenset({READ}))):
        ticket = (await site.data("POST", "/chat/ticket", who=who))["ticket"]
        found = await identity.identify_socket(services, _request(f"/ws/chat?token={ticket}"))
        assert found
        assert (found.person.id, found.scopes) == (alice.id, scopes)
        with pytest.raises(ApiError) as refused:
            await identity.identify_socket(services, _request(f"/ws/chat?token={ticket}"))
        assert refused.value.body.code is ErrorCode.UNAUTHORIZED
    ticket = (await site.data("POST", "/chat/ticket", who=alice))["ticket"]
    (key,) = await services.redis.keys("ticket:*")
    assert 0 < await services.redis.ttl(key) <= tickets.LIFETIME_S
    await site.data("POST", "/auth/logout", who=alice)
    with pytest.raises(ApiError):  # the session has ended meanwhile
        await identity.identify_socket(services, _request(f"/ws/chat?token={ticket}"))
    assert (await site.call("POST", "/chat/ticket"))[0] == 401


async def test_a_socket_is_opened_by_a_token_too_and_by_nothing_else(site: Site) -> None:
    alice = await site.person("alice")
    services = site.running.services
    made = await _token(site, alice)
    for request in (
        _request(f"/ws/chat?token={made['token']}"),
        _request("/ws/chat", {"Authorization": f"Bearer {made['token']}"}),
        _request("/ws/chat", alice.headers),
    ):
        found = await identity.identify_socket(services, request)
        assert found
        assert found.person.id == alice.id
    assert await identity.identify_socket(services, _request("/ws/chat")) is None
    for bad in ("", "x", "once_x", "tally_x", "é", "x" * 1000, alice.token):
        with pytest.raises(ApiError):  # sessions are no tokens for addresses, which end up in logs
            await identity.identify_socket(services, _request(f"/ws/chat?token={bad}"))
    cookie = {"Cookie": f"session={made['token']}", "Origin": "http://localhost:8080"}
    assert await identity.identify_socket(services, _request("/ws/chat", cookie)) is None


async def test_who_may_watch_and_who_moderates_may_read(site: Site) -> None:
    alice, bob = await site.person("alice"), await site.person("bob")
    admin = await site.person("boss", is_admin=True)
    channel = ChannelId((await site.channel("news", alice))["id"])
    services = site.running.services
    tokens = {who.username: (await _token(site, who, READ))["token"] for who in (alice, bob, admin)}

    async def readers() -> set[str]:
        found = {name: await identity.identify_token(services, token) for name, token in tokens.items()}
        found["nobody"] = None
        return {name for name, who in found.items() if await identity.may_read(services, who, channel, None)}

    assert await readers() == {"alice", "bob", "boss", "nobody"}
    await site.data("PATCH", "/channels/news", {"visibility": "followers"}, who=alice)
    assert await readers() == {"alice", "boss"}
    await site.data("POST", f"/follows/{channel}", who=bob)
    assert await readers() == {"alice", "bob", "boss"}
    await site.data("PATCH", "/channels/news", {"visibility": "private"}, who=alice)
    assert await readers() == {"alice", "boss"}
    await services.pool.execute("INSERT INTO chat_roles VALUES ($1, $2, 'moderator')", channel, bob.id)
    assert await readers() == {"alice", "bob", "boss"}
    shared = await site.data("POST", "/channels/news/share", {"expiresInS": 60}, who=alice)
    key = shared["pageUrl"].partition("?key=")[2]
    assert await identity.may_read(services, None, channel, key)
    assert not await identity.may_read(services, None, channel, "x")
    writer = await identity.identify_token(services, (await _token(site, alice, WRITE))["token"])
    assert not await identity.may_read(services, writer, channel, None)
    assert not await identity.may_read(services, None, ChannelId("nothing"), key)
