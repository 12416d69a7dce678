"""The program `tally`. Commands of the media and web packages are handed to them, with the servers' addresses.

Exit codes: 0 done, 1 not possible (one line says what to do), 2 not understood.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

import msgspec

from config.edge.command import add_arguments as edge_arguments
from config.edge.command import configuration
from config.edge.plan import CannotPrint
from config.embedded.runtime import CannotStart
from config.keeper import StartFailed
from config.migrations import MigrationRefused, migrate, shipped
from config.postgres import DatabaseUnavailable
from config.settings import Settings, SettingsError, load, variable
from config.version import VERSION

OPERATOR_ERRORS = (SettingsError, CannotStart, StartFailed, MigrationRefused, DatabaseUnavailable, CannotPrint)
"""Their text is one line for the person at the terminal."""


class Delegate(msgspec.Struct, frozen=True):
    """A command of another package, which may not be imported here."""

    module: str
    help: str
    needs: tuple[str, ...] = ()
    """Settings that a running `tally serve` can fill in."""


DELEGATES = {
    "ingest": Delegate("media", "receive publishers and package their streams", ("redis_url",)),
    "webrtc": Delegate("media", "receive publishers and serve viewers over WebRTC"),
    "relay": Delegate("media", "fetch streams from elsewhere, send sources on to other servers"),
    "storage": Delegate("media", "put streams and recordings into the object store", ("redis_url",)),
    "web": Delegate("web", "serve pages, API and streams to viewers", ("database_url", "redis_url")),
    "demo": Delegate("media", "publish a moving test picture with a clock and a tone"),
    "user": Delegate("web", "add accounts, say what they may", ("database_url", "redis_url")),
    "channel": Delegate("web", "add channels, limit what they may send", ("database_url", "redis_url")),
    "pull": Delegate("web", "fetch a channel's stream from elsewhere", ("database_url", "redis_url")),
    "key": Delegate("web", "show or rotate stream keys", ("database_url", "redis_url")),
    "access": Delegate("web", "replace the key of signed addresses", ("database_url", "redis_url")),
}


def main() -> NoReturn:
    """Run the command of `sys.argv`."""
    sys.exit(run(sys.argv[1:]))


def run(argv: Sequence[str]) -> int:
    """Run one command and return its exit code; delegated commands replace this process."""
    try:
        if argv and argv[0] in DELEGATES:
            _delegate(argv[0], argv[1:])
        arguments = _parser().parse_args(argv)
        command: Callable[[argparse.Namespace], int] = arguments.run
        return command(arguments)
    except OPERATOR_ERRORS as error:
        print(f"tally: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # `tally doctor | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="tally",
        formatter_class=raw,
        description="Tallylight: live streaming on your own machine.",
        epilog="example: tally serve\n`tally COMMAND --help` shows an example of each command.",
    )
    parser.add_argument("--version", action="version", version=f"tally {VERSION}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def add(name: str, work: Callable[[argparse.Namespace], int], text: str, example: str) -> argparse.ArgumentParser:
        command = commands.add_parser(
            name, help=text, description=text, epilog=f"example: {example}", formatter_class=raw
        )
        command.set_defaults(run=work)
        return command

    add("serve", _serve, "run everything in the foreground", "TALLY_HTTP_PORT=80 tally serve")
    command = add("migrate", _migrate, "bring the database to this version", "tally migrate --json")
    command.add_argument("--json", action="store_true", help="print the outcome as JSON")
    command = add("doctor", _doctor, "check this machine and show all settings", "tally doctor --json")
    command.add_argument("--json", action="store_true", help="print the outcome as JSON")
    example = "tally edge nginx --origin http://10.0.0.2:8080 --certificate /etc/tls/chain.pem --key /etc/tls/key.pem"
    edge_arguments(add("edge", _edge, "print a configuration for a cache or proxy in front of this", example))
    for name, delegate in DELEGATES.items():
        commands.add_parser(name, help=delegate.help, add_help=False)  # listed here, handled before
    return parser


def _serve(_arguments: argparse.Namespace) -> int:
    from config.serve import serve

    serve()
    return 0


def _migrate(arguments: argparse.Namespace) -> int:
    settings = load(bare=True).settings
    url = settings.database_url or _running(settings)["database_url"]
    applied = asyncio.run(migrate(url))
    newest = shipped()[-1].name
    if arguments.json:
        print(json.dumps({"applied": applied, "newest": newest}))
    else:
        print("\n".join(f"applied {name}" for name in applied) or f"nothing to do: the database has {newest}")
    return 0


def _doctor(arguments: argparse.Namespace) -> int:
    from config import doctor

    report = asyncio.run(doctor.examine(load(bare=True)))
    print(doctor.as_json(report) if arguments.json else doctor.as_text(report))
    return 1 if report.failed else 0


def _edge(arguments: argparse.Namespace) -> int:
    print(configuration(load(bare=True).settings, arguments), end="")
    return 0


# --- commands of other packages ----------------------------------------------------------------------------


def _delegate(name: str, arguments: Sequence[str]) -> NoReturn:
    delegate = DELEGATES[name]
    environ = dict(os.environ)
    if delegate.needs and not {"-h", "--help"} & set(arguments):
        environ |= _addresses(load(bare=True).settings, delegate.needs)
    # The name only where the module has several commands: `python -m web` alone serves.
    command = [sys.executable, "-m", delegate.module, *([] if name == delegate.module else [name]), *arguments]
    sys.stdout.flush()
    os.execve(sys.executable, command, environ)  # noqa: S606


def _addresses(settings: Settings, needs: Sequence[str]) -> dict[str, str]:
    missing = [name for name in needs if getattr(settings, name) is None]
    if not missing:
        return {}
    found = _running(settings)
    return {variable(name): found[name] for name in missing}


def _running(settings: Settings) -> dict[str, str]:
    from config.embedded import running_urls

    urls = running_urls(settings)
    if urls is None:
        raise CannotStart(f"nothing runs on {settings.data}: start `tally serve` first, or set TALLY_DATABASE_URL")
    return {"database_url": urls.database_url, "redis_url": urls.redis_url}
