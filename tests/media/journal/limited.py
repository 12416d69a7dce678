"""Writes a journal in a process that may write few bytes into a file, then any number; says how it went."""

import asyncio
import json
import resource
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from media.journal import writer
from media.journal.disk import Disk
from media.journal.reader import read_journal
from media.journal.writer import Journal
from tests.media.journal.samples import BEGUN, content, segment, write

LIMIT = 5 * len(content(0, 0)) + 7
"""A whole segment, and the journal of one and a half."""

WAIT_S = 30.0


async def main(directory: Path) -> None:
    """Write twelve segments."""
    writer.RETRY_S = 0.01
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, hard))
    with ThreadPoolExecutor(1) as thread:
        disk = Disk(thread)
        target = Journal.create(directory, BEGUN, disk)
        for msn in range(12):
            write(target, segment(msn))
        is_torn = False  # between two attempts; each cuts what the one before has torn
        async with asyncio.timeout(WAIT_S):
            while disk.failures < 3 or not is_torn:
                await asyncio.sleep(0.01)
                is_torn = is_torn or read_journal(directory / "journal").is_torn
        outcome = {"trouble": disk.trouble, "failures": disk.failures, "torn": is_torn}
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        while target.is_behind:
            await asyncio.sleep(0.01)
        target.close()
    sys.stdout.write(f"\n{json.dumps(outcome)}\n")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
