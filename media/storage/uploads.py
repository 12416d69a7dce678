"""Puts what the spool has into storage: a few at a time, sessions in turn, each file read when its turn comes.

A store that fails is tried again for ever; what waits stays in the spool, so nothing here grows with an outage.
"""

import asyncio
import hashlib
import random
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import structlog

from config.objects.keys import content_type_of
from config.objects.opening import Stores
from config.objects.store import BRIEF, IMMUTABLE, ObjectStore, StoreError, StoreRefused
from media.storage.catalog import Piece
from media.storage.gate import REFUSED_PAUSE_S, Gate
from media.storage.metrics import Figures
from media.storage.stream import StoredStream
from schemas.ids import SessionId

log = structlog.get_logger()

WORKERS = 8
"""Objects that are put at the same time, and so the files in memory."""
IDLE_S = 0.25
"""How long a worker waits before it looks again by itself."""
LOCAL_PAUSE_S = 5.0
"""Before a file that cannot be read is tried again."""
HASH_THREADS = 2


class Short(Exception):
    """The file has fewer bytes than the journal says: it is lost."""


class Uploads:
    """`run` puts pieces until it is cancelled; `put` is for what is made here."""

    def __init__(self, stores: Stores, streams: Mapping[SessionId, StoredStream], figures: Figures) -> None:
        self._stores, self._streams, self._figures = stores, streams, figures
        self._gates: dict[int, Gate] = {id(store): Gate() for store in stores.each()}
        self._threads = ThreadPoolExecutor(HASH_THREADS, thread_name_prefix="hash")
        self._awake = asyncio.Event()
        self._last = SessionId("")

    @property
    def troubles(self) -> list[str]:
        """Why stores cannot be used now."""
        return [gate.trouble for gate in self._gates.values() if gate.trouble is not None]

    @property
    def waiting(self) -> int:
        """How many objects are not in storage."""
        return sum(stream.waiting for stream in self._streams.values())

    def wake(self) -> None:
        """Say that there may be something new."""
        self._awake.set()

    async def run(self) -> None:
        """Put whatever waits, until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                for number in range(WORKERS):
                    group.create_task(self._work(), name=f"upload-{number}")
        finally:
            self._threads.shutdown(wait=False)

    def gate(self, store: ObjectStore) -> Gate:
        """Return what is known of a store's health."""
        return self._gates[id(store)]

    async def put(self, key: str, body: bytes, *, is_final: bool) -> bool:
        """Store a playlist or an index; whether it is there now. Asks nothing of a store that is away."""
        store = self._stores.of(key)
        gate, loop = self.gate(store), asyncio.get_running_loop()
        if not gate.is_open(loop.time()):
            return False
        gate.in_flight += 1
        try:
            await store.put(
                key, body, content_type=content_type_of(key), cache_control=IMMUTABLE if is_final else BRIEF
            )
        except StoreError as error:
            gate.failed(error, loop.time(), self.waiting)
            self._figures.failures += 1
            return False
        finally:
            gate.in_flight -= 1
        gate.worked(loop.time(), self.waiting)
        self._figures.puts += 1
        self._figures.bytes += len(body)
        return True

    # --- a worker ------------------------------------------------------------------------------------------

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            picked = self._pick(loop.time())
            if picked is not None:
                await self._store(*picked)
                self.wake()
                continue
            self._awake.clear()
            try:
                async with asyncio.timeout(IDLE_S * random.uniform(0.8, 1.2)):
                    await self._awake.wait()
            except TimeoutError:
                pass

    def _pick(self, now: float) -> tuple[StoredStream, Piece] | None:
        """Take a piece of the session after the last one's."""
        names = sorted(self._streams)
        begin = next((place for place, name in enumerate(names) if name > self._last), 0)
        for name in names[begin:] + names[:begin]:
            stream = self._streams[name]
            if not self.gate(self._stores.of(stream.catalog.prefix)).is_open(now):
                continue
            if (piece := stream.next_piece(now)) is not None:
                self._last = name
                return stream, piece
        return None

    async def _store(self, stream: StoredStream, piece: Piece) -> None:
        loop = asyncio.get_running_loop()
        store = self._stores.of(stream.catalog.prefix)
        gate, began = self.gate(store), time.monotonic()
        gate.in_flight += 1
        is_returned = False
        try:
            digest, body = await loop.run_in_executor(self._threads, _prepared, stream.folder, piece)
            await store.put(f"{stream.catalog.prefix}/{piece.name}", body, content_type=content_type_of(piece.name))
        except (FileNotFoundError, Short) as error:
            is_returned = True
            log.debug("file not there", session=stream.session_id, name=piece.name, reason=repr(error))
            self._figures.lost += 1
            stream.gone(piece, loop.time())
        except StoreError as error:
            is_returned = True
            # what one object is refused for must not hold up all the others
            stream.back(piece, loop.time() + REFUSED_PAUSE_S if isinstance(error, StoreRefused) else 0.0)
            self._figures.failures += 1
            gate.failed(error, loop.time(), self.waiting)
        except OSError as error:
            is_returned = True
            log.warning("spool not readable", session=stream.session_id, name=piece.name, error=error.strerror)
            stream.back(piece, loop.time() + LOCAL_PAUSE_S)
        else:
            is_returned = True
            stream.kept(piece, digest, loop.time())
            gate.worked(loop.time(), self.waiting)
            self._figures.stored(piece, time.monotonic() - began, loop.time())
        finally:
            gate.in_flight -= 1
            if not is_returned:  # cancelled: the process ends
                stream.back(piece, 0.0)


def _prepared(folder: Path, piece: Piece) -> tuple[str, bytes | Path]:
    """Return the digest of a piece and what to hand over. Raises `Short` and `OSError`."""
    if piece.body is not None:
        return hashlib.sha256(piece.body).hexdigest(), piece.body
    path = folder / piece.name
    size = path.stat().st_size
    if size < piece.size:
        raise Short(f"{size} of {piece.size} bytes")
    if size > piece.size:  # what a killed process wrote behind it is in no playlist
        data = path.read_bytes()[: piece.size]
        return hashlib.sha256(data).hexdigest(), data
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), path
