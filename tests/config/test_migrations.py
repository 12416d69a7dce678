"""Migrations against a real PostgreSQL."""

import asyncio

import pytest

from config.migrations import Migration, MigrationRefused, migrate, pending, shipped
from config.postgres import connect

pytestmark = pytest.mark.services

ONE = Migration(1, "0001_one.sql", "CREATE TABLE one (id integer);")
TWO = Migration(2, "0002_two.sql", "CREATE TABLE two (id integer); INSERT INTO two VALUES (2);")


async def test_the_shipped_migrations_apply_once(empty_database_url: str) -> None:
    names = [migration.name for migration in shipped()]
    assert await migrate(empty_database_url) == names
    assert await migrate(empty_database_url) == []
    connection = await connect(empty_database_url)
    assert await connection.fetchval("SELECT count(*) FROM channels") == 0
    assert await pending(connection, shipped()) == []
    await connection.close()


async def test_of_many_starters_exactly_one_applies(empty_database_url: str) -> None:
    results = await asyncio.gather(*(migrate(empty_database_url, migrations=[ONE, TWO]) for _ in range(6)))
    assert sorted(results) == [[]] * 5 + [["0001_one.sql", "0002_two.sql"]]


async def test_only_what_is_missing_is_applied(empty_database_url: str) -> None:
    assert await migrate(empty_database_url, migrations=[ONE]) == ["0001_one.sql"]
    assert await migrate(empty_database_url, migrations=[ONE, TWO]) == ["0002_two.sql"]


async def test_a_newer_database_is_refused_and_not_changed(empty_database_url: str) -> None:
    await migrate(empty_database_url, migrations=[ONE, TWO])
    with pytest.raises(MigrationRefused, match=r"newer than this program \(it has 0002_two\.sql\)"):
        await migrate(empty_database_url, migrations=[ONE])
    connection = await connect(empty_database_url)
    assert await connection.fetchval("SELECT count(*) FROM two") == 1
    await connection.close()


async def test_an_edited_file_is_refused_by_name(empty_database_url: str) -> None:
    await migrate(empty_database_url, migrations=[ONE])
    edited = Migration(1, "0001_one.sql", ONE.sql + " -- small change")
    with pytest.raises(MigrationRefused, match=r"0001_one\.sql was edited"):
        await migrate(empty_database_url, migrations=[edited, TWO])


async def test_a_failing_file_leaves_nothing_of_itself(empty_database_url: str) -> None:
    broken = Migration(2, "0002_broken.sql", "CREATE TABLE half (id integer); SELECT 1/0;")
    with pytest.raises(MigrationRefused, match=r"0002_broken\.sql failed and was rolled back: division by zero"):
        await migrate(empty_database_url, migrations=[ONE, broken])
    connection = await connect(empty_database_url)
    assert await connection.fetchval("SELECT to_regclass('half')") is None
    assert await migrate(empty_database_url, migrations=[ONE, TWO]) == ["0002_two.sql"]
    await connection.close()


async def test_a_file_and_its_record_are_one_step(empty_database_url: str) -> None:
    thief = Migration(2, "0002_thief.sql", "CREATE TABLE loot (id integer); DROP TABLE schema_migrations;")
    with pytest.raises(MigrationRefused, match=r"0002_thief\.sql failed"):
        await migrate(empty_database_url, migrations=[ONE, thief])
    connection = await connect(empty_database_url)
    assert await connection.fetchval("SELECT to_regclass('loot')") is None
    assert await connection.fetchval("SELECT max(version) FROM schema_migrations") == 1
    await connection.close()
