"""Real servers for tests that are marked `services`: started when the first such test asks, gone at the end."""

import asyncio
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chat.emotes import defaults
from chat.keeping import partitions
from config.embedded import EmbeddedPostgres, EmbeddedValkey
from config.migrations import migrate
from config.postgres import connect, open_pool
from config.redis import connect as connect_redis
from tests.rclone import S3Server

TEMPLATE = "tally_template"


def apart(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine in a thread of its own: these fixtures serve sync and async tests alike."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


@pytest.fixture(autouse=True)
def fair() -> Iterator[None]:
    """Take back the real-time priority that SVT-AV1 gives a thread of root's that encodes with it.

    All that is started later would have it too, and starve the machine.
    """
    yield
    if sys.platform == "linux" and os.sched_getscheduler(0) != os.SCHED_OTHER:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


@pytest.fixture(scope="session")
def server_directory() -> Iterator[Path]:
    """A private directory with a path short enough for sockets."""
    path = Path(tempfile.mkdtemp(prefix="tally-t-", dir="/tmp"))
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def postgres_server(server_directory: Path) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL with an empty database and the template of `database_url`."""
    server = EmbeddedPostgres(server_directory / "postgres", server_directory, durable=False)
    server.start()
    try:
        apart(_make_template(server))
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def redis_server(server_directory: Path) -> Iterator[EmbeddedValkey]:
    """A Valkey. Take `redis_url`, unless the test restarts or kills it."""
    server = EmbeddedValkey(server_directory / "valkey", server_directory, durable=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def database_url(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """A fresh database with all migrations, dropped after the test."""
    name = f"t_{next(_numbers)}"
    apart(_execute(postgres_server, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY"))
    yield postgres_server.url_of(name)
    apart(_execute(postgres_server, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def empty_database_url(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """A fresh database without any table, dropped after the test."""
    name = f"t_{next(_numbers)}"
    apart(_execute(postgres_server, f"CREATE DATABASE {name} TEMPLATE template0"))
    yield postgres_server.url_of(name)
    apart(_execute(postgres_server, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def redis_url(redis_server: EmbeddedValkey) -> str:
    """An empty Redis."""
    apart(_flush(redis_server.url))
    return redis_server.url


@pytest.fixture(scope="session")
def s3_process(server_directory: Path) -> Iterator[S3Server]:
    """An S3 server for all tests."""
    with S3Server(server_directory / "s3") as server:
        yield server


@pytest.fixture
def s3_server(s3_process: S3Server) -> S3Server:
    """An S3 server with an empty bucket; a test may stop it."""
    s3_process.begin()
    if not s3_process.is_running:
        s3_process.start()
    return s3_process


@pytest.fixture
def free_port() -> Callable[[], int]:
    """A function that returns a TCP port of 127.0.0.1 nobody listens on; each call another one."""
    given: set[int] = set()

    def find() -> int:
        while True:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = int(probe.getsockname()[1])
            if port not in given:
                given.add(port)
                return port

    return find


_numbers = iter(range(1, 1_000_000))


async def _make_template(server: EmbeddedPostgres) -> None:
    await _execute(server, f"CREATE DATABASE {TEMPLATE}")
    url = server.url_of(TEMPLATE)
    await migrate(url)
    async with await open_pool(url) as pool:  # what each web process does when it starts on an empty database
        await partitions.ensure(pool, datetime.now(UTC))
        await defaults.load(pool)


async def _execute(server: EmbeddedPostgres, statement: str) -> None:
    connection = await connect(server.url_of("postgres"))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _flush(url: str) -> None:
    client = connect_redis(url)
    try:
        await client.flushall()
    finally:
        await client.aclose()
