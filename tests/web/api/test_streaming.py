"""A stream from its key to its end, as owner, ingest node and viewers see it."""

import asyncio
from typing import Any

import msgspec
import pytest

from schemas.ids import NodeId, SessionId
from schemas.ingest import INGEST_COMMANDS, CutSession, PublishRequest
from schemas.socket import STREAM_EVENTS
from tests.web.site import NODE, Person, Site, health
from web.store import streams
from web.tokens import digest

pytestmark = pytest.mark.services
NOTHING = {"session": None, "test": None, "lastEnd": None}


async def _owner(site: Site) -> tuple[Person, str]:
    alice = await site.person("alice")
    await site.channel("news", alice)
    return alice, await site.key("news", alice)


class Listener:
    """What is said on a Redis channel."""

    def __init__(self, site: Site, channel: str) -> None:
        self._pubsub = site.running.services.redis.pubsub()
        self._channel = channel

    async def __aenter__(self) -> "Listener":
        await self._pubsub.subscribe(self._channel)
        confirmed = await self._pubsub.get_message(timeout=5)
        assert confirmed
        assert confirmed["type"] == "subscribe"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._pubsub.aclose()  # type: ignore[no-untyped-call]  # redis-py leaves it without types

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(5):
            while True:
                message = await self._pubsub.get_message(timeout=5)
                if message:
                    decoded: dict[str, Any] = msgspec.json.decode(message["data"])
                    return decoded


async def test_a_key_is_shown_once_and_stored_hashed(site: Site) -> None:
    alice, key = await _owner(site)
    assert key.startswith("live_")
    assert len(key) == 37
    info = await site.data("GET", "/channels/news/stream-key", who=alice)
    assert info["lastFour"] == key[-4:]
    assert key not in str(info)
    assert info["publish"] == {"rtmp": "rtmp://localhost/live", "rtmps": None, "srt": None, "whip": None}
    rows = await site.running.services.pool.fetch("SELECT * FROM stream_keys")
    assert [row["key_hash"] for row in rows] == [digest(key)]
    assert key not in str(rows)


async def test_a_channel_without_a_key_says_so(site: Site) -> None:
    alice = await site.person("alice")
    await site.channel("news", alice)
    info = await site.data("GET", "/channels/news/stream-key", who=alice)
    assert (info["lastFour"], info["createdAt"]) == (None, None)


async def test_a_stream_is_live_once_it_can_be_played(site: Site) -> None:
    _, key = await _owner(site)
    channel, session = await site.grant(key)
    async with Listener(site, STREAM_EVENTS) as events:
        await site.heartbeat(health(channel, session, is_playable=False))
        assert (await site.data("GET", "/channels/news/status"))["isLive"] is False
        await site.heartbeat(health(channel, session))
        event = await events.next()
    assert (event["type"], event["channelId"], event["sessionId"]) == ("stream_online", channel, session)
    status = await site.data("GET", "/channels/news/status")
    assert (status["isLive"], status["sessionId"], status["channelId"]) == (True, session, channel)
    assert status["startedAt"]
    assert (await site.data("GET", "/channels/news"))["isLive"] is True


async def test_going_live_is_said_once(site: Site) -> None:
    _, key = await _owner(site)
    channel, session = await site.grant(key)
    async with Listener(site, STREAM_EVENTS) as events:
        for _ in range(3):
            await site.heartbeat(health(channel, session))
        await site.unpublish(session)
        assert [(await events.next())["type"] for _ in range(2)] == ["stream_online", "stream_offline"]


async def test_the_end_of_what_was_never_on_the_air_is_no_news(site: Site) -> None:
    _, key = await _owner(site)
    async with Listener(site, STREAM_EVENTS) as events:
        _, session = await site.grant(key)
        await site.unpublish(session)
        await site.go_live(key)
        assert (await events.next())["type"] == "stream_online"


async def test_a_wrong_key_is_refused(site: Site) -> None:
    await _owner(site)
    status, envelope = await site.publish("live_" + "0" * 32)
    assert (status, envelope["error"]["code"]) == (403, "FORBIDDEN")
    status, envelope = await site.publish("")
    assert (status, envelope["error"]["code"]) == (403, "FORBIDDEN")


async def test_a_repeated_question_gets_the_same_grant(site: Site) -> None:
    _, key = await _owner(site)
    first = await site.publish(key, request_id="asked once")
    assert await site.publish(key, request_id="asked once", attempt=2) == first
    status, other = await site.publish(key, request_id="another")
    assert (status, other["data"]["isRunning"]) == (200, True)


async def test_a_channel_has_one_session_at_a_time(site: Site) -> None:
    _, key = await _owner(site)
    answers = await asyncio.gather(*(site.publish(key) for _ in range(4)))
    assert {status for status, _ in answers} == {200}
    grants = [envelope["data"] for _, envelope in answers]
    assert len({grant["sessionId"] for grant in grants}) == 1
    assert sorted(grant["isRunning"] for grant in grants) == [False, True, True, True]


async def test_a_channel_is_on_one_node_at_a_time(site: Site) -> None:
    _, key = await _owner(site)
    answers = await asyncio.gather(*(site.publish(key, node=NodeId(f"node-{number}")) for number in range(4)))
    assert sorted(status for status, _ in answers) == [200, 409, 409, 409]
    assert {envelope["error"]["code"] for status, envelope in answers if status == 409} == {"CONFLICT"}


OTHER = NodeId("node-2")


@pytest.mark.parametrize("params", [{"takeover": "1"}, {"priority": "6"}])
async def test_a_publisher_takes_over_from_another_node(site: Site, params: dict[str, str]) -> None:
    _, key = await _owner(site)
    _, session = await site.go_live(key, priority=5)
    for weaker in ({}, {"priority": "5"}, {"priority": "-1"}):
        assert (await site.publish(key, node=OTHER, params=weaker))[0] == 409
    async with Listener(site, INGEST_COMMANDS) as commands, Listener(site, STREAM_EVENTS) as events:
        _, second = await site.grant(key, node=OTHER, params=params)
        cut = msgspec.convert(await commands.next(), CutSession)
        assert (cut.session_id, cut.reason) == (session, "Another publisher of this channel has taken over.")
        assert (await events.next())["type"] == "stream_offline"
    assert await _open(site) == [second]


async def test_a_session_that_waits_yields_to_another_node(site: Site) -> None:
    _, key = await _owner(site)
    channel, session = await site.go_live(key)
    await site.heartbeat(health(channel, session, is_waiting=True))
    _, second = await site.grant(key, node=OTHER)
    assert second != session
    assert await _open(site) == [second]
    [cut] = await site.heartbeat(health(channel, session, is_waiting=True))
    assert cut["sessionId"] == session


async def test_a_priority_that_is_no_number_is_refused_in_words(site: Site) -> None:
    _, key = await _owner(site)
    for priority in ("high", "101", "1.5", "9" * 5000):
        status, envelope = await site.publish(key, params={"priority": priority})
        assert (status, envelope["error"]["code"]) == (403, "FORBIDDEN")
        assert envelope["error"]["message"] == "priority must be a whole number from -100 to 100."
    assert await _open(site) == []


async def test_viewers_hear_of_a_lost_publisher_and_of_his_return(site: Site) -> None:
    _, key = await _owner(site)
    channel, session = await site.go_live(key)
    waiting = health(channel, session, is_waiting=True, returns_until_ms=1_800_000_000_000)
    async with Listener(site, STREAM_EVENTS) as events:
        for report in (waiting, waiting, health(channel, session), health(channel, session), waiting):
            await site.heartbeat(report)
            if report is waiting:
                assert (await site.data("GET", "/channels/news/status"))["isReconnecting"] is True
        told = [await events.next() for _ in range(3)]
    assert [event["type"] for event in told] == ["stream_interrupted", "stream_resumed", "stream_interrupted"]
    assert told[0]["returnsUntil"] == 1_800_000_000_000
    assert {event["sessionId"] for event in told} == {session}
    assert (await site.data("GET", "/channels/news"))["isReconnecting"] is True
    await site.heartbeat(health(channel, session))
    assert (await site.data("GET", "/channels/news"))["isReconnecting"] is False


async def test_a_session_that_waits_is_cut_by_a_new_key_and_by_its_owner(site: Site) -> None:
    alice, key = await _owner(site)
    channel, session = await site.go_live(key)
    await site.heartbeat(health(channel, session, is_waiting=True))
    async with Listener(site, INGEST_COMMANDS) as commands:
        await site.key("news", alice)
        assert (await commands.next())["sessionId"] == session
    assert (await site.publish(key))[0] == 403
    [cut] = await site.heartbeat(health(channel, session, is_waiting=True))
    assert cut["reason"] == "The stream key was replaced."


async def test_a_bandwidth_test_is_granted_beside_a_stream_and_opens_nothing(site: Site) -> None:
    alice, key = await _owner(site)
    channel, session = await site.go_live(key)
    _, envelope = await site.publish(key, params={"bandwidthtest": "true"})
    grant = envelope["data"]
    assert (grant["isTest"], grant["isRunning"]) == (True, False)
    assert grant["sessionId"] != session
    assert await _open(site) == [session]
    assert (await site.publish("live_wrong", params={"bandwidthtest": "true"}))[0] == 403
    test = health(channel, SessionId(grant["sessionId"]), is_playable=False, is_test=True)
    assert await site.heartbeat(health(channel, session), test) == []
    shown = await site.data("GET", "/channels/news/ingest", who=alice)
    assert shown["session"]["sessionId"] == session
    assert (shown["test"]["sessionId"], shown["test"]["isTest"]) == (grant["sessionId"], True)
    await site.heartbeat(health(channel, session))
    shown = await site.data("GET", "/channels/news/ingest", who=alice)
    assert shown["test"]["publishers"][0]["bitrateBps"] == 4_000_000
    assert 0 < await site.running.services.redis.ttl(f"test:{channel}") <= 900


async def test_a_grant_says_what_the_channel_chose(site: Site) -> None:
    alice, key = await _owner(site)
    await site.data("PATCH", "/channels/news", {"ladder": "720p,480p"}, who=alice)
    _, envelope = await site.publish(key)
    assert envelope["data"]["ladder"] == "720p,480p"
    await site.data("PATCH", "/channels/news", {"ladder": None}, who=alice)
    _, envelope = await site.publish(key)
    assert envelope["data"]["ladder"] == "auto"


LIMITED = {"max_bitrate_kbps": 8000, "max_height": 1080, "max_duration_s": 3600, "ladder": "off"}


@pytest.mark.parametrize("more_settings", [LIMITED])
async def test_the_stricter_limit_counts(site: Site) -> None:
    _, key = await _owner(site)
    _, envelope = await site.publish(key)
    assert envelope["data"]["ladder"] == "off"
    assert envelope["data"]["limits"] == {
        "maxBitrateBps": 8_000_000,
        "maxHeight": 1080,
        "maxFrameRate": 0,
        "maxDurationS": 3600,
    }
    await site.running.services.pool.execute(
        "UPDATE channels SET max_bitrate_kbps = 6000, max_height = 2160, max_frame_rate = 30, max_duration_s = 0"
    )
    _, envelope = await site.publish(key)
    assert envelope["data"]["limits"] == {
        "maxBitrateBps": 6_000_000,
        "maxHeight": 1080,
        "maxFrameRate": 30,
        "maxDurationS": 3600,
    }


@pytest.mark.parametrize("more_settings", [{"max_streams": 2}])
async def test_an_instance_carries_so_many_streams(site: Site) -> None:
    alice = await site.person("alice")
    await site.running.services.pool.execute("UPDATE users SET max_channels = 10")
    names = [f"news{number}" for number in range(5)]
    for name in names:
        await site.channel(name, alice)
    all_keys = [await site.key(name, alice) for name in names]
    answers = await asyncio.gather(*(site.publish(key) for key in all_keys))
    assert sorted(status for status, _ in answers) == [200, 200, 409, 409, 409]
    refused = next(envelope for status, envelope in answers if status == 409)
    assert refused["error"]["message"] == "This server carries 2 streams, the most that it may at a time."
    granted = [key for key, (status, _) in zip(all_keys, answers, strict=True) if status == 200]
    assert (await site.publish(granted[0]))[0] == 200  # a publisher that comes back is no other stream
    assert (await site.publish(all_keys[0], params={"bandwidthtest": "1"}))[0] == 200


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("publisher sent deleteStream", "Publisher sent deleteStream."),
        ("The stream has 9.2 Mbit/s; at most 6.0 Mbit/s may be sent here.", None),
        ("lost", "The ingest server was not heard of any more."),
    ],
)
async def test_the_owner_reads_why_the_last_stream_ended(site: Site, reason: str, words: str | None) -> None:
    alice, key = await _owner(site)
    _, session = await site.go_live(key)
    await site.unpublish(session, reason)
    end = (await site.data("GET", "/channels/news/ingest", who=alice))["lastEnd"]
    assert end["reason"] == (words or reason)
    assert end["endedAt"].endswith("Z")
    await site.go_live(key)
    assert (await site.data("GET", "/channels/news/ingest", who=alice))["lastEnd"] == end


async def test_a_dead_nodes_session_gives_way(site: Site) -> None:
    _, key = await _owner(site)
    _, session = await site.go_live(key)
    await _age(site, seen_s=16)
    async with Listener(site, STREAM_EVENTS) as events:
        _, second = await site.grant(key, node=NodeId("node-2"))
        event = await events.next()
    assert (event["type"], event["sessionId"]) == ("stream_offline", session)
    assert second != session
    assert await _open(site) == [second]


async def test_the_end_of_a_stream_can_be_said_twice(site: Site) -> None:
    _, key = await _owner(site)
    channel, session = await site.go_live(key)
    async with Listener(site, STREAM_EVENTS) as events:
        assert await site.unpublish(session) == 200
        assert await site.unpublish(session) == 200
        event = await events.next()
    assert (event["type"], event["channelId"], event["sessionId"]) == ("stream_offline", channel, session)
    status = await site.data("GET", "/channels/news/status")
    assert (status["isLive"], status["sessionId"], status["startedAt"]) == (False, None, None)
    row = await site.running.services.pool.fetchrow("SELECT * FROM streams")
    assert row
    assert row["end_reason"] == "publisher left"


async def test_another_node_can_not_end_a_session(site: Site) -> None:
    _, key = await _owner(site)
    _, session = await site.grant(key, node=NodeId("node-2"))
    assert await site.unpublish(session) == 200
    assert await _open(site) == [session]


async def test_a_new_key_cuts_the_publisher_and_ends_the_old_key(site: Site) -> None:
    alice, key = await _owner(site)
    _, session = await site.go_live(key)
    async with Listener(site, INGEST_COMMANDS) as commands, Listener(site, STREAM_EVENTS) as events:
        new = await site.key("news", alice)
        command = await commands.next()
        assert (await events.next())["type"] == "stream_offline"
    assert msgspec.convert(command, CutSession).session_id == session
    assert (await site.data("GET", "/channels/news/status"))["isLive"] is False
    assert (await site.publish(key))[0] == 403
    assert (await site.publish(new))[0] == 200


async def test_a_cut_that_got_lost_is_repeated_to_heartbeats(site: Site) -> None:
    alice, key = await _owner(site)
    channel, session = await site.go_live(key)
    await site.key("news", alice)
    (cut,) = await site.heartbeat(health(channel, session))
    assert (cut["sessionId"], cut["reason"]) == (session, "The stream key was replaced.")
    (cut,) = await site.heartbeat(health(channel, SessionId("unknown")))
    assert cut["sessionId"] == "unknown"


async def test_rotations_and_publishes_at_once_leave_no_stream_on_an_old_key(site: Site) -> None:
    alice, key = await _owner(site)
    for _ in range(25):
        (first, _), new, (second, _) = await asyncio.gather(
            site.publish(key), site.key("news", alice), site.publish(key)
        )
        assert {first, second} <= {200, 403, 409}
        assert await _open(site) == []
        key = new


async def test_a_rotation_waits_for_a_publish_that_has_found_its_key(site: Site) -> None:
    alice, key = await _owner(site)
    pool = site.running.services.pool
    request = PublishRequest("r1", 1, NODE, "rtmp", key, {}, "203.0.113.9")
    async with pool.acquire() as connection:
        async with connection.transaction():
            await connection.execute("SELECT 1 FROM stream_keys WHERE revoked_at IS NULL FOR SHARE")
            rotating = asyncio.create_task(site.key("news", alice))
            await asyncio.wait([rotating], timeout=0.3)
            assert not rotating.done()
            # the new row refers to the channel, whose row the rotation has locked: they must not wait for each other
            async with asyncio.timeout(5):
                opened = await streams.open_(connection, request, digest(key), streams.Terms())
            assert isinstance(opened, streams.Opened)
        await rotating
    assert await _open(site) == []


async def test_the_owner_takes_the_stream_off_the_air(site: Site) -> None:
    alice, key = await _owner(site)
    status, envelope = await site.call("POST", "/channels/news/go-offline", who=alice)
    assert (status, envelope["error"]["code"]) == (409, "NO_PUBLISHER")
    channel, session = await site.go_live(key)
    async with Listener(site, INGEST_COMMANDS) as commands:
        done = await site.data("POST", "/channels/news/go-offline", who=alice)
        assert (await commands.next())["sessionId"] == session
    assert done == {"channelId": channel, "isLive": False}


async def test_an_encoder_that_connects_again_by_itself_does_not_undo_the_owners_stop(site: Site) -> None:
    alice, key = await _owner(site)
    await site.go_live(key)
    await site.data("POST", "/channels/news/go-offline", who=alice)
    status, envelope = await site.publish(key)
    assert (status, envelope["error"]["code"]) == (403, "FORBIDDEN")
    assert "ended by its owner" in envelope["error"]["message"]
    await site.running.services.pool.execute("UPDATE streams SET ended_at = ended_at - interval '10 seconds'")
    assert (await site.publish(key))[0] == 200


async def test_sessions_that_a_node_no_longer_lists_have_ended(site: Site) -> None:
    _, key = await _owner(site)
    _, session = await site.go_live(key)
    assert await site.heartbeat() == []
    assert await _open(site) == [session]  # a young one may still be on its way into the list
    await _age(site, started_s=11)
    async with Listener(site, STREAM_EVENTS) as events:
        await site.heartbeat(node=NodeId("node-2"), origin_url="http://10.0.0.2:8082")
        assert await _open(site) == [session]
        await site.heartbeat()
        assert (await events.next())["type"] == "stream_offline"
    assert await _open(site) == []


async def test_a_restarted_node_ends_what_its_predecessor_ran(site: Site) -> None:
    _, key = await _owner(site)
    await site.go_live(key)
    assert (await site.publish(key, node=NodeId("node-2")))[0] == 409
    await site.heartbeat(node=NodeId("node-2"))
    assert await _open(site) == []
    assert (await site.publish(key, node=NodeId("node-2")))[0] == 200


async def test_a_stream_given_up_as_lost_comes_back_with_its_heartbeat(site: Site) -> None:
    alice, key = await _owner(site)
    channel, session = await site.go_live(key)
    pool = site.running.services.pool
    await pool.execute("UPDATE streams SET ended_at = now(), end_reason = 'lost'")
    async with Listener(site, STREAM_EVENTS) as events:
        assert await site.heartbeat(health(channel, session)) == []
        assert (await events.next())["type"] == "stream_online"
    assert await _open(site) == [session]
    await pool.execute("UPDATE streams SET ended_at = now(), end_reason = 'lost'")
    await site.key("news", alice)
    assert [cut["sessionId"] for cut in await site.heartbeat(health(channel, session))] == [session]


async def test_a_lost_stream_whose_place_was_taken_stays_ended(site: Site) -> None:
    _, key = await _owner(site)
    channel, first = await site.go_live(key)
    await _age(site, seen_s=16)
    _, second = await site.grant(key, node=NodeId("node-2"))
    assert [cut["sessionId"] for cut in await site.heartbeat(health(channel, first))] == [first]
    assert await _open(site) == [second]


async def test_the_owner_sees_how_the_stream_arrives(site: Site) -> None:
    alice, key = await _owner(site)
    assert await site.data("GET", "/channels/news/ingest", who=alice) == NOTHING
    channel, session = await site.grant(key)
    assert await site.data("GET", "/channels/news/ingest", who=alice) == NOTHING
    await site.heartbeat(health(channel, session, is_playable=False))
    shown = (await site.data("GET", "/channels/news/ingest", who=alice))["session"]
    assert (shown["sessionId"], shown["isPlayable"], shown["video"]["codec"]) == (session, False, "avc1.64001f")
    await site.unpublish(session)
    shown = await site.data("GET", "/channels/news/ingest", who=alice)
    assert (shown["session"], shown["lastEnd"]["reason"]) == (None, "Publisher left.")


async def _age(site: Site, *, seen_s: int = 0, started_s: int = 0) -> None:
    await site.running.services.pool.execute(
        "UPDATE streams SET seen_at = seen_at - $1 * interval '1 second',"
        " started_at = started_at - $2 * interval '1 second'",
        seen_s,
        started_s,
    )


async def _open(site: Site) -> list[SessionId]:
    rows = await site.running.services.pool.fetch("SELECT id FROM streams WHERE ended_at IS NULL")
    return [SessionId(row["id"]) for row in rows]
