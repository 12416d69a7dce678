"""What owners say of who may watch, and of recording: to the API, to ingest, to other visitors."""

import pytest

from schemas.ids import make_id
from schemas.ingest import INGEST_COMMANDS, Heartbeat
from schemas.socket import STREAM_EVENTS
from tests.web.api.test_streaming import Listener
from tests.web.site import NODE, Site, health

pytestmark = pytest.mark.services


async def test_a_change_reaches_the_running_session(site: Site) -> None:
    alice = await site.person("alice")
    await site.channel("news", alice)
    channel, session = await site.go_live(await site.key("news", alice))
    async with Listener(site, INGEST_COMMANDS) as commands, Listener(site, STREAM_EVENTS) as events:
        patched = await site.data("PATCH", "/channels/news", {"visibility": "subscribers"}, who=alice)
        assert await commands.next() == {"type": "visibility", "sessionId": session, "visibility": "subscribers"}
        assert await events.next() == {"type": "channel_updated", "channelId": channel}
    assert (patched["visibility"], patched["thumbnailUrl"]) == ("subscribers", "")
    beat = Heartbeat(make_id(), NODE, "http://10.0.0.1:8082", [health(channel, session)])
    _, envelope = await site.callback("heartbeat", beat)
    assert envelope["data"]["visibility"] == {session: "subscribers"}


async def test_a_publisher_is_told_what_the_channel_says(site: Site) -> None:
    alice = await site.person("alice")
    await site.channel("news", alice)
    key = await site.key("news", alice)
    await site.data("PATCH", "/channels/news", {"visibility": "private", "recording": False}, who=alice)
    _, envelope = await site.publish(key)
    assert (envelope["data"]["visibility"], envelope["data"]["isRecorded"]) == ("private", False)
    # The session stays what it began as; who may watch is what holds now.
    await site.data("PATCH", "/channels/news", {"visibility": "public", "recording": True}, who=alice)
    _, envelope = await site.publish(key)
    assert envelope["data"]["isRunning"] is True
    assert (envelope["data"]["visibility"], envelope["data"]["isRecorded"]) == ("public", False)


async def test_rules_of_recordings_are_kept_and_given_back(site: Site) -> None:
    alice = await site.person("alice")
    await site.channel("news", alice)
    body = {"vodVisibility": "followers", "keepDays": 14, "keepGb": 0}
    patched = await site.data("PATCH", "/channels/news", body, who=alice)
    assert {name: patched[name] for name in body} == body
    patched = await site.data("PATCH", "/channels/news", {"keepDays": None}, who=alice)
    assert (patched["keepDays"], patched["keepGb"], patched["vodVisibility"]) == (None, 0, "followers")


async def test_a_private_stream_is_in_nobody_elses_list(site: Site) -> None:
    alice, bob = await site.person("alice"), await site.person("bob")
    root = await site.person("root1", is_admin=True)
    await site.channel("news", alice)
    key = await site.key("news", alice)
    await site.data("PATCH", "/channels/news", {"visibility": "private"}, who=alice)
    assert len(await site.data("GET", "/channels", who=bob)) == 1
    await site.go_live(key)
    for path in ("/channels", "/channels?live=true"):
        seen = [len(await site.data("GET", path, who=who)) for who in (None, bob, alice, root)]
        assert seen == [0, 0, 1, 1]
