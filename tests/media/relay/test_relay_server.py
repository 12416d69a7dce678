"""Claims of the relay process: it does what web answers to its heartbeats, goes on without web, and says goodbye."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import msgspec
import pytest
from aiohttp import web

from config.sealing import Seal
from config.settings import Settings, load
from media.relay.server import serve
from schemas.ids import ChannelId
from schemas.relay import PullOrder, RelayHeartbeat, RelayOrders
from schemas.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, Verdict, verify

pytestmark = pytest.mark.services

SECRET = "a secret that both of them know"
DEADLINE_S = 30


class Web:
    """Answers heartbeats with `orders`."""

    def __init__(self) -> None:
        self.orders = RelayOrders([], [])
        self.is_away = False
        self.beats: asyncio.Queue[RelayHeartbeat] = asyncio.Queue()

    async def heartbeat(self, request: web.Request) -> web.Response:
        body, headers = await request.read(), request.headers
        verdict = verify(SECRET, headers.get(TIMESTAMP_HEADER), headers.get(SIGNATURE_HEADER), body, now_s=time.time())
        assert verdict is Verdict.GOOD
        if self.is_away:
            return web.Response(status=503)
        self.beats.put_nowait(msgspec.json.decode(body, type=RelayHeartbeat))
        return web.Response(body=msgspec.json.encode({"success": True, "data": self.orders}))

    async def until(self, is_so: Callable[[RelayHeartbeat], bool]) -> RelayHeartbeat:
        async with asyncio.timeout(DEADLINE_S):
            while not is_so(beat := await self.beats.get()):
                pass
            return beat


class Relay:
    """A running process, in this one."""

    def __init__(self, web_: Web, settings: Settings) -> None:
        self.web, self.settings = web_, settings
        self.stop = asyncio.Event()
        self.task = asyncio.create_task(serve(settings, stop=self.stop))

    async def figures(self) -> str:
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"http://127.0.0.1:{self.settings.relay_port}/metrics") as answer,
        ):
            return await answer.text()


@pytest.fixture
async def relay(tmp_path: Path, free_port: Callable[[], int]) -> AsyncIterator[Relay]:
    web_ = Web()
    application = web.Application()
    application.router.add_post("/internal/relay/heartbeat", web_.heartbeat)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    environ = {
        "TALLY_SECRET": SECRET,
        "TALLY_DATA": str(tmp_path),
        "TALLY_INTERNAL_URL": f"http://127.0.0.1:{runner.addresses[0][1]}",
        "TALLY_RELAY_PORT": str(free_port()),
    }
    made = Relay(web_, load(environ, cwd=tmp_path).settings)
    yield made
    made.stop.set()
    async with asyncio.timeout(DEADLINE_S):
        await made.task
    await runner.cleanup()


def order(url: str) -> PullOrder:
    return PullOrder("j1", ChannelId("c1"), "demo", Seal(SECRET).close(url), "ticket")


async def test_jobs_follow_the_orders_and_are_reported_with_their_reasons(relay: Relay) -> None:
    first = await relay.web.until(lambda beat: True)
    assert (first.jobs, first.room > 10) == ([], True)
    relay.web.orders = RelayOrders([order("http://10.9.8.7/secret-path?token=secret")], [])
    beat = await relay.web.until(lambda beat: any(job.state == "waiting" for job in beat.jobs))
    assert "may not be fetched from" in beat.jobs[0].reason
    assert "secret" not in beat.jobs[0].reason
    assert beat.jobs[0].retry_at_ms is not None
    assert 'tally_relay_jobs{kind="pull",state="waiting"} 1.0' in await relay.figures()
    relay.web.orders = RelayOrders([], [])
    await relay.web.until(lambda beat: not beat.jobs)


async def test_jobs_go_on_while_web_is_away(relay: Relay) -> None:
    relay.web.orders = RelayOrders([order("file:nothing.mp4")], [])
    beat = await relay.web.until(lambda beat: any(job.state == "waiting" for job in beat.jobs))
    relay.web.is_away = True
    await asyncio.sleep(2.5)
    relay.web.is_away = False
    again = await relay.web.until(lambda beat: True)
    assert [(job.id, job.since_ms) for job in again.jobs] == [(job.id, job.since_ms) for job in beat.jobs]


async def test_a_process_that_stops_leaves_its_jobs_to_others_at_once(relay: Relay) -> None:
    relay.web.orders = RelayOrders([order("file:nothing.mp4")], [])
    beat = await relay.web.until(lambda beat: bool(beat.jobs))
    relay.stop.set()
    last = await relay.web.until(lambda beat: not beat.jobs)
    assert (last.room, last.node_id) == (0, beat.node_id)


async def test_an_order_that_was_sealed_otherwise_says_what_to_do(relay: Relay) -> None:
    sealed = Seal("another secret of another time").close("http://host/")
    relay.web.orders = RelayOrders([msgspec.structs.replace(order(""), url=sealed)], [])
    beat = await relay.web.until(lambda beat: any(job.state == "waiting" for job in beat.jobs))
    assert "set it again" in beat.jobs[0].reason
