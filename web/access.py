"""Signs what opens a stream, a recording or a clip, and verifies it: `schemas.access` with keys out of PostgreSQL.

Every web process has all valid keys in memory, so that signing and verifying never wait. A key that another process
has just made is fetched when the first token of it comes by.
"""

import asyncio
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

import msgspec

from config.postgres import Pool
from config.tasks import check_cancelled
from schemas import access
from schemas.access import Verdict
from schemas.ids import ChannelId, ClipId, VodId
from web.failures import AWAY
from web.metrics import Troubles
from web.store import access_keys

REFRESH_S: Final = 30.0
RENEW_AT_MOST_EVERY_S: Final = 1.0
"""Tokens with key ids that nobody knows cost the database one question in this time."""
LOAD_DEADLINE_S: Final = 3.0
LONGEST_S: Final = 365 * 24 * 3600
"""No token lives longer, so that a key that was replaced is of no use to anybody after this time."""
KEY_BYTES: Final = 32
KEY_ID_BYTES: Final = 4


class Token(msgspec.Struct, frozen=True):
    """What goes into a path after the tilde, and when it stops working."""

    text: str
    expires_at: datetime


class Key(msgspec.Struct, frozen=True):
    """A key as it is held; `retires_at` is of the monotonic clock."""

    secret: bytes
    retires_at: float | None


def scope_of_channel(channel: ChannelId) -> str:
    """Return what opens a channel's live streams, whichever session it is."""
    return f"channel:{channel}"


def scope_of_vod(vod: VodId) -> str:
    """Return what opens a recording."""
    return f"vod:{vod}"


def scope_of_clip(clip: ClipId) -> str:
    """Return what opens a clip."""
    return f"clip:{clip}"


async def rotate(pool: Pool, *, at_once: bool) -> str:
    """Have new tokens signed by a new key and return its id.

    Tokens of the keys before it hold until they expire, or with `at_once` not any more: processes that run take note
    within `REFRESH_S`.
    """
    key_id = secrets.token_hex(KEY_ID_BYTES)
    async with pool.acquire() as connection, connection.transaction():
        secret = secrets.token_bytes(KEY_BYTES)
        await access_keys.replace(connection, key_id, secret, 0 if at_once else LONGEST_S)
    return key_id


class AccessKeys:
    """One per process. `now` is a monotonic clock and `wall` the time of day, both in seconds."""

    def __init__(
        self,
        pool: Pool,
        troubles: Troubles,
        lifetime_s: int,
        *,
        now: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._pool = pool
        self._troubles = troubles
        self._lifetime_s = lifetime_s
        self._now = now
        self._wall = wall
        self._keys: dict[str, Key] = {}
        self._signing = ""
        self._asked_at = float("-inf")
        self._loading: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Make the first key of the installation if there is none, and load all."""
        async with self._pool.acquire() as connection, connection.transaction():
            secret = secrets.token_bytes(KEY_BYTES)
            await access_keys.ensure(connection, secrets.token_hex(KEY_ID_BYTES), secret)
        await self._load()

    async def run(self) -> None:
        """Refresh the keys until cancelled."""
        while True:
            await asyncio.sleep(REFRESH_S)
            await self.renew()
            check_cancelled()

    async def close(self) -> None:
        """End the look-up under way."""
        if self._loading is not None:
            self._loading.cancel()
            with suppress(asyncio.CancelledError):
                await self._loading

    def sign(self, scope: str, lifetime_s: int | None = None) -> Token:
        """Return a token that opens a scope; for `access_s` of the settings without a lifetime."""
        lifetime_s = self._lifetime_s if lifetime_s is None else lifetime_s
        assert 0 < lifetime_s <= LONGEST_S
        expires_s = int(self._wall()) + lifetime_s
        text = access.sign(self._signing, self._keys[self._signing].secret, scope, expires_s)
        return Token(text, datetime.fromtimestamp(expires_s, UTC))

    async def verify(self, token: str, scope: str) -> bool:
        """Whether a token opens a scope now. Asks the database for a key that is not known, now and then."""
        verdict = self.judge(token, scope)
        if verdict is None:
            await self.renew()
            verdict = self.judge(token, scope)
        return verdict is Verdict.GOOD

    def is_unknown(self, token: str) -> bool:
        """Whether `renew` may bring the key that signed it."""
        return token.partition(".")[0] not in self._keys and self._may_ask

    def judge(self, token: str, scope: str) -> Verdict | None:
        """Return what a token is worth now, or None when `renew` may bring the key that signed it."""
        now = self._now()
        key_id = token.partition(".")[0]
        key = self._keys.get(key_id)
        if key is not None and key.retires_at is not None and key.retires_at <= now:
            key = None
        verdict = access.verify({key_id: key.secret} if key else {}, token, scope, self._wall())
        return None if verdict is Verdict.WRONG and self.is_unknown(token) else verdict

    async def renew(self) -> None:
        """Load the keys again, unless that was done just now; everybody who asks meanwhile waits for one look-up."""
        if self._loading is None:
            if not self._may_ask:
                return
            self._loading = asyncio.create_task(self._guarded_load(), name="access keys")
            self._loading.add_done_callback(self._loaded)
        await asyncio.shield(self._loading)

    @property
    def _may_ask(self) -> bool:
        return self._loading is not None or self._now() - self._asked_at >= RENEW_AT_MOST_EVERY_S

    def _loaded(self, _: asyncio.Task[None]) -> None:
        self._loading = None

    async def _guarded_load(self) -> None:
        """The keys of before stay while the database is away: nothing opens by it, and nobody is locked out."""
        try:
            await self._load()
        except AWAY as error:
            self._troubles.note("access keys", error)

    async def _load(self) -> None:
        self._asked_at = self._now()
        async with asyncio.timeout(LOAD_DEADLINE_S):
            rows = await access_keys.valid(self._pool)
        now = self._now()
        self._keys = {
            row.id: Key(row.key, None if row.retires_in_s is None else now + row.retires_in_s) for row in rows
        }
        self._signing = next((row.id for row in rows if row.retires_in_s is None), self._signing)
