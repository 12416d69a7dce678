"""`python -m web`: runs one web process, or does one command of the administrator. `tally` calls it."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import uvloop

from config import logs
from config.limits import raise_open_files
from config.postgres import DatabaseUnavailable
from config.settings import Settings, SettingsError, load
from web import commands
from web.app import PARTS, openapi_text
from web.server import PortTaken, serve

AMOUNT_END = 1 << 31
"""Limits are stored in 32 bits."""

if TYPE_CHECKING:
    Verbs = argparse._SubParsersAction[argparse.ArgumentParser]


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say; return the exit code."""
    given = _parser().parse_args(arguments)
    if given.command == "openapi":
        sys.stdout.write(openapi_text())
        return 0
    try:
        if given.command is None:
            _serve(load().settings, _parts(given.parts))
        else:
            settings = load(bare=True).settings
            logs.configure("web", settings)
            commands.run(given.work, settings, given)
    except (commands.Failed, DatabaseUnavailable, PortTaken, SettingsError) as error:
        commands.complain(str(error))
        return 1
    return 0


def _serve(settings: Settings, parts: Sequence[str]) -> None:
    logs.configure("web", settings)
    if settings.database_url is None or settings.redis_url is None:
        raise commands.Failed("TALLY_DATABASE_URL and TALLY_REDIS_URL must be set here; `tally serve` does it itself")
    raise_open_files()
    chosen = [part for part in PARTS if part in parts]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings, chosen))


def _parts(text: str) -> list[str]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    unknown = [part for part in parts if part not in PARTS]
    if unknown or not parts:
        raise commands.Failed(f"--parts takes {', '.join(PARTS)}, joined by commas; not {text!r}")
    return parts


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tally web",
        description="Run one web process: API, pages, HLS delivery, event sockets.",
        epilog="Example: tally web --parts api,chat",
    )
    parser.add_argument("--parts", default=",".join(PARTS), help=f"what to serve (default: {','.join(PARTS)})")
    subjects = parser.add_subparsers(dest="command", prog="tally", metavar="COMMAND")
    _add(subjects, "openapi", "Print the API's OpenAPI document.", "tally web openapi > openapi.json")
    text = "Make the administrator and the demo channel on an empty database."
    first = _add(subjects, "first-run", text, "tally first-run")
    _runs(first, commands.first_run)

    user = _add(subjects, "user", "Accounts.", "tally user add alice")
    text = "Make an account; its password is printed once."
    verbs = _verbs(user, "user")
    add_user = _add(verbs, "add", text, "tally user add alice --admin")
    add_user.add_argument("name", metavar="NAME")
    add_user.add_argument("--admin", action="store_true", help="may do everything")
    _runs(add_user, commands.add_user)
    text = "Say whether an account may have its channels fetched from elsewhere."
    may_pull = _add(verbs, "may-pull", text, "tally user may-pull alice yes")
    may_pull.add_argument("name", metavar="NAME")
    may_pull.add_argument("answer", choices=("yes", "no"))
    _runs(may_pull, commands.allow_pulls)

    text = "Fetch a channel's stream from elsewhere; without an address from where it was fetched before."
    pull = _add(subjects, "pull", text, "tally pull https://example.org/live/playlist.m3u8 news")
    pull.add_argument(
        "url", metavar="URL", nargs="?", help="http(s) (HLS, MPEG-TS), rtsp(s), rtmp(s), srt, udp or file"
    )
    pull.add_argument("channel", metavar="CHANNEL")
    pull.add_argument("--off", action="store_true", help="no more, until it is turned on again")
    _runs(pull, commands.pull)

    channel = _add(subjects, "channel", "Channels.", "tally channel add news --owner alice")
    text = "Make a channel; its stream key is printed once."
    verbs = _verbs(channel, "channel")
    add_channel = _add(verbs, "add", text, "tally channel add news --owner alice")
    add_channel.add_argument("name", metavar="NAME")
    add_channel.add_argument("--owner", required=True, metavar="USER")
    _runs(add_channel, commands.add_channel)
    text = "Limit what its publishers may send, beside what the instance allows; 0 takes a limit away."
    limit = _add(verbs, "limit", text, "tally channel limit news --max-bitrate-kbps 6000 --max-height 1080")
    limit.add_argument("channel", metavar="CHANNEL")
    limit.add_argument("--max-bitrate-kbps", type=_amount, metavar="KBIT/S", help="mean of 10 s")
    limit.add_argument("--max-height", type=_amount, metavar="PIXELS", help="of the shorter side")
    limit.add_argument("--max-frame-rate", type=_amount, metavar="FPS")
    limit.add_argument("--max-duration-s", type=_amount, metavar="SECONDS")
    _runs(limit, commands.limit_channel)

    key = _add(subjects, "key", "Stream keys.", "tally key rotate news")
    verbs = _verbs(key, "key")
    for verb, work, text in (
        ("show", commands.show_key, "Show what is known of a channel's key; the key itself is stored hashed."),
        ("rotate", commands.rotate_key, "Make a new key, print it once, and cut whoever publishes with the old one."),
    ):
        one = _add(verbs, verb, text, f"tally key {verb} news")
        one.add_argument("channel", metavar="CHANNEL")
        _runs(one, work)

    access = _add(subjects, "access", "Signed addresses of what is not public.", "tally access rotate")
    text = "Sign with a new key from now on. Addresses that are out hold until they expire; with --now none does."
    rotate = _add(_verbs(access, "access"), "rotate", text, "tally access rotate --now")
    rotate.add_argument("--now", action="store_true", help="let no address work any more that was signed before")
    _runs(rotate, commands.rotate_access)
    return parser


def _add(verbs: "Verbs", name: str, text: str, example: str) -> argparse.ArgumentParser:
    return verbs.add_parser(name, help=text, description=text, epilog=f"Example: {example}")


def _verbs(parser: argparse.ArgumentParser, subject: str) -> "Verbs":
    return parser.add_subparsers(dest="verb", prog=f"tally {subject}", metavar="VERB", required=True)


def _amount(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < AMOUNT_END):
        raise argparse.ArgumentTypeError(f"{text!r}: give a whole number from 0, which is no limit")
    return int(text)


def _runs(parser: argparse.ArgumentParser, work: commands.Work) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(work=work)


if __name__ == "__main__":
    sys.exit(main())
