"""Pools and connections."""

import time

import asyncpg
import pytest

from config.postgres import DatabaseUnavailable, connect, open_pool

pytestmark = pytest.mark.services


async def test_a_pool_answers_in_utc(database_url: str) -> None:
    pool = await open_pool(database_url)
    assert await pool.fetchval("SHOW timezone") == "UTC"
    await pool.close()


async def test_each_test_has_a_database_of_its_own(database_url: str, postgres_server: object) -> None:
    connection = await connect(database_url)
    assert await connection.fetchval("SELECT current_database()") != "tally"
    assert await connection.fetchval("SELECT count(*) FROM users") == 0
    await connection.close()


async def test_a_statement_has_a_deadline(database_url: str) -> None:
    connection = await connect(database_url, command_s=0.1)
    with pytest.raises(TimeoutError):
        await connection.execute("SELECT pg_sleep(5)")
    await connection.close()


async def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    with pytest.raises(DatabaseUnavailable) as caught:
        await connect("postgresql://tally:hunter2hunter2@/tally?host=/nowhere", wait_s=0.3)
    assert "does not answer" in str(caught.value)
    assert "hunter2" not in str(caught.value)


async def test_a_database_that_does_not_exist_is_not_waited_for(database_url: str) -> None:
    began = time.monotonic()
    with pytest.raises(DatabaseUnavailable, match="does not exist"):
        await connect(database_url.replace("@/t_", "@/no_such_"), wait_s=30)
    assert time.monotonic() - began < 5


async def test_an_address_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(DatabaseUnavailable, match="not a usable address"):
        await connect("postgresql://host:port/db", wait_s=30)


async def test_errors_of_statements_reach_the_caller(database_url: str) -> None:
    connection = await connect(database_url)
    with pytest.raises(asyncpg.UndefinedTableError):
        await connection.execute("SELECT * FROM nowhere")
    await connection.close()
