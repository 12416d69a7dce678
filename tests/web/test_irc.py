"""IRC clients of a whole web process: over TCP with the library `irc`, and over WebSockets, beside the event socket."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from irc.client import Event, ServerConnection
from irc.client_aio import AioReactor

from chat.irc import talk as talk_module
from tests.web.site import Person, Site, make_settings
from web.server import running

pytestmark = pytest.mark.services
WAIT_S = 20
ALL = "twitch.tv/tags twitch.tv/commands twitch.tv/membership"
GOODBYE = b":tmi.twitch.tv NOTICE * :This server is about to stop."
HEARD = (
    *("welcome", "join", "part", "pubmsg", "action", "pubnotice", "privnotice", "namreply", "endofnames", "disconnect"),
    *("userstate", "globaluserstate", "roomstate", "clearchat", "clearmsg", "usernotice", "reconnect", "cap"),
)


@pytest.fixture
def more_settings(free_port: Any) -> dict[str, object]:
    return {"irc_port": free_port(), "irc_host": "127.0.0.1"}


class Bot:
    """A program that uses the library `irc`."""

    def __init__(self) -> None:
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self.connection: ServerConnection = AioReactor(loop=asyncio.get_running_loop()).server()
        for kind in HEARD:
            self.connection.add_global_handler(kind, lambda _, event: self._events.put_nowait(event))

    async def connect(self, site: Site, nick: str, token: str = "", capabilities: str = ALL) -> "Bot":
        port = site.settings.irc_port
        await self.connection.connect("127.0.0.1", port, nick, password=f"oauth:{token}" if token else None)
        if capabilities:
            self.connection.cap("REQ", *capabilities.split())
        await self.hear("welcome")
        return self

    async def hear(self, *kinds: str) -> Event:
        """Skip to the next event of these kinds."""
        async with asyncio.timeout(WAIT_S):
            while (event := await self._events.get()).type not in kinds:
                pass
        return event

    async def join(self, channel: str) -> dict[str, str]:
        """Join and return the modes."""
        self.connection.join(channel)
        assert (await self.hear("join", "pubnotice")).type == "join"
        return tags(await self.hear("roomstate"))


def tags(event: Event) -> dict[str, str]:
    return {tag["key"]: tag["value"] or "" for tag in event.tags}


@contextlib.asynccontextmanager
async def bots() -> AsyncIterator[Any]:
    """Return what makes bots."""
    made: list[Bot] = []

    def make() -> Bot:
        made.append(Bot())
        return made[-1]

    try:
        yield make
    finally:
        for bot in made:
            bot.connection.disconnect()
        await asyncio.sleep(0)


async def _token(site: Site, who: Person, *scopes: str) -> str:
    body = {"name": "bot", "scopes": scopes or ("chat:read", "chat:write", "chat:moderate")}
    return str((await site.data("POST", "/tokens", body, who=who))["token"])


async def test_a_library_joins_speaks_answers_and_is_timed_out(site: Site) -> None:
    alice, bob = await site.person("alice"), await site.person("bob")
    channel = (await site.channel("news", alice))["id"]
    async with bots() as make, site.client.ws_connect(f"{site.base}/ws/chat") as page:
        await page.send_json({"type": "join", "channelId": channel})
        owner = await make().connect(site, "alice", await _token(site, alice))
        viewer = await make().connect(site, "bob", await _token(site, bob))
        plain = await make().connect(site, "justinfan1", capabilities="")
        assert tags(await viewer.hear("globaluserstate"))["user-id"] == bob.id
        assert (await owner.join("#news"))["room-id"] == channel
        modes = await viewer.join("#news")
        assert {name: modes[name] for name in ("slow", "subs-only", "followers-only", "emote-only", "r9k")} == {
            "slow": "0",
            "subs-only": "0",
            "followers-only": "-1",
            "emote-only": "0",
            "r9k": "0",
        }
        plain.connection.join("#news")
        await plain.hear("endofnames")

        viewer.connection.send_raw("@client-nonce=n1 PRIVMSG #news :hello tally")
        said = await owner.hear("pubmsg")
        told = tags(said)
        assert (said.source.nick, said.target, said.arguments) == ("bob", "#news", ["hello tally"])
        assert (told["user-id"], told["room-id"], told["display-name"]) == (bob.id, channel, "bob")
        state = tags(await viewer.hear("userstate", "pubmsg"))  # its own message does not come back
        assert (state["id"], state["client-nonce"]) == (told["id"], "n1")
        assert (await plain.hear("pubmsg")).arguments == ["hello tally"]
        message = await _event(page, "message")
        assert message["message"]["id"] == told["id"]

        viewer.connection.send_raw("@client-nonce=n1 PRIVMSG #news :hello tally")  # the same again: the same answer
        assert tags(await viewer.hear("userstate"))["id"] == told["id"]
        owner.connection.send_raw(f"@reply-parent-msg-id={told['id']} PRIVMSG #news :\x01ACTION waves\x01")
        answer = await viewer.hear("action", "pubmsg")
        assert (answer.type, answer.arguments) == ("action", ["waves"])
        assert tags(answer)["reply-parent-user-login"] == "bob"

        owner.connection.privmsg("#news", f"/delete {told['id']}")
        assert tags(await viewer.hear("clearmsg"))["target-msg-id"] == told["id"]
        owner.connection.privmsg("#news", ".timeout bob 600 spam")
        cleared = await viewer.hear("clearchat")
        notices = {tags(await owner.hear("pubnotice"))["msg-id"] for _ in range(2)}
        assert (notices, cleared.arguments) == ({"delete_message_success", "timeout_success"}, ["bob"])
        assert (tags(cleared)["ban-duration"], tags(cleared)["target-user-id"]) == ("600", bob.id)
        viewer.connection.privmsg("#news", "may I?")
        assert tags(await viewer.hear("pubnotice"))["msg-id"] == "msg_timedout"
        assert (await _event(page, "user_timed_out"))["username"] == "bob"

        owner.connection.privmsg("#news", "/slow 30")
        assert tags(await viewer.hear("roomstate")) == {"room-id": channel, "slow": "30"}
        assert tags(await viewer.hear("pubnotice"))["msg-id"] == "slow_on"
        owner.connection.privmsg("#news", "/announce read this")
        assert tags(await viewer.hear("usernotice"))["msg-id"] == "announcement"
        assert (await plain.hear("pubmsg")).arguments == ["read this"]


async def _event(page: aiohttp.ClientWebSocketResponse, kind: str) -> dict[str, Any]:
    async with asyncio.timeout(WAIT_S):
        while (event := await page.receive_json())["type"] != kind:
            pass
    found: dict[str, Any] = event
    return found


class Lines:
    """A client that writes and reads lines, over a WebSocket."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self._ws = ws
        self._lines: list[str] = []

    async def send(self, *lines: str) -> None:
        await self._ws.send_str("\r\n".join(lines))

    async def hear(self, words: str) -> str:
        """Skip to the next line with these words."""
        async with asyncio.timeout(WAIT_S):
            while True:
                while self._lines:
                    line = self._lines.pop(0)
                    if words in line:
                        return line
                message = await self._ws.receive()
                assert message.type is aiohttp.WSMsgType.TEXT, message
                assert message.data.endswith("\r\n")
                self._lines = message.data.splitlines()

    async def has_ended(self) -> bool:
        async with asyncio.timeout(WAIT_S):
            while (message := await self._ws.receive()).type is aiohttp.WSMsgType.TEXT:
                self._lines += message.data.splitlines()
        return message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)


@contextlib.asynccontextmanager
async def lines(site: Site, *first: str) -> AsyncIterator[Lines]:
    async with site.client.ws_connect(f"{site.base}/ws/irc", protocols=("irc",)) as ws:
        client = Lines(ws)
        await client.send(*first)
        yield client


async def test_a_client_over_websockets_reads_speaks_elsewhere_and_changes_its_capabilities(site: Site) -> None:
    alice = await site.person("alice")
    await site.channel("news", alice)
    await site.channel("other", bob := await site.person("bob"))
    token = await _token(site, alice)
    async with (
        lines(site, "NICK justinfan5", "JOIN #news,#other,#nothing") as guest,
        lines(site, f"PASS oauth:{token}", "NICK x", "CAP REQ :twitch.tv/tags twitch.tv/commands") as bot,
    ):
        assert await guest.hear("JOIN") == ":justinfan5!justinfan5@justinfan5.tmi.twitch.tv JOIN #news"
        assert (await guest.hear("#nothing")).startswith(":tmi.twitch.tv NOTICE #nothing :This channel does not exist")
        await bot.hear("001 alice")
        await bot.send("PRIVMSG #news :said without being there")
        await bot.hear("USERSTATE #news")
        assert await guest.hear("PRIVMSG") == (
            ":alice!alice@alice.tmi.twitch.tv PRIVMSG #news :said without being there"
        )
        await guest.send("CAP REQ :twitch.tv/tags")  # while it is in rooms: nothing is missed, nothing comes twice
        await guest.hear("ACK")
        await bot.send("PRIVMSG #news :second", "PART #other", "PRIVMSG #other :third")
        assert (await guest.hear("PRIVMSG")).startswith("@badge-info=;badges=broadcaster/1;")
        assert (await guest.hear("PRIVMSG")).endswith("PRIVMSG #other :third")
        await guest.send("PRIVMSG #news :me too")
        assert (await guest.hear("NOTICE")).startswith("@msg-id=no_permission ")
        await guest.send("PART #news")
        await guest.hear("PART #news")
        await site.data("PATCH", "/channels/other", {"visibility": "private"}, who=bob)
        await guest.hear("#other :You may not watch this channel any more.")
        await guest.hear("PART #other")


async def test_who_has_no_good_token_is_turned_away_and_who_loses_it_too(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talk_module, "RECHECK_S", 0.0)
    alice = await site.person("alice")
    await site.channel("news", alice)
    token = await _token(site, alice)
    async with lines(site, "PASS oauth:tally_wrong", "NICK alice", "JOIN #news") as wrong:
        await wrong.hear("NOTICE * :Login authentication failed")
        assert await wrong.has_ended()
    async with lines(site, f"PASS oauth:{token}", "NICK alice", "JOIN #news") as bot:
        await bot.hear("366")
        made = await site.data("GET", "/tokens", who=alice)
        await site.data("DELETE", f"/tokens/{made[0]['id']}", who=alice)
        await bot.send("PRIVMSG #news :am I still here?")
        await bot.hear("NOTICE * :Login authentication failed")
        assert await bot.has_ended()


async def test_a_process_that_stops_sends_its_clients_elsewhere(
    database_url: str, redis_url: str, free_port: Callable[[], int], tmp_path: Path
) -> None:
    ports = {name: free_port() for name in ("http_port", "internal_port", "irc_port")}
    settings = make_settings(database_url, redis_url, tmp_path, **ports)
    async with aiohttp.ClientSession() as client:
        async with running(settings) as process:
            reader, writer = await asyncio.open_connection("127.0.0.1", settings.irc_port)
            writer.write(b"CAP REQ twitch.tv/commands\r\nNICK justinfan6\r\n")
            while b" 376 " not in await asyncio.wait_for(reader.readline(), WAIT_S):
                pass
            ws = await client.ws_connect(f"{Site(process, client, settings).base}/ws/irc")
            other = await client.ws_connect(f"ws://127.0.0.1:{settings.irc_port}/")  # as tmi.js does
            for each in (ws, other):
                await each.send_str("NICK justinfan7")
                assert (await each.receive_str(timeout=WAIT_S)).splitlines()[-1].endswith(" 376 justinfan7 :>")
            async with client.get(f"http://127.0.0.1:{settings.irc_port}/") as page:
                assert page.status == 400
            listening = [asyncio.create_task(each.receive_str(timeout=WAIT_S)) for each in (ws, other)]
        assert (await reader.read()).splitlines() == [b":tmi.twitch.tv RECONNECT", GOODBYE]
        assert [text.encode().splitlines() for text in await asyncio.gather(*listening)] == [[GOODBYE]] * 2
        writer.close()
