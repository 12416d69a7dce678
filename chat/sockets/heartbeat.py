"""One sweep over all sockets of a process, in place of timers in each: pings, who is dead, who is still signed in."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

from chat.log.calls import Trouble
from chat.people import Recheck
from chat.rooms.frames import PING
from chat.sockets.wire import Wire
from schemas.errors import ApiError

SWEEP_S: Final = 20.0
DEAD_S: Final = 50.0
"""Without anything from the client, pongs included: two of them are missing."""
SLICE: Final = 500
"""Sockets looked at before others get their turn."""
ASKED_AT_ONCE: Final = 50
"""Identities."""
ASK_EVERY: Final = 2
"""Sweeps: a session or token that has ended closes its sockets after 40 s at most."""

End = Callable[[Wire], Awaitable[None]]


class Heartbeat:
    """Sweeps the sockets that `wires` returns; `end` closes those who are signed out."""

    def __init__(
        self,
        wires: Callable[[], Iterable[Wire]],
        recheck: Recheck,
        end: End,
        trouble: Trouble,
        *,
        failures: tuple[type[Exception], ...],
    ) -> None:
        self._wires = wires
        self._recheck = recheck
        self._end = end
        self._trouble = trouble
        self._failures: tuple[type[Exception], ...] = (*failures, ApiError)

    async def run(self) -> None:
        """Sweep until cancelled."""
        sweeps = 0
        while True:
            await asyncio.sleep(SWEEP_S)
            await self.sweep(time.monotonic())
            sweeps += 1
            if sweeps % ASK_EVERY == 0:
                await self.ask()

    async def sweep(self, now: float) -> None:
        """Ping everybody and drop the dead."""
        wires = list(self._wires())
        for start in range(0, len(wires), SLICE):
            for wire in wires[start : start + SLICE]:
                if now - wire.seen_at > DEAD_S:
                    wire.drop("dead")
                else:
                    wire.settle()
                    wire.send(PING)
            await asyncio.sleep(0)

    async def ask(self) -> None:
        """Look at all identities again; close the sockets of those whose session or token has ended."""
        wires: dict[bytes, list[Wire]] = {}
        for wire in self._wires():
            if wire.identity is not None:
                wires.setdefault(wire.identity.proof, []).append(wire)
        proofs = list(wires)
        for start in range(0, len(proofs), ASKED_AT_ONCE):
            await asyncio.gather(*(self._ask(wires[proof]) for proof in proofs[start : start + ASKED_AT_ONCE]))

    async def _ask(self, wires: Sequence[Wire]) -> None:
        identity = wires[0].identity
        assert identity is not None
        try:
            found = await self._recheck(identity)
        except self._failures as error:
            self._trouble("recheck", error)  # the next time
            return
        for wire in wires:
            if found is None:
                await self._end(wire)
            else:
                wire.identity = found
