"""`python -m media ingest | demo`: the media processes."""

import argparse
import gc
import sys

import uvloop

from config import logs
from config.limits import raise_open_files
from config.settings import Settings, SettingsError, load
from media import demo, server

GC_THRESHOLD = 50_000
"""Allocations between two collections: packets are plain and die young, and cycles are rare here."""


def main() -> None:
    """Run one media process; exit with a line that says what went wrong."""
    parser = argparse.ArgumentParser(prog="tally", description="Tallylight's media processes.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser(
        "ingest",
        help="receive publishers and package their streams",
        epilog="example: TALLY_REDIS_URL=redis://cache:6379 tally ingest",
    )
    demo.add_arguments(commands)
    arguments = parser.parse_args()
    try:
        settings = load().settings
    except SettingsError as error:
        sys.exit(str(error))
    logs.configure(arguments.command, settings)
    if arguments.command == "demo":
        demo.main(arguments, settings)
    else:
        _ingest(settings)


def _ingest(settings: Settings) -> None:
    gc.set_threshold(GC_THRESHOLD)
    raise_open_files()
    try:
        uvloop.run(server.run(settings))
    except server.StartError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
