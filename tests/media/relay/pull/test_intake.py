"""Claims of media.relay.pull.intake, joined to ingest's own end over a real socket."""

import asyncio
from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest
from aiohttp import web

from media.links.server import Links
from media.origin import make_runner
from media.packets import CodecConfig, Packet, TrackKind
from media.publication import Description, Note, PublishAttempt, Refused, Unavailable
from media.publisher import Publisher
from media.relay.job import Setback
from media.relay.pull import intake as module
from media.relay.pull.intake import NOBODY_TAKES_IT, NOTHING_CAME, STALLED, Intake
from schemas.ids import ChannelId
from schemas.ingest import PublishGrant
from tests.media.material import AUDIO_CONFIG, SESSION, VIDEO_CONFIG
from tests.media.relay.pull.conftest import Still

pytestmark = pytest.mark.services

GRANT = PublishGrant(ChannelId("c1"), "demo", SESSION)


class House:
    """Takes one publisher, or none."""

    def __init__(self) -> None:
        self.refusal: Exception | None = None
        self.said: list[object] = []
        self.left: asyncio.Queue[tuple[str, bool]] = asyncio.Queue()
        self.publishers: list[Publisher] = []
        self.cut: Callable[[str], None] | None = None

    async def open(self, attempt: PublishAttempt, on_cut: Callable[[str], None], channel: str = "") -> Publisher:
        if self.refusal is not None:
            raise self.refusal
        publisher = Publisher(attempt, on_cut)
        publisher.grant = GRANT
        publisher.sit(self)
        self.cut = on_cut
        self.publishers.append(publisher)
        return publisher

    def configure(self, publisher: Publisher, config: CodecConfig) -> None:
        self.said.append(config)

    def take(self, publisher: Publisher, packet: Packet, now: float) -> None:
        self.said.append(packet)

    def describe(self, publisher: Publisher, description: Description) -> None:
        """None of these here."""

    def annotate(self, publisher: Publisher, note: Note) -> None:
        """None of these here."""

    def leave(self, publisher: Publisher, reason: str, now: float, *, is_lost: bool) -> None:
        self.left.put_nowait((reason, is_lost))

    def is_urgent(self, publisher: Publisher) -> bool:
        return False


@pytest.fixture
async def joined() -> AsyncIterator[tuple[House, Intake]]:
    house = House()
    links = Links(house, lambda _session: None)
    runner = make_runner({}, links=links.routes())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    attempt = PublishAttempt("pull", "ticket", {}, "127.0.0.1", "pull of http")
    async with aiohttp.ClientSession() as http:
        intake = Intake(Still("j", "demo"), http, f"http://127.0.0.1:{runner.addresses[0][1]}", attempt)
        yield house, intake
        await intake.end("over", is_lost=False)
    await runner.cleanup()


def picture(number: int) -> Packet:
    return Packet(TrackKind.VIDEO, number * 3000, number * 3000, number == 0, b"picture")


async def test_the_first_packet_opens_the_publication_with_all_configurations(joined: tuple[House, Intake]) -> None:
    house, intake = joined
    await intake.take(VIDEO_CONFIG)
    await intake.take(AUDIO_CONFIG)
    assert house.publishers == []
    await asyncio.gather(intake.take(picture(0)), intake.take(picture(1)))
    await intake.end("The source has ended.", is_lost=False)
    async with asyncio.timeout(20):
        assert await house.left.get() == ("The source has ended.", False)
    assert len(house.publishers) == 1
    assert set(house.said[:2]) == {VIDEO_CONFIG, AUDIO_CONFIG}
    assert len(house.said) == 4


@pytest.mark.parametrize(
    ("refusal", "sentence"),
    [(Refused("Somebody is live.", "conflict"), "Somebody is live."), (Unavailable("away"), NOBODY_TAKES_IT)],
)
async def test_a_refusal_is_the_reason(joined: tuple[House, Intake], refusal: Exception, sentence: str) -> None:
    house, intake = joined
    house.refusal = refusal
    with pytest.raises(Setback, match=sentence):
        await intake.take(picture(0))


async def test_a_cut_ends_the_try_with_its_sentence(joined: tuple[House, Intake]) -> None:
    house, intake = joined
    await intake.take(picture(0))
    assert house.cut is not None
    house.cut("The owner has stopped it.")
    async with asyncio.timeout(20):
        with pytest.raises(Setback, match="The owner has stopped it"):
            await intake.watch()


async def test_silence_is_noticed_before_and_after_the_first_packet(
    joined: tuple[House, Intake], monkeypatch: pytest.MonkeyPatch
) -> None:
    _house, intake = joined
    monkeypatch.setattr(module, "WATCH_S", 0.01)
    monkeypatch.setattr(module, "FIRST_MEDIA_S", 0.05)
    intake.stall_s = 0.05
    async with asyncio.timeout(20):
        with pytest.raises(Setback, match=NOTHING_CAME):
            await intake.watch()
        await intake.take(picture(0))
        with pytest.raises(Setback, match=STALLED):
            await intake.watch()
