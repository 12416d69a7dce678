"""A file below the directory of files, again and again, as fast as it plays. For administrators."""

import asyncio
from pathlib import Path

from media.relay.job import Setback
from media.relay.pull.address import SourceAddress
from media.relay.pull.demuxing import Demuxing
from media.relay.pull.intake import Intake
from media.relay.pull.messages import Open
from media.relay.pull.pacing import Pacer
from media.relay.pull.streaming import demux

NO_FILE = "There is no such file in the directory of files."


class FileSource:
    """One file, named by its path below `directory`."""

    def __init__(self, address: SourceAddress, directory: Path) -> None:
        self._name = address.path
        self._directory = directory

    async def run(self, intake: Intake) -> None:
        """Play it until cancelled."""
        path = await asyncio.to_thread(find, self._directory, self._name)
        intake.count(0)
        intake.pacer = Pacer(0.0)

        async def feed(demuxing: Demuxing) -> None:
            await demuxing.open(Open(path=str(path)))

        await demux(intake, feed)


def find(directory: Path, name: str) -> Path:
    """Return the file's real place. Raises `Setback` when it is none, or not in the directory."""
    try:
        root = directory.resolve(strict=True)
        path = (root / name).resolve(strict=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise Setback(NO_FILE, is_lasting=True) from error
    if root not in path.parents or not path.is_file():
        raise Setback(NO_FILE, is_lasting=True)
    return path
