"""Timed metadata from a program to the ingest node."""

import pytest

from schemas.ingest import INGEST_COMMANDS
from tests.web.api.test_streaming import Listener
from tests.web.site import Person, Site, health
from web.api.metadata import METADATA_BY_CHANNEL

pytestmark = pytest.mark.services

PATH = "/channels/news/metadata"


async def _live(site: Site) -> tuple[Person, str]:
    alice = await site.person("alice")
    await site.channel("news", alice)
    channel, session = await site.grant(await site.key("news", alice))
    await site.heartbeat(health(channel, session))
    return alice, session


async def test_metadata_goes_to_the_running_session(site: Site) -> None:
    alice, session = await _live(site)
    body = {"data": {"SCORE": "2:1 ü", "HALF": "2"}, "className": "com.example.score", "durationMs": 5000}
    async with Listener(site, INGEST_COMMANDS) as commands:
        added = await site.data("POST", PATH, body, who=alice)
        command = await commands.next()
    assert command == {
        "type": "metadata",
        "sessionId": session,
        "cueId": added["id"],
        "className": "com.example.score",
        "durationMs": 5000,
        "fields": {"SCORE": "2:1 ü", "HALF": "2"},
    }


async def test_each_has_an_id_of_its_own_and_a_class(site: Site) -> None:
    alice, _ = await _live(site)
    async with Listener(site, INGEST_COMMANDS) as commands:
        ids = [(await site.data("POST", PATH, {"data": {"A": "1"}}, who=alice))["id"] for _ in range(2)]
        command = await commands.next()
    assert len(set(ids)) == 2
    assert (command["className"], command["durationMs"]) == ("com.tallylight.metadata", None)


async def test_a_channel_that_is_not_live_has_no_players(site: Site) -> None:
    alice = await site.person("alice")
    await site.channel("news", alice)
    status, envelope = await site.call("POST", PATH, {"data": {"A": "1"}}, who=alice)
    assert (status, envelope["error"]["code"]) == (409, "NO_PUBLISHER")
    await site.grant(await site.key("news", alice))  # publishes, but nothing can be played yet
    status, envelope = await site.call("POST", PATH, {"data": {"A": "1"}}, who=alice)
    assert (status, envelope["error"]["code"]) == (409, "NO_PUBLISHER")


async def test_only_the_owner_may(site: Site) -> None:
    await _live(site)
    bob = await site.person("bob")
    assert (await site.call("POST", PATH, {"data": {"A": "1"}}, who=bob))[0] == 403
    assert (await site.call("POST", PATH, {"data": {"A": "1"}}))[0] == 401


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"data": {}},
        {"data": {"lower": "1"}},
        {"data": {"A": "line\nbreak"}},
        {"data": {"A": 'a "quote"'}},
        {"data": {"A": "x" * 501}},
        {"data": {f"KEY-{number}": "x" for number in range(17)}},
        {"data": {"A": "1"}, "durationMs": -1},
        {"data": {"A": "1"}, "className": "with space"},
        {"data": {"A": "1"}, "startDate": "2023-01-01T00:00:00Z"},
    ],
)
async def test_what_no_playlist_can_carry_is_refused(site: Site, body: dict[str, object]) -> None:
    alice, _ = await _live(site)
    status, envelope = await site.call("POST", PATH, body, who=alice)
    assert (status, envelope["error"]["code"]) == (400, "INVALID_REQUEST")


async def test_ten_a_second_are_taken(site: Site) -> None:
    alice, _ = await _live(site)
    answers = [await site.call("POST", PATH, {"data": {"A": "1"}}, who=alice) for _ in range(25)]
    refused = [envelope for status, envelope in answers if status == 429]
    assert refused  # 25 take less than two seconds
    assert sum(status == 202 for status, _ in answers) >= METADATA_BY_CHANNEL.attempts
    assert all(envelope["error"]["retryAfterMs"] >= 1000 for envelope in refused)
