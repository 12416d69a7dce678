"""Publishing from a page of the channel's owner."""

import pytest

from schemas.ids import SessionId, make_id
from schemas.ingest import PublishRequest
from tests.web.site import NODE, Json, Person, Site, health
from web.api.publish_tickets import LIFETIME_S
from web.store import streams

pytestmark = pytest.mark.services


async def publish(site: Site, ticket: str, protocol: str = "whip") -> tuple[int, Json]:
    request = PublishRequest(make_id(), 1, NODE, protocol, ticket, {}, "127.0.0.1", "browser")  # type: ignore[arg-type]
    return await site.callback("publish", request)


async def _ticket(site: Site) -> tuple[Person, str, str]:
    alice = await site.person("alice")
    channel = (await site.channel("news", alice))["id"]
    made = await site.data("POST", "/channels/news/publish-ticket", who=alice)
    return alice, channel, made["ticket"]


async def test_a_ticket_takes_the_place_of_the_key_over_whip(site: Site) -> None:
    _, channel, ticket = await _ticket(site)
    assert (await publish(site, ticket, "rtmp"))[0] == 403
    status, envelope = await publish(site, ticket)
    assert status == 200, envelope
    assert envelope["data"]["channelId"] == channel
    session = SessionId(envelope["data"]["sessionId"])
    assert await site.heartbeat(health(channel, session)) == []
    await site.running.services.pool.execute(f"UPDATE streams SET ended_at = now(), end_reason = '{streams.LOST}'")
    assert await site.heartbeat(health(channel, session)) == []


async def test_a_ticket_is_of_one_channel_and_whole(site: Site) -> None:
    alice, channel, ticket = await _ticket(site)
    await site.running.services.pool.execute("UPDATE users SET max_channels = 2")
    other = (await site.channel("other", alice))["id"]
    for wrong in (
        ticket.replace(channel, other),
        ticket[:-1],
        ticket + "x",
        "ticket_",
        f"ticket_{channel}.",
        ticket[7:],
    ):
        assert (await publish(site, wrong))[0] == 403


async def test_a_ticket_does_not_last(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, ticket = await _ticket(site)
    access = site.running.services.access
    later = access._wall() + LIFETIME_S
    monkeypatch.setattr(access, "_wall", lambda: later)
    assert (await publish(site, ticket))[0] == 403


async def test_only_owners_get_one(site: Site) -> None:
    await _ticket(site)
    bob = await site.person("bob")
    assert (await site.call("POST", "/channels/news/publish-ticket", who=bob))[0] == 403
    assert (await site.call("POST", "/channels/news/publish-ticket"))[0] == 401


async def test_an_address_that_opens_a_stream_is_no_ticket(site: Site) -> None:
    alice, channel, _ = await _ticket(site)
    await site.data("PATCH", "/channels/news", {"visibility": "private"}, who=alice)
    playback = await site.data("GET", "/channels/news/playback", who=alice)
    token = playback["playlistUrl"].split("/")[2].removeprefix("~")
    assert (await publish(site, f"ticket_{channel}.{token}"))[0] == 403
