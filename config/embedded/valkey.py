"""An embedded Valkey (or Redis) that keeps an append-only file and listens on a unix socket."""

import os
import signal
from typing import ClassVar

from config.embedded.binaries import find_valkey
from config.embedded.runtime import CannotStart
from config.embedded.server import EmbeddedServer
from config.probes import Probe, answers_redis


class EmbeddedValkey(EmbeddedServer):
    """See `EmbeddedServer`. After a crash of the machine up to one second of writes may be missing."""

    name: ClassVar = "redis"
    stop_signal: ClassVar = signal.SIGTERM
    # It suggests kernel settings for big servers at each start.
    hushed: ClassVar = (
        r"overcommit|Transparent Huge|Redis is starting|Configuration loaded|SIGTERM|bye bye|User requested"
    )

    @property
    def socket(self) -> str:
        """The path of its socket."""
        return str(self.runtime / "redis.sock")

    @property
    def url(self) -> str:
        """The address for clients."""
        return f"unix://{self.socket}"

    def prepare(self) -> None:
        """Make its directory."""
        try:
            self.data.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise CannotStart(f"{self.data} cannot be made: {error.strerror}") from None

    def argv(self) -> list[str]:
        """Return the command: to be run through `config.processes.command`."""
        options = {
            "port": "0",
            "unixsocket": self.socket,
            "unixsocketperm": "700",
            "dir": str(self.data),
            "daemonize": "no",
            "save": "",
            "appendonly": "yes" if self.durable else "no",
            "appendfsync": "everysec",
            "loglevel": "warning",
        }
        flat = [part for name, value in options.items() for part in (f"--{name}", value)]
        return [str(find_valkey()), *flat]

    def environ(self) -> dict[str, str]:
        """Return the whole environment of the command."""
        return dict(os.environ)

    def probe(self) -> Probe:
        """Return the question whether it is ready."""
        return answers_redis(self.socket)
