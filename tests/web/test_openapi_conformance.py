"""The running process keeps what its OpenAPI document says, whatever is sent (schemathesis)."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from config.settings import Settings
from tests.web.site import PASSWORD

pytestmark = [pytest.mark.services, pytest.mark.timeout(240)]
EXAMPLES = 3
"""For each operation and phase."""
CONFIG = """
[parameters]
"path.channel" = "alice"

# It takes GET channels/{channel}/pull for the same thing as what was deleted at some other address of the channel.
[checks]
use_after_free.enabled = false

# What a good password, name, cursor, rung or time is, no JSON Schema can say, and 5.0 is an integer to it; these may
# refuse what looks valid.
[[operations]]
include-operation-id = [
  "register", "createChannel", "listChannels", "patchChannel", "addMetadata", "listVods", "listClips", "listFollows",
  "createClip", "shareChannel", "shareVod", "shareClip", "putPull", "createRestream", "patchRestream",
  "createEmote", "createChannelEmote", "postChatMessage",
  "listActs", "listBans", "listHeld", "listReports", "patchChatSettings", "createTimeout", "pinMessage", "announce",
]
checks.positive_data_acceptance.enabled = false
"""
START_S, RUN_S, STOP_S = 20, 200, 15


@pytest.fixture
async def process(settings: Settings) -> AsyncIterator[str]:
    """`python -m web` as it is run in production; its public address."""
    environ = {
        **os.environ,
        "TALLY_DATA": str(settings.data),
        "TALLY_DATABASE_URL": str(settings.database_url),
        "TALLY_REDIS_URL": str(settings.redis_url),
        "TALLY_SECRET": settings.secret,
        "TALLY_HTTP_HOST": settings.http_host,
        "TALLY_HTTP_PORT": str(settings.http_port),
        "TALLY_INTERNAL_PORT": str(settings.internal_port),
        "TALLY_IRC_PORT": "0",
    }
    log = settings.data / "web.log"
    with log.open("wb") as output:
        web = await asyncio.create_subprocess_exec(sys.executable, "-m", "web", env=environ, stderr=output)
    base = f"http://127.0.0.1:{settings.http_port}"
    try:
        await _wait_for(f"{base}/healthz", web)
        yield base
    finally:
        if web.returncode is None:
            web.send_signal(signal.SIGTERM)
        async with asyncio.timeout(STOP_S):
            code = await web.wait()
    lines = log.read_text()
    assert code == 0, lines
    assert "request failed" not in lines, lines


async def _wait_for(url: str, web: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(START_S), aiohttp.ClientSession() as client:
        while web.returncode is None:
            try:
                async with client.get(url) as response:
                    assert response.status == 200
                    return
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.05)
    pytest.fail(f"python -m web ended with {web.returncode}")


async def test_no_request_finds_an_answer_that_is_not_in_the_document(process: str, tmp_path: Path) -> None:
    async with aiohttp.ClientSession() as client:
        body = {"username": "alice", "password": PASSWORD}
        async with client.post(f"{process}/api/auth/register", json=body) as response:
            token = (await response.json())["data"]["token"]
        headers = {"Authorization": f"Bearer {token}"}
        async with client.post(f"{process}/api/channels", json={"name": "alice"}, headers=headers) as response:
            assert response.status == 201
    (tmp_path / "schemathesis.toml").write_text(CONFIG)
    run = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("schemathesis"),
        "run",
        f"{process}/api/openapi.json",
        f"--header=Authorization: Bearer {token}",
        "--exclude-operation-id=logout",  # it would end the session that all others use
        f"--max-examples={EXAMPLES}",
        "--seed=1",
        "--no-color",
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(RUN_S):
        output, _ = await run.communicate()
    assert run.returncode == 0, output.decode(errors="replace")
