"""The stores of the settings: which one a key belongs to, and under which address viewers may fetch it themselves."""

import contextlib
from collections.abc import AsyncIterator
from urllib.parse import quote, urlsplit

from config.objects.address import read_address
from config.objects.files import FileStore
from config.objects.keys import checked
from config.objects.store import ObjectStore
from config.settings import Settings, variable
from schemas.storage import CLIPS, LIVE, RECORDINGS

OBJECTS = "objects"
"""The directory of data that holds objects where there is no bucket."""


class Stores:
    """Where live streams are kept, and where recordings and clips are: often the same place."""

    def __init__(self, settings: Settings, live: ObjectStore, kept: ObjectStore) -> None:
        self._settings, self._live, self._kept = settings, live, kept

    def of(self, key: str) -> ObjectStore:
        """Return the store of a key, or of a prefix, by what it begins with."""
        return self._live if key.partition("/")[0] == LIVE else self._kept

    def each(self) -> list[ObjectStore]:
        """Return every store once."""
        return [self._live] if self._live is self._kept else [self._live, self._kept]

    def address(self, key: str, expires_s: int) -> str | None:
        """Return where a viewer may fetch an object himself for this long; None: web hands it on.

        The public address stands for the place of `s3_url`, its prefix included; another bucket's objects have none.
        """
        match self._settings.s3_delivery:
            case "presigned":
                return self.of(key).presigned_url(key, expires_s)
            case "public" if self._settings.s3_public_url is not None and self.of(key) is self._live:
                return f"{self._settings.s3_public_url.rstrip('/')}/{quote(checked(key))}"
        return None

    def origins(self) -> list[str]:
        """Return the origins (scheme, host and port) of the addresses that viewers are sent to."""
        found = (self.address(f"{kind}/x", 60) for kind in (LIVE, RECORDINGS, CLIPS))
        parts = [urlsplit(address) for address in found if address is not None]
        return sorted({f"{part.scheme}://{part.netloc}" for part in parts})


@contextlib.asynccontextmanager
async def open_stores(settings: Settings) -> AsyncIterator[Stores]:
    """Open the stores of these settings. Nothing is asked of a server yet: one that is away stops nobody."""
    async with contextlib.AsyncExitStack() as stack:
        live = await _open(settings.s3_url, "s3_url", settings, stack)
        own = settings.recordings_s3_url
        kept = live if own is None else await _open(own, "recordings_s3_url", settings, stack)
        yield Stores(settings, live, kept)


async def _open(url: str | None, name: str, settings: Settings, stack: contextlib.AsyncExitStack) -> ObjectStore:
    store: ObjectStore
    if url is None:
        store = FileStore(settings.data / OBJECTS)
    else:
        from config.objects.s3 import S3Store  # half a second of imports that plain files do not need

        store = await S3Store.open(read_address(url), variable(name))
    stack.push_async_callback(store.close)
    return store
