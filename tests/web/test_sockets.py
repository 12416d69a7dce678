"""The event socket of a whole web process, with real Redis and PostgreSQL."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest

from chat.rooms.formats import RoomEvent
from chat.sockets import conversation, handler, session
from config.embedded import EmbeddedValkey
from tests.web.site import Person, Site, health, make_settings
from web.server import running

pytestmark = pytest.mark.services
WAIT_S = 10


class Page:
    """A browser's end of the socket."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws

    async def say(self, **message: object) -> None:
        await self.ws.send_str(json.dumps(message))

    async def hear(self) -> dict[str, Any]:
        message = await self.ws.receive(timeout=WAIT_S)
        assert message.type is aiohttp.WSMsgType.TEXT, message
        decoded: dict[str, Any] = json.loads(message.data)
        return decoded

    async def hear_tick(self) -> list[dict[str, Any]]:
        """Of a socket that was opened with `?batch=1`."""
        message = await self.ws.receive(timeout=WAIT_S)
        assert message.type is aiohttp.WSMsgType.TEXT, message
        decoded: list[dict[str, Any]] = json.loads(message.data)
        return decoded

    async def hear_type(self, kind: str) -> dict[str, Any]:
        """Skip to the next message of that type."""
        while (message := await self.hear())["type"] != kind:
            pass
        return message

    async def join(self, channel: str, **more: object) -> dict[str, Any]:
        await self.say(type="join", channelId=channel, **more)
        return await self.hear()

    async def closed_with(self) -> int | None:
        while not self.ws.closed:
            await self.ws.receive(timeout=WAIT_S)
        return self.ws.close_code


@asynccontextmanager
async def page(site: Site, query: str = "", **headers: str) -> AsyncIterator[Page]:
    async with site.client.ws_connect(f"{site.base}/ws/chat{query}", headers=headers) as ws:
        yield Page(ws)


async def _live_channel(site: Site) -> tuple[Person, str, str]:
    alice = await site.person("alice")
    channel = await site.channel("news", alice)
    return alice, channel["id"], await site.key("news", alice)


async def test_a_page_hears_of_a_stream_from_its_beginning_to_its_end(site: Site) -> None:
    alice, channel, key = await _live_channel(site)
    async with page(site) as one:
        joined = await one.join(channel)
        assert (joined["type"], joined["isLive"], joined["sessionId"]) == ("joined", False, None)
        _, session = await site.go_live(key)
        online = await one.hear_type("stream_online")
        assert (online["channelId"], online["sessionId"]) == (channel, session)
        await site.data("PATCH", "/channels/news", {"title": "New"}, who=alice)
        assert (await one.hear_type("channel_updated"))["channelId"] == channel
        async with page(site) as two:
            joined = await two.join(channel)
            assert (joined["isLive"], joined["sessionId"]) == (True, session)
            assert joined["startedAt"].endswith("Z")
            await site.unpublish(session)
            assert (await two.hear_type("stream_offline"))["sessionId"] == session
        assert (await one.hear_type("stream_offline"))["sessionId"] == session


async def test_a_page_hears_that_the_publisher_is_away_and_when_he_is_back(site: Site) -> None:
    _, channel, key = await _live_channel(site)
    _, session = await site.go_live(key)
    async with page(site) as one:
        assert (await one.join(channel))["isReconnecting"] is False
        await site.heartbeat(health(channel, session, is_waiting=True, returns_until_ms=1_800_000_000_000))
        event = await one.hear_type("stream_interrupted")
        assert (event["sessionId"], event["returnsUntil"]) == (session, 1_800_000_000_000)
        async with page(site) as two:
            assert (await two.join(channel))["isReconnecting"] is True
        await site.heartbeat(health(channel, session))
        assert (await one.hear_type("stream_resumed"))["sessionId"] == session


async def test_leaving_ends_the_events(site: Site) -> None:
    _, channel, key = await _live_channel(site)
    async with page(site) as one:
        await one.join(channel)
        await one.say(type="leave", channelId=channel)
        await one.say(type="ping")
        assert await one.hear() == {"type": "pong"}
        await site.go_live(key)
        await one.say(type="ping")
        assert await one.hear() == {"type": "pong"}


async def test_what_is_said_reaches_everybody_once_also_who_was_away(site: Site) -> None:
    alice, channel, _ = await _live_channel(site)
    bob = await site.person("bob")
    async with page(site, **alice.headers) as author, page(site, "?batch=1") as reader:
        assert (await author.join(channel))["you"]["role"] == "broadcaster"
        await reader.say(type="join", channelId=channel)
        await reader.hear_tick()
        async with page(site, **bob.headers) as away:
            place = await away.join(channel)
        for number in range(3):
            await author.say(type="message", channelId=channel, content=f"hello {number}", idempotencyKey=f"k{number}")
            assert (await author.hear_type("ack"))["idempotencyKey"] == f"k{number}"
        heard: list[dict[str, Any]] = []
        while len(heard) < 3:
            heard += [event for event in await reader.hear_tick() if event["type"] == "message"]
        assert [event["message"]["content"] for event in heard] == ["hello 0", "hello 1", "hello 2"]
        async with page(site, **bob.headers) as back:
            joined = await back.join(channel, lastSeq=place["lastSeq"], epoch=place["epoch"])
            assert joined["isResumed"] is True
            assert [await back.hear() for _ in heard] == heard


async def test_who_may_not_watch_any_more_is_told_and_hears_nothing(site: Site) -> None:
    alice, channel, _ = await _live_channel(site)
    async with page(site, **alice.headers) as owner, page(site) as stranger:
        await owner.join(channel)
        await stranger.join(channel)
        await site.data("PATCH", "/channels/news", {"visibility": "private"}, who=alice)
        error = await stranger.hear_type("error")
        assert (error["code"], error["channelId"]) == ("FORBIDDEN", channel)
        assert (await stranger.join(channel))["code"] == "FORBIDDEN"
        await owner.say(type="message", channelId=channel, content="a secret", idempotencyKey="k")
        assert (await owner.hear_type("message"))["message"]["content"] == "a secret"
        await stranger.say(type="ping")
        assert await stranger.hear() == {"type": "pong"}


async def test_an_unknown_channel_is_refused_and_the_socket_stays(site: Site) -> None:
    async with page(site) as one:
        for name in ("nothing", "x" * 100, "a\u0000b"):
            error = await one.join(name)
            assert (error["type"], error["code"]) == ("error", "NOT_FOUND")
        await one.say(type="ping")
        assert await one.hear() == {"type": "pong"}


async def test_no_ticket_is_good(site: Site) -> None:
    async with page(site, "?token=anything") as one:
        assert await one.closed_with() == conversation.UNAUTHORIZED


async def test_a_cookie_opens_the_socket_for_our_own_pages_only(site: Site) -> None:
    alice = await site.person("alice")
    cookie = f"session={alice.token}"
    async with page(site, Cookie=cookie, Origin=site.base) as one:
        await one.say(type="ping")
        assert await one.hear() == {"type": "pong"}
    for origin in ({}, {"Origin": "https://evil.example"}):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with page(site, Cookie=cookie, **origin):
                pass
        assert refused.value.status == 403


async def test_a_request_that_is_no_socket_is_refused(site: Site) -> None:
    async with site.client.get(f"{site.base}/ws/chat") as response:
        assert (response.status, (await response.json())["error"]["code"]) == (400, "INVALID_REQUEST")


async def test_too_long_and_binary_messages_are_refused_and_the_socket_stays(site: Site) -> None:
    async with page(site) as one:
        long = json.dumps({"type": "message", "content": "x" * session.MESSAGE_MAX, "idempotencyKey": "k1"})
        await one.ws.send_str(long)
        error = await one.hear()
        assert (error["code"], error["idempotencyKey"]) == ("PAYLOAD_TOO_LARGE", "k1")
        await one.ws.send_bytes(b'{"type":"ping"}')
        assert (await one.hear())["code"] == "INVALID_REQUEST"
        await one.ws.send_str("{")
        assert (await one.hear())["code"] == "PARSE_ERROR"
        await one.say(type="ping")
        assert await one.hear() == {"type": "pong"}
        await one.ws.send_str("x" * (session.FRAME_MAX + 1))
        assert await one.closed_with() == aiohttp.WSCloseCode.MESSAGE_TOO_BIG


async def test_a_flood_is_refused_and_then_closed(site: Site) -> None:
    async with page(site) as one:
        for _ in range(300):
            await one.say(type="ping")
        assert (await one.hear_type("error"))["code"] == "RATE_LIMITED"
        assert await one.closed_with() == 1008


@pytest.mark.parametrize("more_settings", [{"chat_sockets": 1}])
async def test_a_process_holds_so_many_sockets(site: Site) -> None:
    async with page(site) as one:
        await one.say(type="ping")
        await one.hear()
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with page(site):
                pass
        assert refused.value.status == 503


async def test_a_failure_of_ours_closes_the_socket_with_its_code(site: Site) -> None:
    hub = site.running.hub
    assert hub

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    hub.join = fail  # type: ignore[method-assign, assignment]  # no input is known that fails
    async with page(site) as one:
        await one.say(type="join", channelId="abc")
        assert await one.closed_with() == aiohttp.WSCloseCode.INTERNAL_ERROR


async def test_closed_sockets_leave_nothing_behind(site: Site) -> None:
    _, channel, _ = await _live_channel(site)
    hub = site.running.hub
    assert hub
    async with page(site) as one:
        await one.join(channel)
        assert list(hub.rooms) == [channel]
    async with asyncio.timeout(WAIT_S):
        while hub.rooms:
            await asyncio.sleep(0.01)
    assert site.running.services.metrics.registry.get_sample_value("tally_web_sockets") == 0


async def test_a_reader_that_stands_still_is_dropped(site: Site) -> None:
    _, channel, _ = await _live_channel(site)
    hub = site.running.hub
    assert hub
    async with page(site) as one:
        await one.join(channel)
        connection = one.ws._response.connection
        assert connection is not None
        transport = cast(asyncio.Transport, connection.transport)
        transport.pause_reading()
        for _ in range(400):
            if (room := hub.rooms.get(channel)) is None:  # type: ignore[call-overload]  # plain text
                break
            room.add(RoomEvent(channel, "noise", b" " * 0x8000))  # type: ignore[arg-type]
            hub.flusher.note(room)
            await asyncio.sleep(0.02)
        assert not hub.rooms
        transport.abort()
    dropped = site.running.services.metrics.registry.get_sample_value(
        "tally_web_sockets_dropped_total", {"why": "slow reader"}
    )
    assert dropped == 1


async def test_when_redis_comes_back_rooms_are_told_what_they_missed(
    database_url: str, redis_url: str, redis_server: EmbeddedValkey, free_port: Callable[[], int], tmp_path: Path
) -> None:
    settings = make_settings(database_url, redis_url, tmp_path, http_port=free_port(), internal_port=free_port())
    async with (
        running(settings) as process,
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client,
    ):
        site = Site(process, client, settings)
        _, channel, key = await _live_channel(site)
        async with page(site) as one:
            await one.join(channel)
            _, session = await site.grant(key)
            await site.heartbeat(health(channel, session, is_playable=False))
            assert process.hub
            await process.services.redis.client_kill_filter(_type="pubsub")
            # as if the event had been published while nobody was subscribed
            await process.services.pool.execute("UPDATE streams SET live_at = now()")
            online = await one.hear_type("stream_online")
            assert online["sessionId"] == session


async def test_a_process_that_stops_sends_its_sockets_elsewhere(
    database_url: str, redis_url: str, free_port: Callable[[], int], tmp_path: Path
) -> None:
    settings = make_settings(database_url, redis_url, tmp_path, http_port=free_port(), internal_port=free_port())
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client:
        async with running(settings) as process:
            site = Site(process, client, settings)
            ws = await client.ws_connect(f"{site.base}/ws/chat")
            one = Page(ws)
            await one.say(type="ping")
            await one.hear()
            listening = asyncio.create_task(_until_closed(one))
        heard, code = await listening
    assert [message["type"] for message in heard] == ["reconnect"]
    assert 0 <= heard[0]["afterMs"] < handler.SPREAD_MS
    assert code == aiohttp.WSCloseCode.GOING_AWAY


async def _until_closed(one: Page) -> tuple[list[dict[str, Any]], int | None]:
    heard = []
    while (message := await one.ws.receive(timeout=WAIT_S)).type is aiohttp.WSMsgType.TEXT:
        heard.append(json.loads(message.data))
    return heard, one.ws.close_code
