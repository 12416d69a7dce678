"""Moderation over HTTP: who may call what, and what comes of it in the running process."""

import asyncio
from typing import Any

import pytest

from schemas.ids import ChannelId, UserId
from schemas.openapi import Access
from tests.web.site import Person, Site
from web import cursors
from web.routes.chat import ENDPOINTS

pytestmark = pytest.mark.services

BODIES: dict[str, dict[str, Any]] = {
    "patchChatSettings": {"slowMode": 5},
    "createBan": {"userId": "nobody"},
    "createTimeout": {"userId": "nobody", "durationS": 60},
    "announce": {"content": "hi"},
    "pinMessage": {"messageId": "nothing"},
    "startRaid": {"channel": "nowhere"},
    "decideReport": {"outcome": "acted"},
}
HERE = "/channels/alice/chat"


async def people(site: Site) -> dict[str, Person]:
    """Alice, who has a channel; a moderator of it; a viewer; an administrator."""
    found = {name: await site.person(name) for name in ("alice", "mandy", "vera")}
    found["adam"] = await site.person("adam", is_admin=True)
    await site.channel("alice", found["alice"])
    await site.data("PUT", "/channels/alice/moderators/mandy", who=found["alice"])
    return found


async def log_of(site: Site, channel: str) -> list[str]:
    """The kinds of what is in a channel's log."""
    entries = await site.running.services.chat.log.read(ChannelId(channel), 0, 1_000)
    return [entry.kind for entry in entries]


async def test_each_operation_is_for_whom_the_table_says(site: Site) -> None:
    who = await people(site)
    for endpoint in ENDPOINTS:
        path = endpoint.path.format(channel="alice", user="nobody", message="no", held="no", report="no", other="alice")
        allowed = {
            Access.PUBLIC: {"nobody", "vera", "mandy", "alice", "adam"},
            Access.USER: {"vera", "mandy", "alice", "adam"},
            Access.MODERATOR: {"mandy", "alice", "adam"},
            Access.OWNER: {"alice", "adam"},
        }[endpoint.access]
        for name in ("nobody", "vera", "mandy", "alice", "adam"):
            body = BODIES.get(endpoint.name, {} if endpoint.body else None)
            status, answer = await site.call(endpoint.method, path, body, who=who.get(name))
            if name in allowed:
                assert status not in {401, 403}, (endpoint.name, name, answer)
                assert status < 500, (endpoint.name, name, answer)
            else:
                assert status == (403 if name in who else 401), (endpoint.name, name, answer)


async def test_bans_over_http(site: Site) -> None:
    who = await people(site)
    mandy, vera = who["mandy"], who["vera"]
    ban = await site.data("POST", f"{HERE}/timeouts", {"userId": vera.id, "durationS": 60, "reason": "calm"}, who=mandy)
    assert (ban["username"], ban["reason"], ban["moderator"], ban["sourceChannelId"]) == ("vera", "calm", "mandy", None)
    assert ban["until"] is not None
    ban = await site.data("POST", f"{HERE}/bans", {"userId": vera.id}, who=mandy)
    assert ban["until"] is None
    assert [each["userId"] for each in await site.data("GET", f"{HERE}/bans", who=mandy)] == [vera.id]
    status, envelope = await site.call("DELETE", f"{HERE}/timeouts/vera", who=mandy)
    assert (status, envelope["error"]["code"]) == (409, "CONFLICT")
    await site.data("DELETE", f"{HERE}/bans/vera", who=mandy)
    assert await site.data("GET", f"{HERE}/bans", who=mandy) == []
    acts = await site.data("GET", f"{HERE}/acts?userId={vera.id}", who=mandy)
    assert [act["action"] for act in acts] == ["unban", "ban", "timeout"]
    card = await site.data("GET", f"{HERE}/users/vera", who=mandy)
    assert (card["history"]["banCount"], card["history"]["timeoutCount"]) == (1, 1)
    assert (await site.data("GET", f"{HERE}/users/{vera.id}", who=vera))["history"] is None
    for body in ({"userId": vera.id, "durationS": 0}, {"userId": vera.id, "durationS": 60, "for": 1}):
        status, envelope = await site.call("POST", f"{HERE}/timeouts", body, who=mandy)
        assert (status, envelope["error"]["code"]) == (400, "INVALID_REQUEST")


async def test_a_request_with_a_key_is_obeyed_once(site: Site) -> None:
    who = await people(site)
    alice = await site.data("GET", "/channels/alice")
    headers = {"Idempotency-Key": "once"}
    for _ in range(3):
        status, _ = await site.call(
            "POST", f"{HERE}/announcements", {"content": "Hi"}, who=who["mandy"], headers=headers
        )
        assert status == 201
        await site.call("POST", f"{HERE}/clear", who=who["mandy"], headers=headers)
    assert await log_of(site, alice["id"]) == ["role_changed", "announcement", "clear_chat"]
    status, envelope = await site.call("POST", f"{HERE}/clear", who=who["mandy"], headers={"Idempotency-Key": "a b"})
    assert (status, envelope["error"]["code"]) == (400, "INVALID_REQUEST")


async def test_settings_hold_and_their_terms_are_not_for_everybody(site: Site) -> None:
    who = await people(site)
    settings = await site.data("PATCH", f"{HERE}/settings", {"slowMode": 9, "blockedTerms": ["bad*"]}, who=who["mandy"])
    assert (settings["slowMode"], settings["blockedTerms"], settings["heldTerms"]) == (9, ["bad*"], [])
    assert await site.data("GET", f"{HERE}/settings", who=who["alice"]) == settings
    seen = settings | {"blockedTerms": None, "heldTerms": None}
    assert await site.data("GET", f"{HERE}/settings", who=who["vera"]) == seen
    assert await site.data("GET", f"{HERE}/settings") == seen
    for body in ({"slowMode": 3601}, {"blockedTerms": ["*"]}, {"blockedTerms": [""]}, {"nothing": 1}):
        status, envelope = await site.call("PATCH", f"{HERE}/settings", body, who=who["mandy"])
        assert (status, envelope["error"]["code"]) == (400, "INVALID_REQUEST"), body


async def test_a_message_waits_is_approved_reported_pinned_and_taken_away(site: Site) -> None:
    """What a message goes through, from the chat's own mouth to the moderators' lists."""
    who = await people(site)
    mandy, vera = who["mandy"], who["vera"]
    await site.data("PATCH", f"{HERE}/settings", {"holdFirst": True}, who=mandy)
    sent = await site.data("POST", f"{HERE}/messages", {"content": "my first", "idempotencyKey": "k"}, who=vera)
    assert sent["messageId"] is None
    (held,) = await site.data("GET", f"{HERE}/held", who=mandy)
    assert (held["id"], held["username"], held["content"]) == (sent["heldId"], "vera", "my first")
    await site.data("POST", f"{HERE}/held/{held['id']}/approve", who=mandy)
    status, envelope = await site.call("POST", f"{HERE}/held/{held['id']}/deny", who=mandy)
    assert (status, envelope["error"]["code"]) == (409, "CONFLICT")
    assert await site.data("GET", f"{HERE}/held", who=mandy) == []
    async with asyncio.timeout(20):
        while not (said := await site.data("GET", f"{HERE}/messages")):
            await asyncio.sleep(0.05)
    (message,) = said
    assert (message["content"], message["userId"]) == ("my first", vera.id)

    report = {"userId": vera.id, "reason": "boring", "messageId": message["id"]}
    filed = await site.data("POST", f"{HERE}/reports", report, who=who["alice"])
    assert filed["message"]["content"] == "my first"
    assert (await site.call("POST", f"{HERE}/reports", report, who=who["alice"]))[0] == 409
    decided = await site.data("POST", f"{HERE}/reports/{filed['id']}/decide", {"outcome": "acted"}, who=mandy)
    assert (decided["outcome"], decided["decidedBy"]) == ("acted", "mandy")
    assert [each["id"] for each in await site.data("GET", f"{HERE}/reports", who=mandy)] == [filed["id"]]

    await site.data("PUT", f"{HERE}/pinned", {"messageId": message["id"], "durationS": 60}, who=mandy)
    await site.data("DELETE", f"{HERE}/messages/{message['id']}", who=mandy)
    assert (await site.call("DELETE", f"{HERE}/messages/{message['id']}", who=mandy))[0] in {200, 404}
    channel = (await site.data("GET", "/channels/alice"))["id"]
    expected = ["role_changed", "settings_changed", "message", "message_pinned", "message_deleted", "message_pinned"]
    assert await log_of(site, channel) == expected
    assert await site.data("GET", f"{HERE}/messages") == []


async def test_lists_are_shared_and_lists_have_pages(site: Site) -> None:
    who = await people(site)
    bob = await site.person("bobby")
    await site.channel("bobby", bob)
    offered = await site.data("PUT", f"{HERE}/ban-shares/bobby", who=who["alice"])
    assert (offered["fromName"], offered["toName"], offered["isAccepted"]) == ("alice", "bobby", False)
    accepted = await site.data("POST", "/channels/bobby/chat/ban-shares/alice/accept", who=bob)
    assert accepted["isAccepted"] is True
    for name in ("vera", "mandy", "adam"):
        await site.call("POST", f"{HERE}/bans", {"userId": who[name].id}, who=who["alice"])
    there = await site.data("GET", "/channels/bobby/chat/bans", who=bob)
    assert [each["username"] for each in there] == ["mandy", "vera"]  # an administrator is banned nowhere
    assert there[0]["sourceChannelId"] == offered["fromChannelId"]
    await site.data("DELETE", f"{HERE}/ban-shares/bobby?direction=from", who=who["alice"])
    assert len(await site.data("GET", f"{HERE}/ban-shares", who=who["alice"])) == 1
    await site.data("DELETE", f"{HERE}/ban-shares/bobby", who=who["alice"])
    assert await site.data("GET", "/channels/bobby/chat/ban-shares", who=bob) == []
    assert await site.data("GET", "/channels/bobby/chat/bans", who=bob) == []

    actions: list[str] = []
    cursor = ""
    while True:
        _, envelope = await site.call("GET", f"{HERE}/acts?limit=2{cursor}", who=who["alice"])
        actions += [act["action"] for act in envelope["data"]]
        if envelope["page"]["cursor"] is None:
            break
        cursor = f"&cursor={envelope['page']['cursor']}"
    assert actions == ["end", "ban", "ban", "offer", "grant"]
    _, first = await site.call("GET", f"{HERE}/bans?limit=1", who=who["alice"])
    _, second = await site.call("GET", f"{HERE}/bans?limit=1&cursor={first['page']['cursor']}", who=who["alice"])
    assert [each["data"][0]["username"] for each in (first, second)] == ["mandy", "vera"]
    assert second["page"]["cursor"] is None
    places = ("x", ["\0"], ["no id"], ["2026-01-01T00:00:00", "a"], [1 << 60, "a"], [-1, "a"], [True, "\0"])
    for path in ("acts", "held", "bans", "reports"):
        for place in places:
            status, _ = await site.call("GET", f"{HERE}/{path}?cursor={cursors.write(place)}", who=who["alice"])
            assert status == 400, (path, place)
    assert UserId(who["vera"].id) not in {each["userId"] for each in await site.data("GET", f"{HERE}/roles")}
