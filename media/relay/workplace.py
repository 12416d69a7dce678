"""What every job of a relay process works with."""

from pathlib import Path

import aiohttp
import structlog

from config.addresses import Reach
from config.sealing import Seal
from config.settings import Settings

log = structlog.get_logger()

FILES = "files"
"""The directory of data whose files may be pulled."""


class Workplace:
    """One per process; it makes the directory of files that may be pulled.

    `http` is for our own processes; strangers' servers are reached by `reach` alone.
    """

    def __init__(self, settings: Settings, http: aiohttp.ClientSession) -> None:
        self.http = http
        self.reach = Reach(settings.pull_allow)
        self.seal = Seal(settings.secret)
        self.origin_url = settings.origin_base_url
        """Of the ingest process that pulled streams go to."""
        self.files: Path = settings.data / FILES
        try:
            self.files.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            log.warning("no files can be fetched", directory=str(self.files), reason=error.strerror)
