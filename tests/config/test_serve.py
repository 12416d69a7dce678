"""`tally serve` with real embedded servers; small programs stand in for ingest and web."""

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config import processes
from config.banner import FIRST_RUN_FILE
from config.embedded import EmbeddedPostgres, EmbeddedValkey, running, running_urls
from config.embedded.runtime import is_locked
from config.postgres import connect
from config.redis import connect as connect_redis
from config.settings import load
from tests.product import PORTS

pytestmark = [pytest.mark.services, pytest.mark.timeout(60)]

ROOT = Path(__file__).parents[2]
STANDIN = str(Path(__file__).with_name("standin.py"))
PROGRAM = f"""
import sys
from config.cli import OPERATOR_ERRORS
from config.embedded import running
from config.serve import Commands, serve
python = sys.executable
commands = Commands(ingest=(python, {STANDIN!r}, "ingest"), web=(python, {STANDIN!r}, "web"),
                    storage=(python, {STANDIN!r}, "storage"), first_run=(python, {STANDIN!r}, "first-run"))
running.LEFTOVER_S = 0.5
try:
    serve(commands)
except OPERATOR_ERRORS as error:
    sys.exit(f"tally: {{error}}")
"""
DEADLINE_S = 20.0


class Serve:
    """`tally serve` in a process of its own, on a data directory that may have seen others."""

    def __init__(self, data: Path, environ: dict[str, str], new_database: Path) -> None:
        self.data, self.environ, self.new_database = data, environ, new_database
        self.output = data.parent / "output"
        self.process: subprocess.Popen[bytes] | None = None
        self.seen: set[int] = set()

    def start(self, **more: str) -> "Serve":
        with self.output.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM], env=self.environ | more, cwd=self.data.parent, stdout=file, stderr=file
            )
        return self

    def start_ready(self, **more: str) -> "Serve":
        """Start on the data of the last time, or on a copy of a new database, and wait for the announcement."""
        if not (self.data / "postgres").exists() and "TALLY_DATABASE_URL" not in more:
            shutil.copytree(self.new_database, self.data / "postgres")
        return self.start_new(**more)

    def start_new(self, **more: str) -> "Serve":
        """Start on nothing, as the first time on a machine."""
        self.start(**more)
        self.until(lambda: " is ready. Ctrl-C stops it." in self.text() or self.has_ended())
        assert not self.has_ended(), self.text()
        return self

    def refusal(self, **more: str) -> str:
        """Start it, expect one line and exit code 1."""
        self.start(**more)
        assert self.process is not None
        assert self.process.wait(DEADLINE_S) == 1
        return self.text()

    def text(self) -> str:
        return self.output.read_text()

    def has_ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def pid(self, name: str) -> int:
        note = running.read(self.data)
        return note.children[name].pid if note and name in note.children else 0

    def until(self, is_so: Callable[[], bool], wait_s: float = DEADLINE_S) -> None:
        ends = time.monotonic() + wait_s
        while not is_so():
            assert time.monotonic() < ends, self.text()
            time.sleep(0.02)

    def family(self) -> set[int]:
        """Return the pids of all processes that descend from it, or did when we last looked."""
        assert self.process is not None
        parents = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                text = stat.read_text()
            except OSError:
                continue
            parents[int(stat.parent.name)] = int(text[text.rindex(")") + 4 :].split()[0])
        found = {self.process.pid}
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= more
        self.seen |= found - {self.process.pid}
        return self.seen

    def end(self, number: int = signal.SIGINT) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(DEADLINE_S)

    def assert_nothing_is_left(self) -> None:
        self.until(lambda: not any(map(processes.is_alive, self.seen)))


@pytest.fixture(scope="session")
def new_database(server_directory: Path) -> Path:
    """The files of a new database: making them takes a second, copying them a tenth."""
    server = EmbeddedPostgres(server_directory / "new", server_directory, durable=False)
    server.prepare()
    return server.data


@pytest.fixture
def serve(tmp_path: Path, free_port: Callable[[], int], new_database: Path) -> Iterator[Serve]:
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("TALLY_", "XDG_"))}
    environ |= {name: str(free_port()) for name in PORTS} | {"PYTHONPATH": str(ROOT)}
    made = Serve(tmp_path / "data", environ | {"TALLY_DATA": str(tmp_path / "data")}, new_database)
    yield made
    if not made.has_ended():
        made.end()
    for pid in made.seen:
        if processes.is_alive(pid):
            os.kill(pid, signal.SIGKILL)


async def test_the_first_run_shows_key_and_password_once_and_the_second_does_not(serve: Serve) -> None:
    serve.start_new()
    assert "live_standin" in serve.text()
    assert "password correct horse" in serve.text()
    assert str(serve.data / FIRST_RUN_FILE) in serve.text()
    assert f"rtmp://localhost:{serve.environ['TALLY_RTMP_PORT']}/live" in serve.text()
    serve.family()
    assert serve.end() == 0
    serve.assert_nothing_is_left()

    serve.start_ready()
    assert "live_standin" not in serve.text()
    assert "correct horse" not in serve.text()
    assert "http://localhost:8080" in serve.text()
    serve.end()


async def test_an_ordered_stop_leaves_no_process_and_no_note(serve: Serve) -> None:
    serve.start_ready()
    assert len(serve.family()) >= 6
    runtime = Path(re.findall(r"unix://(\S+)/redis.sock", serve.text())[0])
    assert runtime.exists()
    assert serve.end(signal.SIGTERM) == 0
    serve.assert_nothing_is_left()
    text = serve.text()
    assert text.index("web ends") < text.rindex("\n")
    assert not runtime.exists()
    assert running.read(serve.data) is None
    assert not is_locked(serve.data)
    assert not (serve.data / "postgres" / "postmaster.pid").exists()


async def test_other_terminals_find_the_servers(serve: Serve) -> None:
    settings = load({"TALLY_DATA": str(serve.data)}, bare=True).settings
    assert running_urls(settings) is None
    serve.start_ready()
    assert ((serve.data / "run.json").stat().st_mode & 0o777) == 0o600
    urls = running_urls(settings)
    assert urls is not None
    connection = await connect(urls.database_url)
    assert await connection.fetchval("SELECT count(*) FROM users") == 1
    await connection.close()
    client = connect_redis(urls.redis_url)
    assert await client.ping()
    await client.aclose()
    assert f"web has {urls.database_url} and {urls.redis_url}" in serve.text()
    serve.end()
    assert running_urls(settings) is None


async def test_kill_9_of_the_supervisor_leaves_nothing_and_the_next_start_works(serve: Serve) -> None:
    serve.start_ready()
    assert len(serve.family()) >= 10  # PostgreSQL's own children among them
    serve.end(signal.SIGKILL)
    serve.assert_nothing_is_left()
    serve.start_ready()
    serve.end()


async def test_a_stuck_child_of_a_killed_supervisor_is_ended_by_the_next(serve: Serve) -> None:
    serve.start_ready()
    ingest = serve.pid("ingest")
    os.kill(ingest, signal.SIGSTOP)  # it cannot obey the signal that its parent is gone, and keeps its ports
    serve.until(lambda: ") T " in Path(f"/proc/{ingest}/stat").read_text())
    serve.family()
    serve.end(signal.SIGKILL)
    serve.until(lambda: not processes.is_alive(serve.pid("web")))
    assert processes.is_alive(ingest)
    serve.start_ready()
    assert "ingest was left by a killed `tally serve` and is ended" in serve.text()
    assert not processes.is_alive(ingest)
    serve.end()


async def test_kill_9_of_the_servers_loses_nothing_and_they_are_back(serve: Serve) -> None:
    serve.start_ready()
    urls = running_urls(load({"TALLY_DATA": str(serve.data)}, bare=True).settings)
    assert urls is not None
    connection = await connect(urls.database_url)
    await connection.execute("CREATE TABLE kept (n integer)")
    for n in range(100):
        await connection.execute("INSERT INTO kept VALUES ($1)", n)
    client = connect_redis(urls.redis_url)
    await client.set("kept", "yes")
    while (await client.info("persistence"))["aof_buffer_length"]:  # handed to the kernel, which outlives it
        await asyncio.sleep(0.01)
    victims = [serve.pid("postgres"), serve.pid("redis")]
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    connection.terminate()
    serve.until(lambda: "postgres is ready again" in serve.text() and "redis is ready again" in serve.text())
    connection = await connect(urls.database_url)
    assert await connection.fetchval("SELECT count(*) FROM kept") == 100
    await connection.close()
    assert await client.get("kept") == b"yes"
    await client.aclose()
    assert serve.pid("postgres") not in victims
    assert serve.end() == 0


async def test_web_and_ingest_come_back_when_killed(serve: Serve) -> None:
    serve.start_ready(TALLY_WEB_PROCESSES="2")
    victims = {name: serve.pid(name) for name in ("web-1", "web-2", "ingest")}
    assert all(victims.values())
    for pid in victims.values():
        os.kill(pid, signal.SIGKILL)
    serve.until(lambda: all(serve.pid(name) not in (0, pid) for name, pid in victims.items()))
    serve.until(lambda: "ingest is ready again" in serve.text())
    serve.end()


async def test_a_second_serve_on_one_data_directory_is_refused(serve: Serve, tmp_path: Path) -> None:
    serve.start_ready()
    (tmp_path / "second").mkdir()
    second = Serve(serve.data, serve.environ, serve.new_database)
    second.output = tmp_path / "second" / "output"
    assert second.refusal() == f"tally: `tally serve` already runs on {serve.data}: stop it, or set TALLY_DATA\n"
    assert not serve.has_ended()
    serve.end()


async def test_servers_of_ones_own_are_used_and_embedded_ones_never_start(
    serve: Serve, database_url: str, redis_server: EmbeddedValkey
) -> None:
    serve.start_ready(TALLY_DATABASE_URL=database_url, TALLY_REDIS_URL=redis_server.url)
    assert f"web has {database_url} and {redis_server.url}" in serve.text()
    assert not (serve.data / "postgres").exists()
    assert not (serve.data / "valkey").exists()
    serve.end()


@pytest.mark.parametrize("name", PORTS)
async def test_a_taken_port_is_named_before_anything_starts(serve: Serve, name: str) -> None:
    kind = socket.SOCK_DGRAM if name == "TALLY_SRT_PORT" else socket.SOCK_STREAM
    with socket.socket(type=kind) as taken:
        taken.bind(("127.0.0.1", int(serve.environ[name])))
        if kind == socket.SOCK_STREAM:
            taken.listen()
        said = serve.refusal()
    port = serve.environ[name]
    assert said == f"tally: port {port} ({name}) is in use by another program: stop it or set {name}\n"
    assert not (serve.data / "postgres").exists()


async def test_one_port_for_two_is_refused(serve: Serve) -> None:
    port = serve.environ["TALLY_HTTP_PORT"]
    said = serve.refusal(TALLY_RTMP_PORT=port)
    assert said == f"tally: TALLY_HTTP_PORT and TALLY_RTMP_PORT are both {port}: change one\n"


async def test_a_file_in_place_of_the_data_directory_is_refused(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    said = serve.refusal(TALLY_DATA=str(tmp_path / "file"))
    assert said == f"tally: {tmp_path / 'file'} (TALLY_DATA) is not a directory: move it away, or set TALLY_DATA\n"
    assert (tmp_path / "file").read_text() == "mine"


async def test_an_unknown_setting_is_refused(serve: Serve) -> None:
    said = serve.refusal(TALLY_RMTP_PORT="1")
    assert said == "tally: there is no setting TALLY_RMTP_PORT: did you mean TALLY_RTMP_PORT?\n"


async def test_a_newer_database_is_refused_and_not_changed(serve: Serve, database_url: str, redis_url: str) -> None:
    connection = await connect(database_url)
    await connection.execute("INSERT INTO schema_migrations VALUES (9999, '9999_future.sql', 'x')")
    said = serve.refusal(TALLY_DATABASE_URL=database_url, TALLY_REDIS_URL=redis_url)
    assert "tally: the database is newer than this program (it has 9999_future.sql): run the version" in said
    assert await connection.fetchval("SELECT max(version) FROM schema_migrations") == 9999
    await connection.close()


async def test_data_of_another_postgres_is_refused_and_not_touched(serve: Serve) -> None:
    data = serve.data / "postgres"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("9\n")
    said = serve.refusal()
    assert said.startswith("tally: the database was made by PostgreSQL 9, and here is only ")
    assert "install PostgreSQL 9, or dump it there" in said
    assert said.count("\n") == 1
    assert [path.name for path in data.iterdir()] == ["PG_VERSION"]


async def test_a_process_that_cannot_run_ends_serve_with_its_reason(serve: Serve) -> None:
    shutil.copy(STANDIN, broken := serve.data.parent / "broken.py")
    broken.write_text("raise SystemExit('the web process has no shoes')")
    program = PROGRAM.replace(f'{STANDIN!r}, "web")', f'{str(broken)!r}, "web")')
    done = subprocess.run(
        [sys.executable, "-c", program], env=serve.environ, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 1
    assert "web      | the web process has no shoes" in done.stderr
    assert done.stderr.endswith("tally: web ended with exit code 1 before it was ready\n")


async def test_json_lines_stay_json(serve: Serve) -> None:
    serve.start_ready(TALLY_LOG_FORMAT="json")
    os.kill(serve.pid("web"), signal.SIGKILL)
    serve.until(lambda: '{"process":"tally","event":"web was ended by SIGKILL' in serve.text())
    serve.end()


async def test_doctor_in_another_terminal_is_content(serve: Serve) -> None:
    serve.start_ready()
    done = subprocess.run(
        [sys.executable, "-m", "config", "doctor", "--json"],
        env=serve.environ,
        cwd=serve.data.parent,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    details = {check["name"]: check["detail"] for check in json.loads(done.stdout)["checks"]}
    assert details["migrations"].startswith("the database has ")
    for name in PORTS:
        assert details[f"port {serve.environ[name]}"] == f"used by the running `tally serve` ({name})"
    serve.end()


async def test_a_closed_terminal_ends_serve_unless_it_was_started_with_nohup(serve: Serve) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # these tests may run under nohup themselves
    try:
        serve.start_ready()
        assert serve.end(signal.SIGHUP) == 0
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        serve.start_ready()
    finally:
        signal.signal(signal.SIGHUP, before)
    assert serve.process is not None
    serve.process.send_signal(signal.SIGHUP)
    os.kill(serve.pid("web"), signal.SIGKILL)
    serve.until(lambda: "web is ready again" in serve.text())
    serve.end()


async def test_at_debug_level_the_servers_tell_everything(serve: Serve) -> None:
    serve.start_ready(TALLY_LOG_LEVEL="debug")
    assert "database system is ready to accept connections" in serve.text()
    serve.end()
    serve.start_ready()
    assert "postgres |" not in serve.text()
    serve.end()
