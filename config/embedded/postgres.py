"""An embedded PostgreSQL that listens on a unix socket and belongs to one data directory."""

import functools
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from config import processes
from config.embedded.binaries import Installation, find_postgres
from config.embedded.runtime import CannotStart
from config.embedded.server import EmbeddedServer
from config.launch import NOBODY
from config.probes import Probe, answers_postgres

USER = DATABASE = "tally"
MAX_CONNECTIONS = 200
"""Ten for each web process, and room for people who look inside."""
INITDB_S = 120.0
ORPHAN_S = 20.0
"""For the end of a server whose supervisor was killed: its last checkpoint."""
LONGEST_REASON = 300
ROOT_HINT = (
    " (PostgreSQL does not run as root, and user namespaces are not allowed here: start `tally` as another user)"
)


class EmbeddedPostgres(EmbeddedServer):
    """See `EmbeddedServer`. Acknowledged writes survive any crash."""

    name: ClassVar = "postgres"
    stop_signal: ClassVar = signal.SIGINT  # "fast": ends sessions, writes a checkpoint
    hushed: ClassVar = (
        r"^LOG:|^FATAL:  the database system is (starting up|shutting down|not yet accepting connections)"
        r"|^DETAIL:  Consistent recovery state has not been yet reached"
    )

    @property
    def url(self) -> str:
        """The address for clients."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """Return the address of another database of this server."""
        return f"postgresql://{USER}@/{database}?host={quote(str(self._sockets), safe='/')}"

    def prepare(self) -> None:
        """Make the database, or check it. Blocks for a second the first time. Raises `CannotStart`."""
        if not (self.data / "PG_VERSION").exists():
            self._create()
        _ = self._installation  # of the version that wrote the data, or it is refused here
        self._end_orphan()
        if self._sockets != self.runtime:
            self._sockets.mkdir(mode=0o700, exist_ok=True)
            os.chown(self._sockets, NOBODY, NOBODY)

    def argv(self) -> list[str]:
        """Return the command: to be run through `config.processes.command`."""
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._sockets),
            "unix_socket_permissions": "0700",
            "max_connections": str(MAX_CONNECTIONS),
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_line_prefix": "",
            "logging_collector": "off",
            "log_destination": "stderr",
        }
        if not self.durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        flat = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return [self._program("postgres"), "-D", str(self.data), *flat]

    def environ(self) -> dict[str, str]:
        """Return the whole environment of the command: none of PG*, messages in English."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "LC_", "LANG"))}
        return kept | {"LC_ALL": "C"}

    def probe(self) -> Probe:
        """Return the question whether it is ready."""
        return answers_postgres(self.url)

    # --- the data directory --------------------------------------------------------------------------------

    @functools.cached_property
    def _installation(self) -> Installation:
        try:
            written = (self.data / "PG_VERSION").read_text("ascii").strip()
        except FileNotFoundError:
            return find_postgres()
        except (OSError, UnicodeDecodeError) as error:
            raise CannotStart(f"{self.data / 'PG_VERSION'} cannot be read: {error}") from None
        if not written.isdigit():
            raise CannotStart(f"{self.data} holds no usable database: PG_VERSION says {written!r}: restore a backup")
        return find_postgres(int(written))

    def _create(self) -> None:
        """Make the database in a temporary place, and rename: it exists as a whole or not at all."""
        draft = self.data.with_name(f".{self.data.name}.new")
        if self.data.exists() and any(self.data.iterdir()):
            raise CannotStart(f"{self.data} holds something that is not a PostgreSQL database: move it away")
        try:
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(mode=0o700)
            if _identity() == "nobody":
                os.chown(draft, NOBODY, NOBODY)
            locale = "C.UTF-8" if sys.platform == "linux" else "en_US.UTF-8"
            initdb = ["-D", str(draft), "-U", USER, "-E", "UTF8", f"--locale={locale}"]
            initdb += ["--auth-local=trust", "--auth-host=reject", "--no-instructions"]
            self._run("initdb", *initdb, *([] if self.durable else ["--no-sync"]))
            self._run("postgres", "--single", "-D", str(draft), "template1", stdin=f"CREATE DATABASE {DATABASE};\n")
            if self.data.exists():
                self.data.rmdir()
            draft.rename(self.data)
        except OSError as error:
            raise CannotStart(f"{self.data} cannot be made: {error.strerror}") from None
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _end_orphan(self) -> None:
        """End a server that still runs on this data, and remove what a killed one left in the way.

        PostgreSQL itself refuses to start when the number in postmaster.pid belongs to any living process, which
        after a reboot, or in a container, may be something else.
        """
        note = self.data / "postmaster.pid"
        try:
            pid = abs(int(note.read_text("utf-8").split("\n", 1)[0]))
        except FileNotFoundError:
            return
        except ValueError:
            note.unlink()
            return
        if processes.is_alive(pid) and self._is_ours(pid):
            processes.end(pid, self.stop_signal, ORPHAN_S)
            if processes.is_alive(pid):
                raise CannotStart(f"a PostgreSQL (process {pid}) on {self.data} does not end: kill it")
        note.unlink(missing_ok=True)

    def _is_ours(self, pid: int) -> bool:
        try:
            there = Path(f"/proc/{pid}/cwd").readlink()  # a PostgreSQL works in its data directory
        except OSError:
            return not Path("/proc/self/cwd").exists()  # without /proc: better refuse than run two
        return there == self.data.resolve()

    @functools.cached_property
    def _sockets(self) -> Path:
        return self.runtime / "postgres" if _identity() == "nobody" else self.runtime

    # --- its programs --------------------------------------------------------------------------------------

    @property
    def identity(self) -> processes.Identity:
        """Who the process shall believe to be: PostgreSQL refuses to run as root."""
        return _identity()

    def _program(self, name: str) -> str:
        return str(self._installation.programs / name)

    def _run(self, program: str, *arguments: str, stdin: str = "") -> None:
        try:
            done = subprocess.run(  # noqa: S603
                processes.command([self._program(program), *arguments], identity=self.identity),
                env=self.environ(),
                input=stdin,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=INITDB_S,
                check=False,
                start_new_session=True,
            )
        except subprocess.TimeoutExpired:
            raise CannotStart(f"{program} did not end within {INITDB_S:g} s") from None
        if done.returncode != 0:
            reason = " ".join((done.stderr or done.stdout).split())[-LONGEST_REASON:]
            hint = ROOT_HINT if _identity() == "nobody" else ""
            raise CannotStart(f"{program} failed: {reason}{hint}")


@functools.cache
def _identity() -> processes.Identity:
    if os.geteuid() != 0:
        return "self"
    trial = processes.command([sys.executable, "-I", "-S", "-c", ""], identity="mapped")
    mapped = subprocess.run(trial, stdin=subprocess.DEVNULL, capture_output=True, check=False)  # noqa: S603
    return "mapped" if mapped.returncode == 0 else "nobody"
