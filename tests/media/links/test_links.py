"""Claims of media.links: both ends joined over a real socket."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from media.feeds import Feeds
from media.links import server as server_module
from media.links.client import FeedLost, NoSuchFeed, RemotePublication, open_feed, publish
from media.links.messages import Break, Configure, Ended, FromFeed, Media, Shown, Tracks
from media.links.server import LOST, Links
from media.metrics import LinksCollector
from media.origin import make_runner
from media.packets import CodecConfig, Packet, TrackKind
from media.publication import Description, Note, PublishAttempt, RefusalKind, Refused, Unavailable, WrongChannel
from media.publisher import Publisher
from schemas.ids import ChannelId, SessionId
from schemas.ingest import NetworkHealth, PublishGrant
from tests.media.material import AUDIO_CONFIG, SESSION, VIDEO_CONFIG

pytestmark = pytest.mark.services

GRANT = PublishGrant(ChannelId("c1"), "demo", SESSION)
ATTEMPT = PublishAttempt("whip", "good", {}, "192.0.2.7", "test")
NETWORK = NetworkHealth(rtt_ms=12.5, received_packets=100, lost_packets=3, recovered_packets=2, dropped_packets=1)


def picture(number: int, *, key: bool = False, size: int = 100) -> Packet:
    return Packet(TrackKind.VIDEO, number * 3000, number * 3000, key, bytes(size))


def sound(number: int) -> Packet:
    return Packet(TrackKind.AUDIO, number * 1024, number * 1024, True, b"aac")


class Seat:
    """Remembers what its publisher says."""

    def __init__(self) -> None:
        self.said: list[object] = []
        self.left: asyncio.Queue[tuple[str, bool]] = asyncio.Queue()

    def configure(self, publisher: Publisher, config: CodecConfig) -> None:
        self.said.append(config)

    def take(self, publisher: Publisher, packet: Packet, now: float) -> None:
        self.said.append(packet)

    def describe(self, publisher: Publisher, description: Description) -> None:
        self.said.append(description)

    def annotate(self, publisher: Publisher, note: Note) -> None:
        self.said.append(note)

    def leave(self, publisher: Publisher, reason: str, now: float, *, is_lost: bool) -> None:
        self.left.put_nowait((reason, is_lost))

    def is_urgent(self, publisher: Publisher) -> bool:
        return False


class House:
    """Takes publishers by their keys, and has one session's feeds."""

    def __init__(self) -> None:
        self.feeds = Feeds(SESSION, ChannelId("c1"), "demo", "followers")
        self.seat = Seat()
        self.publishers: list[Publisher] = []
        self.attempts: list[PublishAttempt] = []

    async def open(self, attempt: PublishAttempt, on_cut: Callable[[str], None], channel: str = "") -> Publisher:
        self.attempts.append(attempt)
        kinds: dict[str, RefusalKind] = {"bad": "forbidden", "busy": "conflict", "odd": "bad_request"}
        if attempt.key in kinds:
            raise Refused("No.", kinds[attempt.key])
        if attempt.key == "away":
            raise Unavailable
        if channel not in {"", "demo"}:
            raise WrongChannel("This stream key is of another channel.")
        publisher = Publisher(attempt, on_cut)
        publisher.grant = GRANT
        publisher.sit(self.seat)
        self.publishers.append(publisher)
        return publisher


class Line:
    """Both ends."""

    def __init__(self, house: House, links: Links, url: str, http: aiohttp.ClientSession) -> None:
        self.house, self.links, self.url, self.http = house, links, url, http
        self.cut: asyncio.Queue[str] = asyncio.Queue()
        self.lost: asyncio.Queue[str] = asyncio.Queue()

    async def publish(self, key: str = "good", channel: str = "") -> RemotePublication:
        attempt = PublishAttempt("whip", key, {"priority": "1"}, "192.0.2.7", "test")
        on_cut, on_lost = self.cut.put_nowait, self.lost.put_nowait
        return await publish(self.http, self.url, attempt, channel, on_cut=on_cut, on_lost=on_lost)

    @asynccontextmanager
    async def read(self, *tracks: str) -> AsyncIterator[Callable[[int], "asyncio.Future[list[FromFeed]]"]]:
        """Read a feed; what is given waits for so many messages."""
        async with open_feed(self.http, self.url, SESSION, tracks) as feed:

            async def next_ones(count: int) -> list[FromFeed]:
                async with asyncio.timeout(20):
                    return [await anext(feed) for _ in range(count)]

            yield lambda count: asyncio.ensure_future(next_ones(count))


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    house = House()
    links = Links(house, lambda session_id: house.feeds if session_id == SESSION else None)
    runner = make_runner({}, links=links.routes())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0]
    async with aiohttp.ClientSession() as http:
        yield Line(house, links, f"http://{host}:{port}", http)
    await links.close()
    await runner.cleanup()


async def within(queue: "asyncio.Queue[str] | asyncio.Queue[tuple[str, bool]]") -> object:
    async with asyncio.timeout(20):
        return await queue.get()


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not is_so():
            await asyncio.sleep(0.01)


# --- feeds ---------------------------------------------------------------------------------------------------


async def test_a_feed_begins_with_the_running_gop_and_goes_on_to_the_end(line: Line) -> None:
    feeds = line.house.feeds
    feeds.configure("video", VIDEO_CONFIG)
    feeds.configure("sound", AUDIO_CONFIG)
    for number in range(3):
        feeds.push("video", picture(number, key=not number))
    feeds.push("sound", sound(1))
    async with line.read("video", "sound") as read:
        tracks, shown, *past = await read(8)
        assert isinstance(tracks, Tracks)
        assert [track.name for track in tracks.tracks] == ["video", "sound"]
        assert shown == Shown("followers")
        assert past == [
            Configure("video", VIDEO_CONFIG),
            Configure("sound", AUDIO_CONFIG),
            Media("video", picture(0, key=True), is_past=True),
            Media("sound", sound(1), is_past=True),
            Media("video", picture(1), is_past=True),
            Media("video", picture(2), is_past=True),
        ]
        feeds.push("video", picture(3))
        feeds.break_("time stamps jumped")
        feeds.push("video", picture(4))
        feeds.push("video", picture(5, key=True))
        feeds.show_to("private")
        feeds.end("over")
        assert await read(5) == [
            Media("video", picture(3)),
            Break("time stamps jumped"),
            Media("video", picture(5, key=True)),
            Shown("private"),
            Ended("over"),
        ]
        with pytest.raises(StopAsyncIteration):
            await read(1)
    await until(lambda: not line.links.reading)


async def test_a_reader_may_be_in_a_hurry(line: Line) -> None:
    async with open_feed(line.http, line.url, SESSION, ["video"], is_urgent=True):
        await until(lambda: line.house.feeds.is_urgent)
    await until(lambda: not line.house.feeds.is_urgent)


async def test_there_is_no_feed_of_a_session_that_does_not_run(line: Line) -> None:
    with pytest.raises(NoSuchFeed):
        async with open_feed(line.http, line.url, SessionId("other"), ["video"]):
            pass


async def test_nobody_is_unavailable(line: Line, free_port: int) -> None:
    with pytest.raises(Unavailable):
        async with open_feed(line.http, f"http://127.0.0.1:{free_port}", SESSION, ["video"]):
            pass
    with pytest.raises(Unavailable):
        await publish(line.http, f"http://127.0.0.1:{free_port}", ATTEMPT, on_cut=line.cut.put_nowait)


async def test_a_page_in_a_browser_is_refused(line: Line) -> None:
    for path in ("session/feed", "publish"):
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await line.http.ws_connect(f"{line.url}/{path}", headers={"Origin": "http://evil.example"})


async def test_a_feed_that_is_not_read_is_dropped_and_nobody_else(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "MAX_BEHIND_BYTES", 2 << 20)
    feeds = line.house.feeds
    feeds.configure("video", VIDEO_CONFIG)
    async with line.read("video") as lazy, line.read("video") as busy:
        await lazy(3)
        await busy(3)
        for number in range(400):  # 40 MB: no socket holds as much
            feeds.push("video", picture(number, key=not number, size=100_000))
            await busy(1)
        await until(lambda: line.links.dropped_readers == 1)
        registry = CollectorRegistry()
        registry.register(LinksCollector(line.links))
        assert registry.get_sample_value("tally_feed_dropped_total") == 1
        assert registry.get_sample_value("tally_feed_readers") == 1
        assert registry.get_sample_value("tally_link_publishers") == 0
        with pytest.raises(FeedLost):
            await lazy(401)
        feeds.push("video", picture(400))
        assert await busy(1) == [Media("video", picture(400))]
    await until(lambda: not feeds.subscribers)


async def test_a_session_has_only_so_many_feeds(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "MAX_FEEDS", 1)
    async with line.read("video"):
        with pytest.raises(Unavailable):
            async with line.read("video"):
                pass
    await until(lambda: not line.links.reading)
    async with line.read("video") as read:
        assert len(await read(2)) == 2


async def test_a_reader_that_leaves_is_forgotten(line: Line) -> None:
    async with line.read("video"):
        await until(lambda: line.house.feeds.subscribers == 1)
    await until(lambda: not line.house.feeds.subscribers)


# --- publishers ----------------------------------------------------------------------------------------------


async def test_a_publisher_arrives_as_it_was_and_says_goodbye(line: Line) -> None:
    publication = await line.publish(channel="demo")
    assert (publication.granted.session_id, publication.granted.channel_name) == (SESSION, "demo")
    assert line.house.attempts == [PublishAttempt("whip", "good", {"priority": "1"}, "192.0.2.7", "test")]
    for config in (VIDEO_CONFIG, AUDIO_CONFIG, VIDEO_CONFIG):
        publication.configure(config)
    publication.describe(Description(frame_rate=30))
    publication.measure(NETWORK)
    for number in range(100):
        publication.push(picture(number, key=not number, size=20_000))
    await publication.end("stopped", is_lost=False)
    assert await within(line.house.seat.left) == ("stopped", False)
    assert line.house.seat.said == [
        VIDEO_CONFIG,
        AUDIO_CONFIG,
        Description(frame_rate=30),
        *(picture(number, key=not number, size=20_000) for number in range(100)),
    ]
    assert line.house.publishers[0].network == NETWORK
    publication.push(picture(101))
    await publication.end("again")
    assert (line.cut.empty(), line.lost.empty()) == (True, True)
    await until(lambda: not line.links.publishing)


@pytest.mark.parametrize(("key", "kind"), [("bad", "forbidden"), ("busy", "conflict"), ("odd", "bad_request")])
async def test_a_refusal_keeps_its_kind(line: Line, key: str, kind: str) -> None:
    with pytest.raises(Refused) as caught:
        await line.publish(key)
    assert (caught.value.kind, caught.value.reason) == (kind, "No.")


async def test_a_key_of_another_channel_and_a_platform_that_is_away_are_told_apart(line: Line) -> None:
    with pytest.raises(WrongChannel, match="another channel"):
        await line.publish(channel="other")
    with pytest.raises(Unavailable):
        await line.publish("away")


async def test_a_cut_publisher_hears_the_sentence(line: Line) -> None:
    publication = await line.publish()
    line.house.publishers[0].cut("The owner ended it.")
    assert await within(line.cut) == "The owner ended it."
    publication.push(picture(0))
    await publication.end("late")
    assert line.lost.empty()
    assert line.house.seat.left.empty()


async def test_a_publisher_whose_process_falls_is_lost(line: Line) -> None:
    async with aiohttp.ClientSession() as http:
        await publish(http, line.url, ATTEMPT, on_cut=line.cut.put_nowait)
    assert await within(line.house.seat.left) == (LOST, True)


async def test_a_stopping_server_loses_publishers_and_readers(line: Line) -> None:
    publication = await line.publish()
    async with line.read("video") as read:
        await read(2)
        await line.links.close()
        assert await within(line.lost)
        assert (await within(line.house.seat.left)) == (server_module.STOPPING, True)
        with pytest.raises(FeedLost):
            await read(1)
    await publication.end("over")
    assert line.cut.empty()
    with pytest.raises(Unavailable):
        await line.publish()


async def test_whoever_does_not_introduce_himself_is_closed(line: Line) -> None:
    for data in (b"", b"\0\0\0\x05ab", b"\0\0\0\x01\xc1"):
        async with line.http.ws_connect(f"{line.url}/publish") as socket:
            await socket.send_bytes(data)
            assert (await socket.receive(timeout=20)).type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED}
    assert line.house.attempts == []


async def test_ingest_that_takes_nothing_loses_the_publisher(line: Line) -> None:
    publication = await line.publish()
    for number in range(20):  # at once: nothing can go out in between
        publication.push(picture(number, size=1 << 20))
    assert await within(line.lost)
    assert await within(line.house.seat.left) == (LOST, True)
