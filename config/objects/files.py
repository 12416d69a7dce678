"""Objects as plain files in a directory: the store of one machine, without a server and without secrets.

    DATA/objects/{key}

A file that has its name is complete: it is written under another one first. What was handed over as a file becomes
another name of the same bytes where the file system can do that, so that a segment is not written twice.
"""

import asyncio
import contextlib
import errno
import itertools
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from operator import attrgetter
from pathlib import Path
from typing import TypeVar

from config.objects.keys import checked, content_type_of
from config.objects.store import IMMUTABLE, NoSuchObject, ObjectInfo, StoreError, StoreRefused, StoreUnavailable

THREADS = 4
UNFINISHED = ".unfinished-"
NO_LINK = frozenset({errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS})
"""The file system cannot give these bytes a second name: they are copied."""
NOT_ALLOWED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR})

T = TypeVar("T")


class FileStore:
    """A directory of objects; made when something is stored. One process may read while another writes."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="objects")
        self._drafts = itertools.count()
        self._name = secrets.token_hex(4)

    async def put(
        self, key: str, body: bytes | Path, *, content_type: str = "", cache_control: str = IMMUTABLE
    ) -> None:
        """Store bytes or a file. What headers it is sent with, the end of the key says."""
        del content_type, cache_control
        if isinstance(body, Path):
            await asyncio.get_running_loop().run_in_executor(self._threads, body.stat)
        await self._apart(self._write, checked(key), body)

    async def get(self, key: str, first: int = 0, last: int | None = None) -> bytes:
        """Return an object's bytes from `first` to `last`, both included; to its end without `last`."""
        return await self._apart(self._read, checked(key), first, last)

    async def head(self, key: str) -> ObjectInfo | None:
        """Return what is known of an object, None when there is none."""
        try:
            return await self._apart(self._stat, checked(key))
        except NoSuchObject:
            return None

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove objects, and directories that are empty after it."""
        await self._apart(self._remove, [checked(key) for key in keys])

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """Yield what begins with this, in the order of keys."""
        for info in await self._apart(self._listed, prefix):
            yield info

    def presigned_url(self, key: str, expires_s: int) -> str | None:
        """Return None: files have no address."""
        del key, expires_s
        return None

    async def check(self) -> str:
        """Write, read and delete a small object."""
        key = f"check-{secrets.token_hex(8)}.txt"
        await self.put(key, key.encode())
        if await self.get(key) != key.encode():
            raise StoreUnavailable(f"{self._root} gives back other bytes than it was given")
        await self.delete([key])
        return f"files in {self._root}"

    async def close(self) -> None:
        """Finish what was begun and end the threads."""
        await asyncio.get_running_loop().run_in_executor(None, self._threads.shutdown)

    # --- in the threads ------------------------------------------------------------------------------------

    async def _apart(self, work: Callable[..., T], *arguments: object) -> T:
        def run() -> T:
            try:
                return work(*arguments)
            except OSError as error:
                raise _translated(error, self._root) from error

        return await asyncio.get_running_loop().run_in_executor(self._threads, run)

    def _write(self, key: str, body: bytes | Path) -> None:
        path = self._root / key
        draft = path.with_name(f"{UNFINISHED}{self._name}-{next(self._drafts)}")
        try:
            self._fill(draft, body)
            draft.replace(path)
        finally:
            # also after success: a rename between two names of the same bytes does nothing (POSIX, rename())
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)

    def _fill(self, draft: Path, body: bytes | Path) -> None:
        try:
            _fill(draft, body)
        except FileNotFoundError:
            draft.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _fill(draft, body)

    def _read(self, key: str, first: int, last: int | None) -> bytes:
        with (self._root / key).open("rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            end = size if last is None else min(size, last + 1)
            return os.pread(file.fileno(), max(0, end - first), first)

    def _stat(self, key: str) -> ObjectInfo:
        return ObjectInfo(key, (self._root / key).stat().st_size, content_type_of(key))

    def _remove(self, keys: Sequence[str]) -> None:
        for key in keys:
            path = self._root / key
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                path.unlink()
            for parent in list(path.parents)[: key.count("/")]:
                try:
                    parent.rmdir()
                except OSError:  # not empty, or gone already
                    break

    def _listed(self, prefix: str) -> Sequence[ObjectInfo]:
        return sorted(self._walk(prefix), key=attrgetter("key"))

    def _walk(self, prefix: str) -> Iterator[ObjectInfo]:
        for folder, _folders, names in os.walk(self._root / prefix.rpartition("/")[0]):
            for name in names:
                key = str((Path(folder) / name).relative_to(self._root))
                if key.startswith(prefix) and not name.startswith("."):
                    with contextlib.suppress(FileNotFoundError):
                        yield self._stat(key)


def _fill(draft: Path, body: bytes | Path) -> None:
    if isinstance(body, bytes):
        draft.write_bytes(body)
        return
    try:
        os.link(body, draft)
    except OSError as error:
        if error.errno not in NO_LINK:
            raise
        shutil.copyfile(body, draft)


def _translated(error: OSError, root: Path) -> StoreError:
    reason = error.strerror or str(error)
    if isinstance(error, FileNotFoundError | IsADirectoryError):
        return NoSuchObject(f"{error.filename}: {reason}")
    if error.errno in NOT_ALLOWED:
        return StoreRefused(f"{root} cannot be used ({reason}: {error.filename}): fix its owner, or set TALLY_DATA")
    return StoreUnavailable(f"{root} cannot be used now: {reason}")
