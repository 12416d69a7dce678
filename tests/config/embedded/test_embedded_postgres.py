"""Embedded PostgreSQL before what crashes and other people leave behind."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from config import processes
from config.embedded import CannotStart, EmbeddedPostgres
from config.embedded.binaries import find_postgres
from config.launch import NOBODY
from config.postgres import connect

pytestmark = pytest.mark.services


async def test_an_orphaned_postgres_is_ended_before_a_new_one_starts(tmp_path: Path, server_directory: Path) -> None:
    runtime = server_directory / "orphan"
    runtime.mkdir()
    first = EmbeddedPostgres(tmp_path / "postgres", runtime, durable=False)
    first.start()
    orphan = int((tmp_path / "postgres" / "postmaster.pid").read_text().split("\n")[0])
    second = EmbeddedPostgres(tmp_path / "postgres", runtime, durable=False)
    second.start()
    assert not processes.is_alive(orphan)
    connection = await connect(second.url)
    await connection.close()
    second.stop()
    first.stop()


async def test_a_stale_note_with_the_number_of_another_program_is_removed(
    tmp_path: Path, server_directory: Path
) -> None:
    runtime = server_directory / "stale"
    runtime.mkdir()
    server = EmbeddedPostgres(tmp_path / "postgres", runtime, durable=False)
    server.prepare()
    (tmp_path / "postgres" / "postmaster.pid").write_text(f"{os.getpid()}\n{tmp_path / 'postgres'}\n")
    server.start()
    server.stop()


async def test_without_namespaces_postgres_runs_as_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root has to become somebody else")
    monkeypatch.setattr("config.embedded.postgres._identity", lambda: "nobody")
    place = Path(tempfile.mkdtemp(prefix="tally-n-", dir="/tmp"))
    place.chmod(0o755)
    server = EmbeddedPostgres(place / "postgres", place, durable=False)
    try:
        if not is_open_to_all(find_postgres().programs):
            with pytest.raises(CannotStart, match="start `tally` as another user"):
                server.start()
            return
        server.start()
        assert (place / "postgres").stat().st_uid == NOBODY
        connection = await connect(server.url)
        await connection.close()
        server.stop()
    finally:
        shutil.rmtree(place)


def is_open_to_all(path: Path) -> bool:
    return all(part.stat().st_mode & 0o005 == 0o005 for part in (path, *path.parents))


def test_files_of_somebody_else_are_not_touched(tmp_path: Path, server_directory: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "letter.txt").write_text("dear")
    with pytest.raises(CannotStart, match="something that is not a PostgreSQL database: move it away"):
        EmbeddedPostgres(tmp_path / "postgres", server_directory).prepare()
    assert [path.name for path in tmp_path.iterdir()] == ["postgres"]
    assert (tmp_path / "postgres" / "letter.txt").read_text() == "dear"


def test_a_half_made_database_is_made_anew(tmp_path: Path, server_directory: Path) -> None:
    (tmp_path / ".postgres.new").mkdir()
    (tmp_path / ".postgres.new" / "PG_VERSION").write_text("18")
    server = EmbeddedPostgres(tmp_path / "postgres", server_directory, durable=False)
    server.prepare()
    assert [path.name for path in tmp_path.iterdir()] == ["postgres"]
    assert (tmp_path / "postgres").stat().st_mode & 0o777 == 0o700


def test_a_damaged_database_fails_with_what_it_says(tmp_path: Path, server_directory: Path) -> None:
    runtime = server_directory / "damaged"
    runtime.mkdir()
    server = EmbeddedPostgres(tmp_path / "postgres", runtime, durable=False)
    server.prepare()
    (tmp_path / "postgres" / "global" / "pg_control").write_bytes(b"")
    with pytest.raises(CannotStart, match="postgres did not start: it ended with exit code"):
        server.start()
