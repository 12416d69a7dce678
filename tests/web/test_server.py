"""One web process: its listeners, its parts, its end."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import aiohttp
import msgspec
import pytest

from config.settings import Settings
from tests.web.site import PASSWORD, Site, make_settings
from web.app import Part
from web.server import PortTaken, running

pytestmark = pytest.mark.services
WAIT_S = 30


async def _status(client: aiohttp.ClientSession, url: str) -> int:
    async with client.get(url) as response:
        return response.status


async def test_health_tells_the_public_nothing_more(site: Site) -> None:
    async with site.client.get(f"{site.base}/healthz") as response:
        body = await response.json()
    assert (response.status, body["data"]["status"], body["data"]["checks"]) == (200, "ok", {})


async def test_readiness_names_what_does_not_answer(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async with site.client.get(f"{site.internal}/readyz") as response:
        body = await response.json()
    assert (response.status, body["data"]["checks"]) == (200, {"postgres": "ok", "redis": "ok"})

    async def fail() -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(site.running.services.redis, "ping", fail)
    async with site.client.get(f"{site.internal}/readyz") as response:
        body = await response.json()
    assert (response.status, body["data"]["status"]) == (503, "unavailable")
    assert body["data"]["checks"] == {"postgres": "ok", "redis": "ConnectionRefusedError"}


async def test_metrics_count_requests_by_operation(site: Site) -> None:
    await site.call("GET", "/channels")
    await site.call("GET", "/channels/nothing")
    async with site.client.get(f"{site.internal}/metrics") as response:
        text = await response.text()
    assert 'tally_web_requests_total{operation="listChannels",status="200"} 1.0' in text
    assert 'tally_web_requests_total{operation="getChannel",status="404"} 1.0' in text
    assert "tally_hls_connections " in text


@pytest.mark.parametrize(
    ("parts", "answers"),
    [
        (("api",), {"/api/channels": 200, "/ws/chat": 404, "/hls/x/playlist.m3u8": 404, "/healthz": 200}),
        (("chat",), {"/api/channels": 404, "/ws/chat": 400, "/healthz": 200}),
        (("hls",), {"/api/channels": 404, "/ws/chat": 404, "/hls/x/playlist.m3u8": 404, "/healthz": 200}),
    ],
)
async def test_a_process_serves_the_parts_it_is_told_to(
    settings: Settings, parts: tuple[Part, ...], answers: dict[str, int]
) -> None:
    async with running(settings, parts) as process, aiohttp.ClientSession() as client:
        for path, status in answers.items():
            assert await _status(client, f"http://127.0.0.1:{process.public_port}{path}") == status, path


@pytest.mark.parametrize("setting", ["http_port", "internal_port"])
async def test_a_port_that_is_taken_is_named(settings: Settings, setting: str) -> None:
    port = getattr(settings, setting)
    taken = await asyncio.start_server(lambda *_: None, "127.0.0.1", port)
    async with taken:
        with pytest.raises(PortTaken, match=rf"port {port} on 127.0.0.1: .* in use.*: .* set TALLY_{setting.upper()}"):
            async with running(settings):
                pass


async def test_a_task_that_fails_ends_the_process(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("web.housekeeper.Housekeeper.run", fail)
    with pytest.raises(ExceptionGroup) as failed:
        async with running(settings), asyncio.timeout(WAIT_S):
            await asyncio.Event().wait()
    assert failed.group_contains(ZeroDivisionError)


async def test_several_processes_share_their_ports(
    database_url: str, redis_url: str, free_port: Callable[[], int], tmp_path: Path
) -> None:
    ports = {"http_port": free_port(), "internal_port": free_port()}
    settings = make_settings(database_url, redis_url, tmp_path, web_processes=2, **ports)
    async with running(settings) as first, running(settings) as second, aiohttp.ClientSession() as client:
        assert (first.public_port, first.internal_port) == (second.public_port, second.internal_port)
        assert await _status(client, f"http://127.0.0.1:{first.public_port}/healthz") == 200


async def test_what_one_process_does_all_pages_hear(
    database_url: str, redis_url: str, free_port: Callable[[], int], tmp_path: Path
) -> None:
    def settings() -> Settings:
        ports = {"http_port": free_port(), "internal_port": free_port()}
        return make_settings(database_url, redis_url, tmp_path, **ports)

    here, there = settings(), settings()
    async with running(here) as one, running(there) as other, aiohttp.ClientSession() as client:
        site = Site(one, client, here)
        alice = await site.person("alice")
        channel = (await site.channel("news", alice))["id"]
        key = await site.key("news", alice)
        async with client.ws_connect(f"http://127.0.0.1:{other.public_port}/ws/chat") as ws:
            await ws.send_json({"type": "join", "channelId": channel})
            assert (await ws.receive_json(timeout=WAIT_S))["type"] == "joined"
            await site.go_live(key)
            assert (await ws.receive_json(timeout=WAIT_S))["type"] == "stream_online"


async def test_a_request_under_way_is_answered_before_the_end(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(*_: object, **__: object) -> list[object]:
        begun.set()
        await go_on.wait()
        return []

    monkeypatch.setattr("web.store.channels.page", slow)
    async with aiohttp.ClientSession() as client:
        async with running(settings) as process:
            url = f"http://127.0.0.1:{process.public_port}/api/channels"
            asking = asyncio.create_task(_status(client, url))
            await begun.wait()
            asyncio.get_running_loop().call_later(0.2, go_on.set)
        assert await asking == 200
        with pytest.raises(aiohttp.ClientConnectorError):
            await _status(client, url)


async def test_the_program_ends_at_sigterm_with_its_sockets_told(settings: Settings) -> None:
    environ = {
        **os.environ,
        "TALLY_DATA": str(settings.data),
        "TALLY_DATABASE_URL": str(settings.database_url),
        "TALLY_REDIS_URL": str(settings.redis_url),
        "TALLY_SECRET": settings.secret,
        "TALLY_HTTP_HOST": "127.0.0.1",
        "TALLY_HTTP_PORT": str(settings.http_port),
        "TALLY_INTERNAL_PORT": str(settings.internal_port),
        "TALLY_IRC_PORT": "0",
        "TALLY_LOG_LEVEL": "debug",
        "TALLY_LOG_FORMAT": "json",
    }
    web = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "web"), env=environ, stderr=asyncio.subprocess.PIPE
    )
    base = f"http://127.0.0.1:{settings.http_port}"
    async with asyncio.timeout(WAIT_S), aiohttp.ClientSession() as client:
        while web.returncode is None:
            with contextlib.suppress(aiohttp.ClientConnectionError):
                if await _status(client, f"{base}/healthz") == 200:
                    break
            await asyncio.sleep(0.05)
        registered = {"username": "alice", "password": PASSWORD}
        async with client.post(f"{base}/api/auth/register", json=registered) as response:
            token = (await response.json())["data"]["token"]
        async with client.ws_connect(f"{base}/ws/chat", headers={"Origin": base}) as ws:
            await ws.send_str('{"type":"ping"}')
            await ws.receive()
            web.send_signal(signal.SIGTERM)
            heard = msgspec.json.decode((await ws.receive(timeout=WAIT_S)).data)
            assert heard["type"] == "reconnect"
            assert (await ws.receive(timeout=WAIT_S)).type is aiohttp.WSMsgType.CLOSE
        _, err = await web.communicate()
    log = err.decode()
    assert web.returncode == 0, log
    assert "web stopped" in log
    assert "/api/auth/register" in log
    assert token not in log
    assert PASSWORD not in log
    assert "Traceback" not in log
