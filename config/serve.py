"""`tally serve`: all of Tallylight on one machine, under one supervisor, until it is told to stop."""

import asyncio
import os
import shutil
import signal
import sys
from contextlib import ExitStack
from pathlib import Path

import msgspec

from config import banner, ports, processes
from config.embedded import EmbeddedPostgres, EmbeddedValkey, running
from config.embedded.runtime import locked, prepare_data, runtime_directory
from config.embedded.server import READY_S, STOP_S, EmbeddedServer
from config.keeper import Spec
from config.migrations import migrate
from config.postgres import connect
from config.probes import Probe, accepts, answers_http
from config.settings import Settings, load, reachable, variable
from config.supervisor import Supervisor
from config.terminal import Terminal
from config.version import VERSION

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

SECOND_SIGNAL_S = 1.0
"""From here on a repeated signal is impatience; before, it is one that came twice, as from `timeout`."""


class Commands(msgspec.Struct, frozen=True, kw_only=True):
    """The commands of our own processes."""

    ingest: tuple[str, ...] = (sys.executable, "-m", "media", "ingest")
    storage: tuple[str, ...] = (sys.executable, "-m", "media", "storage")
    webrtc: tuple[str, ...] = (sys.executable, "-m", "media", "webrtc")
    relay: tuple[str, ...] = (sys.executable, "-m", "media", "relay")
    web: tuple[str, ...] = (sys.executable, "-m", "web")
    first_run: tuple[str, ...] = (sys.executable, "-m", "web", "first-run")


def serve(commands: Commands | None = None) -> None:
    """Run until a signal. Raises one of `config.cli.OPERATOR_ERRORS` when that is not possible.

    Nothing is left running when this returns or raises; when it is killed, the kernel ends the children.
    """
    prepare_data(load(bare=True).settings.data)
    settings = load(make_secret=True).settings
    with locked(settings.data), ExitStack() as stack:
        terminal = Terminal(as_json=settings.log_format == "json")
        stack.callback(terminal.close)
        for name in running.end_leftovers(settings.data):
            terminal.line("tally", f"{name} was left by a killed `tally serve` and is ended")
        ports.check(settings)
        runtime = runtime_directory(settings.data)
        stack.callback(shutil.rmtree, runtime, ignore_errors=True)
        stack.callback(running.remove, settings.data)
        asyncio.run(Serving(settings, commands or Commands(), terminal, runtime).run())


class Serving:
    """One run of `tally serve`. The data directory is locked by the caller."""

    def __init__(self, settings: Settings, commands: Commands, terminal: Terminal, runtime: Path) -> None:
        self._settings, self._commands, self._terminal = settings, commands, terminal
        self._supervisor = Supervisor(terminal.line, changed=self._note)
        self._embedded: list[EmbeddedServer] = []
        self._database_url, self._redis_url = settings.database_url, settings.redis_url
        if self._database_url is None:
            postgres = EmbeddedPostgres(settings.data / "postgres", runtime)
            self._embedded.append(postgres)
            self._database_url = postgres.url
        if self._redis_url is None:
            valkey = EmbeddedValkey(settings.data / "valkey", runtime)
            self._embedded.append(valkey)
            self._redis_url = valkey.url

    async def run(self) -> None:
        """Start everything, announce it, wait for a signal, stop everything."""
        asked = asyncio.Event()
        asked_at = 0.0
        loop = asyncio.get_running_loop()

        def ask() -> None:
            nonlocal asked_at
            if asked.is_set():
                if loop.time() - asked_at < SECOND_SIGNAL_S:
                    return
                self._terminal.line("tally", "killing what is left")
                self._supervisor.kill()
            else:
                self._terminal.line("tally", "stopping")
                asked_at = loop.time()
                asked.set()

        for number in STOP_SIGNALS:
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # `nohup tally serve` stays
                loop.add_signal_handler(number, ask)
        stop = asyncio.create_task(asked.wait(), name="stop")
        life = asyncio.create_task(self._live(), name="life")
        try:
            await asyncio.wait({stop, life}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stop.cancel()
            life.cancel()
            ended = (await asyncio.gather(life, return_exceptions=True))[0]
            await self._supervisor.stop()
        if isinstance(ended, Exception):
            raise ended

    async def _live(self) -> None:
        await self._supervisor.start(*map(self._server_spec, self._embedded))
        assert self._database_url is not None
        for name in await migrate(self._database_url):
            self._terminal.line("tally", f"the database was brought to {name.removesuffix('.sql')}")
        is_first = await has_no_account(self._database_url)
        # Ingest comes after web and goes before it, so that web hears of every publisher, also of the last one's end.
        await self._supervisor.start(*self._web_specs(is_first=is_first))
        # Storage comes before ingest and goes after it, so that the end of every stream is still stored.
        await self._supervisor.start(self._storage_spec())
        await self._supervisor.start(self._ingest_spec())
        # Both come after ingest and go before it: they are its publishers and its viewers.
        await self._supervisor.start(*self._beside_specs())
        first_run = banner.read_first_run(self._settings.data) if is_first else None
        self._terminal.announce(banner.text(self._settings, VERSION, first_run))
        await self._supervisor.watch()

    # --- what runs -----------------------------------------------------------------------------------------

    def _server_spec(self, server: EmbeddedServer) -> Spec:
        return Spec(
            name=server.name,
            before=server.prepare,
            argv=tuple(server.argv()),
            env=server.environ(),
            identity=server.identity,
            ready=server.probe(),
            ready_s=READY_S,
            stop_signal=server.stop_signal,
            stop_s=STOP_S,
            hushed="" if self._settings.log_level == "debug" else server.hushed,
        )

    def _web_specs(self, *, is_first: bool) -> list[Spec]:
        settings, commands, env = self._settings, self._commands, self._environ()
        names = [f"web-{n + 1}" for n in range(settings.web_processes)] if settings.web_processes > 1 else ["web"]
        specs = [Spec(name=name, argv=commands.web, env=env, ready=_web_ready(settings)) for name in names]
        if is_first:  # beside the others, which do not need what it makes
            specs.append(Spec(name="first-run", argv=commands.first_run, env=env, once=True))
        return specs

    def _ingest_spec(self) -> Spec:
        return Spec(name="ingest", argv=self._commands.ingest, env=self._environ(), ready=_ingest_ready(self._settings))

    def _storage_spec(self) -> Spec:
        settings = self._settings
        listener = accepts(reachable(settings.storage_host), settings.storage_port)
        return Spec(name="storage", argv=self._commands.storage, env=self._environ(), ready=listener)

    def _beside_specs(self) -> list[Spec]:
        settings, commands, env = self._settings, self._commands, self._environ()
        beside = (
            ("webrtc", commands.webrtc, settings.webrtc_host, settings.webrtc_port),
            ("relay", commands.relay, settings.relay_host, settings.relay_port),
        )
        return [
            Spec(name=name, argv=argv, env=env, ready=accepts(reachable(host), port))
            for name, argv, host, port in beside
            if port
        ]

    def _environ(self) -> dict[str, str]:
        settings = self._settings
        given = {
            "data": str(settings.data),
            "database_url": str(self._database_url),
            "redis_url": str(self._redis_url),
            "secret": settings.secret,
            "log_format": "json" if settings.log_format == "json" else "console",
        }
        ours = {variable(name): value for name, value in given.items()}
        return os.environ | ours | {"PYTHONUNBUFFERED": "1"}

    def _note(self) -> None:
        """Tell other terminals, and the `tally serve` after a crash."""
        children = {
            keeper.spec.name: running.Child(keeper.pid, processes.birth(keeper.pid), keeper.spec.stop_signal)
            for keeper in self._supervisor.keepers()
            if keeper.pid is not None
        }
        note = running.Running(os.getpid(), str(self._database_url), str(self._redis_url), children)
        try:
            running.write(self._settings.data, note)
        except OSError as error:  # a full disk must not stop the streams
            self._terminal.line("tally", f"{running.RUN_FILE} cannot be written: {error.strerror}")


async def has_no_account(database_url: str) -> bool:
    """Tell whether nobody has used this database yet."""
    connection = await connect(database_url)
    try:
        return not await connection.fetchval("SELECT EXISTS (SELECT FROM users)")
    finally:
        await connection.close()


def _ingest_ready(settings: Settings) -> Probe:
    origin = accepts(reachable(settings.origin_host), settings.origin_port)
    rtmp = accepts(reachable(settings.rtmp_host), settings.rtmp_port) if settings.rtmp_port else None

    async def probe() -> None:
        await origin()
        if rtmp is not None:
            await rtmp()

    return probe


def _web_ready(settings: Settings) -> Probe:
    health = answers_http(reachable(settings.internal_host), settings.internal_port, "/readyz")
    public = accepts(reachable(settings.http_host), settings.http_port)

    async def probe() -> None:
        await health()
        await public()

    return probe
