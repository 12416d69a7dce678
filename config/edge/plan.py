"""What an edge stands between: its own address, the product behind it, its room and its certificate.

CannotPrint      the operator's mistake, in one line that says what to give
"""

import re
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

import msgspec

from config.settings import Settings, reachable

Kind = Literal["nginx", "varnish", "caddy"]
Scheme = Literal["http", "https"]
BLOCKED_S: Final = 35
"""For one answer of the product: it holds a reload or a hinted part for up to 30 s before it says 503."""
STALE_S: Final = 60
"""While the product restarts, what it said last is answered for so long; a live playlist that old helps nobody."""
DEFAULT_CACHE: Final = "1g"
DEFAULT_CACHE_DIR: Final = Path("/var/cache/nginx/tally")
DEFAULT_LOG_DIR: Final = Path("/var/log/nginx")
_PORTS: Final[dict[Scheme, int]] = {"http": 80, "https": 443}
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*", re.ASCII)
_PATH = re.compile(r"/[A-Za-z0-9/._@+-]*", re.ASCII)
_SIZE = re.compile(r"([1-9][0-9]{0,5})([mg])", re.ASCII | re.IGNORECASE)

_PLACE = re.compile(r"(?P<indent>^[ \t]*|)@(?P<name>[a-z_]+)@(?P<end>\n|)", re.MULTILINE)


class CannotPrint(Exception):
    """No configuration can be made of this. The text is one line for the person at the terminal."""


class Address(msgspec.Struct, frozen=True):
    """Where something listens; an empty host is all addresses of the machine."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator gave on the command line; None is "as the settings have it"."""

    origins: tuple[str, ...] = ()
    listen: str | None = None
    server_name: str | None = None
    certificate: Path | None = None
    key: Path | None = None
    cache_size: str = DEFAULT_CACHE
    cache_dir: Path = DEFAULT_CACHE_DIR
    log_dir: Path = DEFAULT_LOG_DIR


class Edge(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a configuration is written from; every text in it is safe to put there.

    `origins`: the product, plain HTTP. `listen`: None is the usual port on all addresses. `certificate` and `key`
    are both there or not. `public_scheme` and `public_port` are what viewers use, whoever ends their TLS.
    """

    origins: tuple[Address, ...]
    listen: Address | None
    server_name: str
    public_scheme: Scheme
    public_port: int
    certificate: Path | None
    key: Path | None
    cache_mb: int
    cache_dir: Path
    log_dir: Path
    embedders: tuple[str, ...]
    """Hosts whose pages may play from here besides our own, `*.` for all below; empty: everybody's."""

    @property
    def pages(self) -> str:
        """Return a regular expression for Origin and Referer of pages that may play from here."""
        own = (self.server_name, *self.embedders)
        return rf"^https?://({'|'.join(map(_page, own))})(/|$)"


def plan(settings: Settings, asked: Asked) -> Edge:
    """Return the edge for this installation. Raises `CannotPrint`."""
    public = urlsplit(settings.public_url)
    scheme: Scheme = "https" if public.scheme == "https" else "http"
    certificate, key = _certificate(settings, asked, scheme)
    return Edge(
        origins=tuple(map(_origin, asked.origins)) or (Address(reachable(settings.http_host), settings.http_port),),
        listen=_listen(asked.listen) if asked.listen is not None else None,
        server_name=_host(asked.server_name or public.hostname or "", "--server-name"),
        public_scheme=scheme,
        public_port=public.port or _PORTS[scheme],
        certificate=certificate,
        key=key,
        cache_mb=_megabytes(asked.cache_size),
        cache_dir=_path(asked.cache_dir, "--cache-dir"),
        log_dir=_path(asked.log_dir, "--log-dir"),
        embedders=tuple(name for name in settings.embed_allow.split(",") if name),
    )


def fill(template: str, values: dict[str, str]) -> str:
    """Return the template with each `@name@` replaced; a value's lines are indented as its place is."""

    def put(match: re.Match[str]) -> str:
        value, indent = values[match["name"]], match["indent"]
        if not value and match["end"]:
            return ""  # nor the line that it stood in
        return indent + re.sub(r"\n(?=.)", "\n" + indent, value) + match["end"]

    return _PLACE.sub(put, template)


def _page(name: str) -> str:
    host, _, port = name.partition(":")
    below = r"[A-Za-z0-9.-]+\." if host.startswith("*.") else ""
    return below + re.escape(host.removeprefix("*.")).replace(r"\-", "-") + (f":{port}" if port else "(:[0-9]+)?")


def _certificate(settings: Settings, asked: Asked, scheme: Scheme) -> tuple[Path | None, Path | None]:
    given = asked.certificate, asked.key
    if (given[0] is None) != (given[1] is None):
        raise CannotPrint("--certificate and --key belong together: give both or neither")
    if given == (None, None) and scheme == "https" and asked.listen is None:
        given = settings.tls_certificate, settings.tls_key
    certificate, key = (None if path is None else _path(path.absolute(), "--certificate and --key") for path in given)
    return certificate, key


def _origin(url: str) -> Address:
    parts = urlsplit(url)
    try:
        port = parts.port or _PORTS["http"]
    except ValueError:
        port = 0
    if parts.scheme != "http" or not parts.hostname or parts.path not in ("", "/") or parts.query or not port:
        raise CannotPrint(f"--origin is {url!r}: give http://HOST:PORT of the product, over a network you trust")
    return Address(_host(parts.hostname, "--origin"), port)


def _listen(text: str) -> Address:
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (port.isascii() and port.isdecimal() and 0 < int(port) < 65536):
        raise CannotPrint(f"--listen is {text!r}: give HOST:PORT, or :PORT for all addresses")
    return Address(_host(host, "--listen") if host else "", int(port))


def _host(name: str, option: str) -> str:
    if _HOST.fullmatch(name) is None:
        raise CannotPrint(f"{name!r} is no host name: give one with {option}")
    return name


def _path(path: Path, option: str) -> Path:
    if _PATH.fullmatch(str(path)) is None:
        raise CannotPrint(
            f"{str(path)!r} cannot stand in a configuration: give {option} an absolute path of a-z, 0-9, ._-"
        )
    return path


def _megabytes(size: str) -> int:
    match = _SIZE.fullmatch(size)
    if match is None:
        raise CannotPrint(f"--cache-size is {size!r}: give a number with m or g, such as 500m or 20g")
    return int(match[1]) * (1024 if match[2].lower() == "g" else 1)
