"""The command `tally edge`: prints a configuration for this installation."""

import argparse
from collections.abc import Callable
from pathlib import Path

from config.edge import caddy, nginx, varnish
from config.edge.plan import DEFAULT_CACHE, DEFAULT_CACHE_DIR, DEFAULT_LOG_DIR, Asked, Edge, plan
from config.settings import Settings

WRITERS: dict[str, Callable[[Edge], str]] = {"nginx": nginx.text, "varnish": varnish.text, "caddy": caddy.text}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("kind", choices=WRITERS, help="nginx (cache and TLS), varnish (cache), caddy (TLS by itself)")
    parser.add_argument(
        "--origin",
        action="append",
        default=[],
        metavar="URL",
        help="http://HOST:PORT of the product, or of the cache; may be repeated",
    )
    parser.add_argument(
        "--listen", metavar="HOST:PORT", help="where the edge listens; default: the port of the public URL"
    )
    parser.add_argument("--server-name", metavar="NAME", help="the name viewers use; default: of TALLY_PUBLIC_URL")
    parser.add_argument(
        "--certificate", type=Path, metavar="FILE", help="TLS certificate chain; default: that of the settings"
    )
    parser.add_argument("--key", type=Path, metavar="FILE", help="its key")
    parser.add_argument(
        "--cache-size", default=DEFAULT_CACHE, metavar="SIZE", help="such as 500m or 20g; default: %(default)s"
    )
    parser.add_argument(
        "--cache-dir", type=Path, default=DEFAULT_CACHE_DIR, metavar="DIR", help="nginx: default: %(default)s"
    )
    parser.add_argument(
        "--log-dir", type=Path, default=DEFAULT_LOG_DIR, metavar="DIR", help="nginx: default: %(default)s"
    )


def configuration(settings: Settings, arguments: argparse.Namespace) -> str:
    """Return what `tally edge` prints. Raises `CannotPrint`."""
    asked = Asked(
        origins=tuple(arguments.origin),
        listen=arguments.listen,
        server_name=arguments.server_name,
        certificate=arguments.certificate,
        key=arguments.key,
        cache_size=arguments.cache_size,
        cache_dir=arguments.cache_dir,
        log_dir=arguments.log_dir,
    )
    return WRITERS[arguments.kind](plan(settings, asked))
