"""Calls of the scripts: those that wait go out as one pipeline as soon as the last one is answered.

So batches form by themselves: a single call leaves at once, and under load the cost of a round is shared.
"""

import asyncio
import random
import secrets
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

from redis.exceptions import NoScriptError, ReadOnlyError, RedisError, ResponseError
from redis.typing import EncodableT

from chat.log.scripts import ALL, Script
from chat.log.wire import Wire, pack
from config.tasks import check_cancelled
from schemas.errors import ApiError, ErrorCode

CALL_S: Final = 5.0
"""From the call to its answer, over as many connections as it takes."""
ANSWER_S: Final = 2.5
"""For one pipeline; then the connection is given up and what was in it is sent again."""
QUEUE_MAX: Final = 10_000
"""Calls that wait. Behind them, new ones are refused."""
BATCH_MAX: Final = 256
WAIT_MS: Final = 100
"""How long replicas have to confirm."""
IDENTITY_S: Final = 1.0
"""After so long a connection is asked again where it leads: a server may have been demoted and promoted under it."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 0.5
"""Before a lost connection is made again."""
RETRY_AFTER_MS: Final = 1000
EPOCH_BYTES: Final = 9
SERVER_ARGUMENTS: Final = 2
"""Put behind those of each call: run and epoch."""
AGAIN: Final = "the chat can't take this right now; try again with the same key"
DURABLE: Final = frozenset({b"placed", b"held", b"again", b"told"})
"""Answers that promise something: not given before enough replicas have it."""

Trouble = Callable[[str, BaseException], None]


def unavailable() -> ApiError:
    """Return the error of a call whose outcome is not known, or that was not made."""
    return ApiError(ErrorCode.UNAVAILABLE, AGAIN, retry_after_ms=RETRY_AFTER_MS)


def make_epoch() -> str:
    """Return a name for a new epoch: 12 characters that need no escape in JSON and hold no space."""
    return secrets.token_urlsafe(EPOCH_BYTES)


class _Call:
    """Sent again on another connection when one was lost: scripts are safe to repeat (keys, ids of acts).

    Packed where it is made, so that what cannot be packed fails its caller and not the connection.
    """

    __slots__ = ("future", "packed")

    def __init__(self, script: Script, keys: Sequence[EncodableT], arguments: Sequence[EncodableT]) -> None:
        command = pack(("EVALSHA", script.sha, len(keys), *keys, *arguments))
        parts, _, rest = command.partition(b"\r\n")
        self.packed = b"*%d\r\n%b" % (int(parts[1:]) + SERVER_ARGUMENTS, rest)
        self.future: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()


class Calls:
    """The one connection of a process that writes logs."""

    def __init__(self, url: str, trouble: Trouble, *, replicas: int) -> None:
        self._url = url
        self._trouble = trouble
        self.replicas = replicas
        self._waiting: deque[_Call] = deque()
        self._some = asyncio.Event()
        self._is_over = False
        self._identity = b""
        self._identified_at_s = 0.0
        self._server = b""
        """The packed arguments that say where numbers come from."""

    async def call(self, script: Script, keys: Sequence[EncodableT], arguments: Sequence[EncodableT]) -> list[Any]:
        """Run a script and return its answer; run and epoch (append.lua) are put behind its arguments.

        Raises `ApiError` UNAVAILABLE, UnicodeError for text that is none (lone surrogates).
        """
        if self._is_over or len(self._waiting) >= QUEUE_MAX:
            raise unavailable()
        call = _Call(script, keys, arguments)
        self._waiting.append(call)
        self._some.set()
        try:
            async with asyncio.timeout(CALL_S):
                return await call.future
        except TimeoutError:
            raise unavailable() from None

    async def run(self) -> None:
        """Serve calls until cancelled."""
        pause_s = FIRST_PAUSE_S
        try:
            while True:
                wire = Wire(self._url)
                try:
                    await self._begin(wire)
                    pause_s = FIRST_PAUSE_S
                    await self._serve(wire)
                except (RedisError, OSError, TimeoutError) as error:
                    self._trouble("redis", error)
                finally:
                    await wire.close()
                check_cancelled()
                await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
        finally:
            self._is_over = True
            for call in self._waiting:
                _fail(call)
            self._waiting.clear()

    async def _begin(self, wire: Wire) -> None:
        await wire.open()
        await self._identify(wire)
        await self._load(wire)

    async def _identify(self, wire: Wire) -> None:
        identity = await wire.identity(ANSWER_S)
        if identity != self._identity:
            self._identity = identity
            self._server = pack((identity, make_epoch())).partition(b"\r\n")[2]
        self._identified_at_s = time.monotonic()

    async def _load(self, wire: Wire) -> None:
        await wire.send([("SCRIPT", "LOAD", script.code) for script in ALL])
        for answer in await wire.answers(len(ALL), ANSWER_S):
            if isinstance(answer, ResponseError):
                raise answer

    async def _serve(self, wire: Wire) -> None:
        while True:
            if not self._waiting:
                self._some.clear()
                await self._some.wait()
            if time.monotonic() - self._identified_at_s > IDENTITY_S:
                await self._identify(wire)
            if batch := self._batch():
                await self._send(wire, batch)

    def _batch(self) -> list[_Call]:
        batch: list[_Call] = []
        while self._waiting and len(batch) < BATCH_MAX:
            call = self._waiting.popleft()
            if not call.future.done():  # its caller is gone, or its time is over
                batch.append(call)
        return batch

    async def _send(self, wire: Wire, batch: list[_Call]) -> None:
        packed = [part for call in batch for part in (call.packed, self._server)]
        if self.replicas:
            packed.append(pack(("WAIT", self.replicas, WAIT_MS)))
        try:
            await wire.send_packed(packed)
            answers = await wire.answers(len(batch) + (self.replicas > 0), ANSWER_S)
        except BaseException:
            self._waiting.extendleft(reversed(batch))  # whatever became of them
            raise
        is_durable = not self.replicas or _confirmed(answers.pop()) >= self.replicas
        again: list[_Call] = []
        for call, answer in zip(batch, answers, strict=True):
            if isinstance(answer, NoScriptError) or _is_read_only(answer):
                again.append(call)
            else:
                self._settle(call, answer, is_durable=is_durable)
        if again:
            await self._mend(wire, again, answers)

    async def _mend(self, wire: Wire, again: list[_Call], answers: list[Any]) -> None:
        """Send again what a server did not run: it forgot the scripts, or is a replica now."""
        self._waiting.extendleft(reversed(again))
        for answer in answers:
            if _is_read_only(answer):
                raise answer
        await self._load(wire)

    def _settle(self, call: _Call, answer: Any, *, is_durable: bool) -> None:
        if call.future.done():
            return
        if isinstance(answer, ResponseError):
            self._trouble("redis", answer)
            _fail(call)
        elif not is_durable and answer[0] in DURABLE:
            _fail(call)
        else:
            call.future.set_result(answer)


def _is_read_only(answer: Any) -> bool:
    """Whether a replica refused. Before Redis 7 the word stands inside the error of the script."""
    return isinstance(answer, ReadOnlyError) or (isinstance(answer, ResponseError) and "READONLY" in str(answer))


def _confirmed(answer: Any) -> int:
    return answer if isinstance(answer, int) else 0


def _fail(call: _Call) -> None:
    if not call.future.done():
        call.future.set_exception(unavailable())
