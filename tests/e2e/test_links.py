"""Processes beside ingest, through its origin: what a publisher sends is read live, and a publisher comes that way."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import av
import pytest

from media.links.client import NoSuchFeed, RemotePublication, open_feed, publish
from media.links.messages import Configure, Ended, FromFeed, Media, Shown, Tracks
from media.publication import PublishAttempt
from media.testcard import CardSettings, TestCard
from schemas.ids import SessionId
from tests.e2e.account import Account
from tests.e2e.streaming import PLAYLIST, await_empty_air, is_playable, streaming
from tests.product import Product, wait_until

pytestmark = pytest.mark.services

CARD = CardSettings(width=320, height=180, frame_rate=25, keyframe_interval_s=1)
WAIT_S = 30.0


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Without the processes that would read and publish here themselves."""
    folder = tmp_path_factory.mktemp("product")
    made = Product(folder, TALLY_LADDER="off", TALLY_WEBRTC_PORT="0", TALLY_RELAY_PORT="0", TALLY_SRT_PORT="0")
    try:
        yield made.start()
    finally:
        made.stop()


def origin(product: Product) -> str:
    return f"http://127.0.0.1:{product.environ['TALLY_ORIGIN_PORT']}"


def running(product: Product) -> SessionId:
    """The session of the demo channel."""
    lines = product.get(PLAYLIST)[2].decode().splitlines()
    return SessionId(next(line for line in lines if line.endswith("video.m3u8")).partition("/")[0])


def pictures_of(clip: Path) -> list[bytes]:
    with av.open(str(clip)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


async def test_a_feed_is_the_publishers_pictures_in_their_order_from_a_keyframe_on(
    product: Product, clip: Path
) -> None:
    sent = pictures_of(clip)
    with streaming(product, clip):
        session = running(product)
        async with (
            aiohttp.ClientSession() as http,
            open_feed(http, origin(product), session, ["video", "sound"]) as feed,
            asyncio.timeout(WAIT_S),
        ):
            messages: list[FromFeed] = []
            async for message in feed:
                messages.append(message)
                if isinstance(message, Media) and not message.is_past and len(messages) > 200:
                    break
    tracks, shown, first, second = messages[:4]
    assert isinstance(tracks, Tracks)
    assert (tracks.session_id, tracks.channel_name) == (session, "demo")
    assert {track.name: track.is_reordered for track in tracks.tracks} == {
        "video": True,
        "sound": False,
        "audio": False,
    }
    assert shown == Shown("public")
    assert [each.track for each in (first, second) if isinstance(each, Configure)] == ["video", "sound"]
    media = [each for each in messages if isinstance(each, Media)]
    assert [each.is_past for each in media] == sorted((each.is_past for each in media), reverse=True)
    pictures = [each.packet for each in media if each.track == "video"]
    assert pictures[0].is_keyframe
    start = sent.index(pictures[0].data)
    assert [each.data for each in pictures] == (sent[start:] + sent + sent)[: len(pictures)]
    for track in ("video", "sound"):
        times = [each.packet.dts for each in media if each.track == track]
        assert len(times) > 30
        assert times == sorted(set(times))


async def test_there_is_no_feed_of_what_does_not_run(product: Product) -> None:
    async with aiohttp.ClientSession() as http:
        with pytest.raises(NoSuchFeed):
            async with open_feed(http, origin(product), SessionId("nobody"), ["video"]):
                pass


@asynccontextmanager
async def card_on_air(publication: RemotePublication) -> AsyncIterator[None]:
    """Publish the test card in real time, stamped in 90 kHz."""
    card = await asyncio.to_thread(TestCard, CARD)
    for config in card.configs:
        publication.configure(config)

    async def send() -> None:
        start, frame = asyncio.get_running_loop().time(), 0
        while True:
            for packet in card.packets():
                packet.dts, packet.pts = packet.dts * 90, packet.pts * 90
                publication.push(packet)
            frame += 1
            await asyncio.sleep(start + frame / CARD.frame_rate - asyncio.get_running_loop().time())

    sending = asyncio.create_task(send())
    try:
        yield
    finally:
        sending.cancel()
        await asyncio.wait({sending})


async def test_a_publisher_beside_ingest_is_played_until_he_is_taken_off_the_air(product: Product) -> None:
    await asyncio.to_thread(await_empty_air, product)
    cut: asyncio.Queue[str] = asyncio.Queue()
    attempt = PublishAttempt("whip", product.first_run()["streamKey"], {}, "192.0.2.7", "Test Browser")
    async with aiohttp.ClientSession() as http:
        publication = await publish(http, origin(product), attempt, "demo", on_cut=cut.put_nowait)
        async with card_on_air(publication):
            await asyncio.to_thread(wait_until, lambda: is_playable(product), WAIT_S, "the card can be played")
            session = running(product)
            assert session == publication.granted.session_id
            async with open_feed(http, origin(product), session, ["video"]) as feed:
                account = await asyncio.to_thread(Account.admin, product)
                channel = publication.granted.channel_id
                status, answer = await asyncio.to_thread(account.call, "POST", f"channels/{channel}/go-offline")
                assert status == 200, answer
                async with asyncio.timeout(WAIT_S):
                    sentence = await cut.get()
                    last = [message async for message in feed][-1]
        assert last == Ended(sentence)
        await publication.end("too late")
