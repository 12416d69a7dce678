"""Passwords: argon2id in a small thread pool, and the list of those that everyone guesses first."""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TypeVar

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from schemas.errors import ApiError, ErrorCode

THREADS = 2
"""Each costs `MEMORY_KIB` and a core while it works."""
WAITING_MAX = 64
"""More sign-ins at once than this are told to come back: a queue of them would only grow."""
RETRY_AFTER_MS = 2_000
MEMORY_KIB, ROUNDS, LANES = 19_456, 2, 1
"""OWASP's password storage cheat sheet, argon2id: 19 MiB, two rounds, one lane."""
COMMON = Path(__file__).with_name("common_passwords.txt")

T = TypeVar("T")


@cache
def _common() -> frozenset[str]:
    return frozenset(COMMON.read_text("utf-8").split("\n"))


def refuse_weak(password: str, username: str) -> None:
    """Raise `ApiError(INVALID_REQUEST)` for a password that would be guessed within minutes."""
    folded = password.casefold()
    reason = None
    if folded in _common() or len(set(folded)) < 3:
        reason = "is one of the most common passwords"
    elif username in folded and folded.replace(username, "").strip("0123456789!.-_ ") == "":
        reason = "is the username"
    if reason:
        raise ApiError(ErrorCode.INVALID_REQUEST, f"This password {reason}.", fields={"password": reason})


class Passwords:
    """Hashes and checks passwords without blocking the loop."""

    def __init__(self) -> None:
        self._hasher = argon2.PasswordHasher(time_cost=ROUNDS, memory_cost=MEMORY_KIB, parallelism=LANES)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="argon2")
        self._waiting = 0
        self._nobody = self._hasher.hash(secrets.token_urlsafe())

    def close(self) -> None:
        """End the threads; what waits for them is dropped."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def hash(self, password: str) -> str:
        """Return the hash to store. Raises `ApiError(UNAVAILABLE)` when too many wait."""
        return await self._run(lambda: self._hasher.hash(password))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Return whether the password fits the hash. None (no such account) takes as long as a wrong password."""
        return await self._run(lambda: self._verify(stored, password))

    def is_outdated(self, stored: str) -> bool:
        """Return whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    def _verify(self, stored: str | None, password: str) -> bool:
        try:
            self._hasher.verify(stored or self._nobody, password)
        except (VerificationError, InvalidHashError):
            return False
        return stored is not None

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= WAITING_MAX:
            raise ApiError(ErrorCode.UNAVAILABLE, "Too many sign-ins at once.", retry_after_ms=RETRY_AFTER_MS)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1
