"""`python -m media ingest | storage | webrtc | relay | demo | transcode | pictures | …`: the media processes.

What a process does not need it does not import: a transcode child has to be there within a fraction of a second.
"""

import argparse
import gc
import sys
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from config import logs
from config.settings import Settings, SettingsError, load

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

GC_THRESHOLD = 50_000
"""Allocations between two collections: packets are plain and die young, and cycles are rare here."""
BARE = frozenset({"transcode", "encoders"})
"""Processes that hold no secret and need no server."""


def main() -> None:
    """Run one media process; exit with a line that says what went wrong."""
    parser = argparse.ArgumentParser(prog="tally", description="Tallylight's media processes.")
    commands = parser.add_subparsers(dest="command", required=True)
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    for name, add in {
        "ingest": _add_ingest,
        "storage": _add_storage,
        "webrtc": _add_webrtc,
        "relay": _add_relay,
        "demo": _add_demo,
        "transcode": _add_transcode,
        "pictures": _add_pictures,
        "clip": _add_clip,
        "demux": _add_demux,
        "encoders": _add_encoders,
    }.items():
        if wanted in {name, "", "-h", "--help"}:
            add(commands)
        else:
            commands.add_parser(name)
    arguments = parser.parse_args()
    if arguments.command == "pictures":
        from media.pictures import worker as pictures

        pictures.main()  # decodes what strangers send, and so knows no settings: there are secrets among them
        return
    if arguments.command == "clip":
        from media.clips import worker as clips

        clips.main()  # likewise
        return
    if arguments.command == "demux":
        from media.relay.pull import worker as demux

        demux.main()  # likewise
        return
    try:
        settings = load(bare=wanted in BARE).settings
    except SettingsError as error:
        sys.exit(str(error))
    logs.configure(arguments.command, settings)
    match arguments.command:
        case "demo":
            from media import demo

            demo.main(arguments, settings)
        case "transcode":
            from media.transcode import worker

            worker.main(arguments)
        case "encoders":
            from media.transcode import encoders

            encoders.main(arguments)
        case "storage":
            from media.storage import server as storage

            _serve(storage.run, settings)
        case "webrtc":
            from media.webrtc import server as webrtc

            _serve(webrtc.run, settings, is_hot=True)
        case "relay":
            from media.relay import server as relay

            _serve(relay.run, settings)
        case _:
            from media import server as ingest

            _serve(ingest.run, settings, is_hot=True)


def _add_ingest(commands: "Commands") -> None:
    commands.add_parser(
        "ingest",
        help="receive publishers and package their streams",
        epilog="example: TALLY_REDIS_URL=redis://cache:6379 tally ingest",
    )


def _add_storage(commands: "Commands") -> None:
    commands.add_parser(
        "storage",
        help="put what ingest left in the spool into the object store",
        epilog="example: TALLY_S3_URL=s3://KEY:SECRET@host/bucket tally storage",
    )


def _add_webrtc(commands: "Commands") -> None:
    commands.add_parser(
        "webrtc",
        help="receive publishers and serve viewers over WebRTC",
        epilog="example: TALLY_WEBRTC_ADDRESSES=203.0.113.7 TALLY_WEBRTC_UDP_PORTS=50000-50999 tally webrtc",
    )


def _add_relay(commands: "Commands") -> None:
    commands.add_parser(
        "relay",
        help="fetch streams from elsewhere and send sources on to other servers",
        epilog="example: TALLY_PULL_ALLOW=10.0.0.0/8 tally relay",
    )


def _add_demo(commands: "Commands") -> None:
    from media import demo

    demo.add_arguments(commands)


def _add_transcode(commands: "Commands") -> None:
    from media.transcode import worker

    worker.add_arguments(commands.add_parser("transcode", help="the child of ingest that makes a stream's ladder"))


def _add_encoders(commands: "Commands") -> None:
    from media.transcode import encoders

    encoders.add_arguments(commands.add_parser("encoders", help="try which video encoders work on this machine"))


def _add_pictures(commands: "Commands") -> None:
    commands.add_parser("pictures", help="make thumbnails and slates for the ingest process that started this")


def _add_clip(commands: "Commands") -> None:
    commands.add_parser("clip", help="make one clip for the storage process that started this")


def _add_demux(commands: "Commands") -> None:
    commands.add_parser("demux", help="read the containers of a pull for the relay process that started this")


def _serve(run: Callable[[Settings], Coroutine[Any, Any, None]], settings: Settings, *, is_hot: bool = False) -> None:
    """Run a process until it is told to stop. `is_hot`: it has packets and connections by the thousand."""
    import uvloop

    from config.limits import raise_open_files
    from media.internal import StartError

    if is_hot:
        gc.set_threshold(GC_THRESHOLD)
        raise_open_files()
    try:
        uvloop.run(run(settings))
    except StartError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
