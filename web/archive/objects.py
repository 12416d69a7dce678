"""Files out of the object store, for viewers: handed on by this process, or the address where they fetch it themselves.

Absent           there is no such file
StoreError       the store does not answer, or refuses
"""

import asyncio
from collections.abc import Callable
from typing import Final, Literal

import msgspec

from config.objects.keys import content_type_of
from config.objects.opening import Stores
from config.objects.store import IMMUTABLE, NoSuchObject, StoreError, StoreUnavailable

MAX_READS: Final = 64
"""Objects read at once; more wait for their turn."""
READ_DEADLINE_S: Final = 10.0
"""With the wait for a turn. A player's buffer has run out by then."""
SIGNED_S: Final = 600
"""How long a presigned address works."""
SIGNED_CACHE: Final = f"public, max-age={SIGNED_S // 2}"
"""Half of it, so that what a cache still answers works for as long again."""
PUBLIC_CACHE: Final = "public, max-age=3600"


class Absent(Exception):
    """There is no such file, not yet or no more."""


class Found(msgspec.Struct, frozen=True, gc=False):
    """A file, or with `location` where it is. `memory_s`: for how long this process may answer it from memory."""

    body: bytes
    content_type: str
    cache_control: str
    memory_s: float
    location: str = ""


class Objects:
    """One per process; `asked` counts by outcome."""

    def __init__(
        self,
        stores: Stores,
        delivery: Literal["proxy", "presigned", "public"],
        asked: Callable[[str], None],
        *,
        media_memory_s: float = 60.0,
    ) -> None:
        self._stores = stores
        self._delivery = delivery
        self._asked = asked
        self._media_memory_s = media_memory_s
        self._turns = asyncio.Semaphore(MAX_READS)

    async def bring(self, key: str, *, is_public: bool) -> Found:
        """Return the object, or its address. Raises `Absent`, `StoreError`.

        A public address would open what is not public to whoever has seen it once: that is handed on.
        """
        address = None
        if self._delivery == "presigned" or (self._delivery == "public" and is_public):
            address = self._stores.address(key, SIGNED_S)
        if address is not None:
            self._asked("sent to the store")
            is_signed = self._delivery == "presigned"
            memory_s = min(self._media_memory_s, SIGNED_S / 4)
            return Found(b"", content_type_of(key), SIGNED_CACHE if is_signed else PUBLIC_CACHE, memory_s, address)
        return Found(await self._read(key), content_type_of(key), IMMUTABLE, self._media_memory_s)

    async def _read(self, key: str) -> bytes:
        try:
            async with asyncio.timeout(READ_DEADLINE_S), self._turns:
                body = await self._stores.of(key).get(key)
        except NoSuchObject:
            self._asked("absent")
            raise Absent(key) from None
        except TimeoutError:
            self._asked("too slow")
            raise StoreUnavailable(f"{key} took longer than {READ_DEADLINE_S} s") from None
        except StoreError as error:
            self._asked(type(error).__name__)
            raise
        self._asked("read")
        return body
