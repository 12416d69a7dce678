"""Chat while everything dies: two web processes, their subscriptions, Valkey and PostgreSQL, killed for real.

Every client must end with the same list of events: complete, in one order, each once. And PostgreSQL with it.
"""

import asyncio
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest
from redis.asyncio import Redis

from config.embedded import EmbeddedPostgres, EmbeddedValkey
from config.migrations import migrate
from tests.chatter import Chatter
from tests.product import free_ports

pytestmark = [pytest.mark.services, pytest.mark.timeout(150)]
READERS, SPEAKERS = 20, 8
DEADLINE_S = 60.0
PASSWORD = "correct horse battery"


class Pod:
    """A web process of its own: API and chat."""

    def __init__(self, folder: Path, name: str, environ: dict[str, str]) -> None:
        http, internal = free_ports(2)
        self.base = f"http://127.0.0.1:{http}"
        self.log_path = folder / f"{name}.log"
        ours = {"TALLY_HTTP_PORT": str(http), "TALLY_INTERNAL_PORT": str(internal)}
        self._environ = environ | ours
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "web", "--parts", "api,chat"], env=self._environ, stdout=log, stderr=log
            )

    async def ready(self, client: aiohttp.ClientSession) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while True:
                assert self._process is not None
                assert self._process.poll() is None, self.log_path.read_text()[-2000:]
                try:
                    async with client.get(f"{self.base}/healthz") as response:
                        if response.status == 200:
                            return
                except aiohttp.ClientError:
                    await asyncio.sleep(0.1)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()


class Place:
    """Durable servers of the test's own, because it kills them, and two pods."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        runtime = Path(tempfile.mkdtemp(prefix="tally-x-", dir="/tmp"))
        stack.callback(shutil.rmtree, runtime, ignore_errors=True)
        self.postgres = EmbeddedPostgres(folder / "postgres", runtime, durable=False)
        self.valkey = EmbeddedValkey(folder / "valkey", runtime, durable=True)
        for server in (self.postgres, self.valkey):
            server.start()
            stack.callback(server.stop)
        self.database_url = self.postgres.url_of("postgres")
        asyncio.run(migrate(self.database_url))
        environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TALLY_")},
            "TALLY_DATA": str(folder),
            "TALLY_DATABASE_URL": self.database_url,
            "TALLY_REDIS_URL": self.valkey.url,
            "TALLY_SECRET": "a secret for tests only",
            "TALLY_HTTP_HOST": "127.0.0.1",
            "TALLY_LOG_FORMAT": "json",
        }
        self.pods = [Pod(folder, name, environ) for name in ("a", "b")]
        for pod in self.pods:
            stack.callback(pod.stop)
            pod.start()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with ExitStack() as stack:
        yield Place(tmp_path, stack)


class Api:
    """Asks a pod's API."""

    def __init__(self, client: aiohttp.ClientSession, base: str) -> None:
        self._client, self._base = client, base

    async def ask(self, method: str, path: str, body: object = None, token: str = "") -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with self._client.request(method, f"{self._base}/api{path}", json=body, headers=headers) as response:
            envelope = await response.json()
            assert envelope["success"], (method, path, envelope)
            return envelope["data"]

    async def account(self, name: str) -> tuple[str, str]:
        made = await self.ask("POST", "/auth/register", {"username": name, "password": PASSWORD})
        return made["user"]["id"], made["token"]

    async def program(self, token: str) -> str:
        body = {"name": "chaos", "scopes": ["chat:read", "chat:write", "chat:moderate"]}
        return str((await self.ask("POST", "/tokens", body, token))["token"])


async def _speak(chatter: Chatter, name: str, stop: asyncio.Event) -> None:
    await chatter.joined()
    count = 0
    while not stop.is_set():
        count += 1
        await chatter.say(f"{name} says {count}", f"{name}-{count}", twice=random.random() < 0.1)
        await asyncio.sleep(random.uniform(0.2, 0.4))


async def _moderate(chatter: Chatter, stop: asyncio.Event) -> None:
    """Take a message of those that were just said away, again and again."""
    await chatter.joined()
    chosen: set[str] = set()
    while not stop.is_set():
        await asyncio.sleep(random.uniform(0.5, 1.0))
        said = [message_id for _, message_id, _ in _messages(chatter)[-20:] if message_id not in chosen]
        if said:
            chosen.add(message_id := random.choice(said))
            answer = await chatter.say(f"/delete {message_id}", f"delete-{len(chosen)}")
            assert answer["type"] == "ack", answer


async def _ordeal(place: Place, client: aiohttp.ClientSession) -> list[str]:
    """Kill one thing after another and say what was killed."""
    told = []
    began = time.monotonic()

    def note(what: str) -> None:
        told.append(f"{time.monotonic() - began:5.1f} s  {what}")

    await asyncio.sleep(2)
    place.pods[0].kill()
    note("pod a killed (SIGKILL)")
    await asyncio.sleep(1)
    place.pods[0].start()
    await place.pods[0].ready(client)
    note("pod a is back")
    await asyncio.sleep(1)
    async with Redis.from_url(place.valkey.url, protocol=2) as redis:
        killed = await redis.client_kill_filter(_type="pubsub")
        valkey = int((await redis.info("server"))["process_id"])
    note(f"{killed} subscriptions killed")
    await asyncio.sleep(2)
    await asyncio.to_thread(place.postgres.stop)
    note("PostgreSQL stopped")
    await asyncio.sleep(2)
    os.kill(valkey, signal.SIGKILL)
    note("Valkey killed (SIGKILL)")
    await asyncio.sleep(0.5)
    await asyncio.to_thread(place.valkey.stop)
    await asyncio.to_thread(place.valkey.start)
    note("Valkey is back, from its append-only file")
    await asyncio.sleep(2)
    await asyncio.to_thread(place.postgres.start)
    note("PostgreSQL is back")
    place.pods[1].kill()
    note("pod b killed (SIGKILL)")
    place.pods[1].start()
    await place.pods[1].ready(client)
    note("pod b is back")
    await asyncio.sleep(2)
    return told


async def test_every_client_hears_everything_once_and_in_one_order_whatever_dies(place: Place) -> None:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as client:
        for pod in place.pods:
            await pod.ready(client)
        channel, owner, people = await _make_channel(Api(client, place.pods[0].base))
        servers = [pod.base for pod in place.pods]
        speakers = {name: Chatter(client, servers, channel, token) for name, token in people.items()}
        deleter = Chatter(client, servers, channel, owner)
        clients = [deleter, *speakers.values(), *(Chatter(client, servers, channel) for _ in range(READERS))]
        stop = asyncio.Event()
        following = [asyncio.create_task(chatter.run()) for chatter in clients]
        async with asyncio.timeout(DEADLINE_S):
            await asyncio.gather(*(chatter.joined() for chatter in clients))
        speaking = [asyncio.create_task(_speak(chatter, name, stop)) for name, chatter in speakers.items()]
        speaking.append(asyncio.create_task(_moderate(deleter, stop)))
        told = await _ordeal(place, client)
        stop.set()
        async with asyncio.timeout(DEADLINE_S):
            await asyncio.gather(*speaking)
            await _all_there(clients)
        rows = await _kept(place.database_url, channel, deleter)
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
    _judge(clients, list(speakers.values()), rows, told)


async def _make_channel(api: Api) -> tuple[str, str, dict[str, str]]:
    """Make a channel whose moderators are the speakers, and return its owner's token and theirs by name."""
    _, owner = await api.account("olivia")
    channel = (await api.ask("POST", "/channels", {"name": "arena"}, owner))["id"]
    people = {}
    for number in range(SPEAKERS):
        name = f"speaker{number}"
        user, token = await api.account(name)
        await api.ask("PUT", f"/channels/{channel}/moderators/{user}", None, owner)
        people[name] = await api.program(token)
    return channel, await api.program(owner), people


async def _all_there(clients: Sequence[Chatter]) -> None:
    """Wait until everybody has heard everything that was acknowledged and all that anybody has heard."""
    acked = max(place[0] for chatter in clients for sent in chatter.sent.values() for place in sent.places)
    while any(chatter.last_seq < max(acked, *(one.last_seq for one in clients)) for chatter in clients):
        await asyncio.sleep(0.1)


async def _kept(database_url: str, channel: str, chatter: Chatter) -> list[tuple[int, str, bool]]:
    """Return what PostgreSQL has, once it has what a client has heard."""
    messages, deletions = len(_messages(chatter)), len(_deleted(chatter))
    connection = await asyncpg.connect(database_url)
    try:
        async with asyncio.timeout(DEADLINE_S):
            while True:
                rows = await connection.fetch(
                    "SELECT seq, id, deleted_at IS NOT NULL AS is_deleted FROM chat_messages"
                    " WHERE channel_id = $1 ORDER BY seq",
                    channel,
                )
                if len(rows) >= messages and sum(row["is_deleted"] for row in rows) >= deletions:
                    return [(row["seq"], row["id"], row["is_deleted"]) for row in rows]
                await asyncio.sleep(0.2)
    finally:
        await connection.close()


def _judge(
    clients: Sequence[Chatter], speakers: Sequence[Chatter], rows: list[tuple[int, str, bool]], told: list[str]
) -> None:
    assert [fault for chatter in clients for fault in chatter.faults] == []
    for chatter in clients:
        assert chatter.heard == clients[0].heard
    places = [event["seq"] for event in clients[0].heard]
    assert places == sorted(set(places))
    messages, deleted = _messages(clients[0]), _deleted(clients[0])
    assert set(Counter(content for _, _, content in messages).values()) == {1}
    sent = {key: acked for chatter in speakers for key, acked in chatter.sent.items()}
    assert all(len(acked.places) == 1 for acked in sent.values()), "the same key has two places"
    assert {next(iter(acked.places)) for acked in sent.values()} == {(seq, id_) for seq, id_, _ in messages}
    assert rows == [(seq, id_, id_ in deleted) for seq, id_, _ in messages]
    assert deleted
    attempts = sum(acked.attempts for acked in sent.values())
    print("\n".join(["", *told]))
    epochs = len({event["epoch"] for event in clients[0].heard})
    print(
        f"{len(sent)} messages, {attempts} attempts to send them, {len(deleted)} deleted; {len(clients)} clients"
        f" connected {sum(chatter.connects for chatter in clients)} times; {epochs} epochs; {len(rows)} rows kept;"
        " every list is the same, complete, each message once"
    )


def _deleted(chatter: Chatter) -> set[str]:
    return {event["messageId"] for event in chatter.heard if event["type"] == "message_deleted"}


def _messages(chatter: Chatter) -> list[tuple[int, str, str]]:
    return [
        (event["seq"], event["message"]["id"], event["message"]["content"])
        for event in chatter.heard
        if event["type"] == "message"
    ]
