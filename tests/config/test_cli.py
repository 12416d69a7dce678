"""The program `tally`, run as people run it. A small `web` package stands where the real one would be."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.cli import DELEGATES, run
from config.embedded import running
from config.embedded.runtime import locked
from config.migrations import shipped

ROOT = Path(__file__).parents[2]
PACKAGE = """
import json, os, sys
print(json.dumps([sys.argv[1:], os.environ.get("TALLY_DATABASE_URL"), os.environ.get("TALLY_REDIS_URL")]))
sys.exit(7 if "fail" in sys.argv else 0)
"""
PROGRAM = "import sys; sys.path.append(sys.argv.pop(1)); import config.cli; config.cli.main()"
OWN = ("serve", "migrate", "doctor", "edge")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for package in ("web", "media"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
        (tmp_path / package / "__main__.py").write_text(PACKAGE)
    return tmp_path


def tally(place: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("TALLY_")}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, str(ROOT), *arguments],
        cwd=place,
        env=kept | {"PYTHONPATH": ""} | environ,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(["--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    for name in (*OWN, *DELEGATES):
        assert f"\n    {name} " in text


@pytest.mark.parametrize("name", OWN)
def test_every_command_helps_with_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run([name, "--help"])
    assert "example: " in capsys.readouterr().out


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(["--version"])
    assert capsys.readouterr().out.startswith("tally ")


def test_what_is_not_understood_ends_with_2(place: Path) -> None:
    assert tally(place).returncode == 2
    assert tally(place, "swerve").returncode == 2
    assert tally(place, "migrate", "--bogus").returncode == 2


def test_a_bad_setting_is_one_line_and_1(place: Path) -> None:
    done = tally(place, "migrate", TALLY_HTTP_PORT="many")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "tally: TALLY_HTTP_PORT is 'many': give a port from 1 to 65535\n"


def test_without_servers_one_line_says_what_to_do(place: Path) -> None:
    for command in (["user", "add", "eva"], ["key", "show", "demo"], ["channel", "add", "x"], ["web"], ["migrate"]):
        done = tally(place, *command)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.endswith("start `tally serve` first, or set TALLY_DATABASE_URL\n")
        assert done.stderr.count("\n") == 1


def test_commands_are_handed_on_with_all_their_arguments_and_their_exit_code(place: Path) -> None:
    urls = {"TALLY_DATABASE_URL": "postgresql://h/d", "TALLY_REDIS_URL": "redis://h"}
    done = tally(place, "user", "add", "eva", "--admin", **urls)
    assert json.loads(done.stdout) == [["user", "add", "eva", "--admin"], "postgresql://h/d", "redis://h"]
    assert tally(place, "key", "fail", **urls).returncode == 7
    assert json.loads(tally(place, "web", "--parts", "api", **urls).stdout)[0] == ["--parts", "api"]
    assert json.loads(tally(place, "demo", "--help").stdout)[0] == ["demo", "--help"]
    assert json.loads(tally(place, "ingest", TALLY_REDIS_URL="redis://h").stdout) == [["ingest"], None, "redis://h"]


def test_help_of_a_handed_on_command_needs_no_servers(place: Path) -> None:
    assert json.loads(tally(place, "user", "--help").stdout)[0] == ["user", "--help"]


def test_a_running_serve_gives_its_addresses(place: Path) -> None:
    data = place / "data"
    data.mkdir()
    with locked(data):
        running.write(data, running.Running(os.getpid(), "postgresql://embedded/d", "unix:///embedded"))
        done = tally(place, "key", "show", "demo")
        own = tally(place, "key", "show", "demo", TALLY_REDIS_URL="redis://mine")
    assert json.loads(done.stdout)[1:] == ["postgresql://embedded/d", "unix:///embedded"]
    assert json.loads(own.stdout)[1:] == ["postgresql://embedded/d", "redis://mine"]
    assert tally(place, "key", "show", "demo").returncode == 1  # the note outlived its writer


@pytest.mark.services
def test_migrate_tells_what_it_applied(place: Path, empty_database_url: str) -> None:
    first = tally(place, "migrate", "--json", TALLY_DATABASE_URL=empty_database_url)
    assert json.loads(first.stdout)["applied"][0] == "0001_start.sql"
    second = tally(place, "migrate", TALLY_DATABASE_URL=empty_database_url)
    assert second.stdout.startswith(f"nothing to do: the database has {shipped()[-1].name}")
    third = tally(place, "migrate", "--json", TALLY_DATABASE_URL=empty_database_url)
    assert json.loads(third.stdout)["applied"] == []


@pytest.mark.services
def test_a_database_that_says_no_is_one_line(place: Path, empty_database_url: str) -> None:
    done = tally(place, "migrate", TALLY_DATABASE_URL=empty_database_url.replace("@/t_", "@/none_"))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "does not exist" in done.stderr
