"""Tells the logs of channels what the database has decided, in its order, also what a process died over.

An act is a row with the events it makes; the row is written first. One at a time tells a channel's acts, from the
oldest on, so that of a ban and its lifting the log hears in the order in which they were decided. What is told twice
takes effect once (`ChatLog.tell`).
"""

import asyncio
from collections.abc import Collection, Sequence
from typing import Final, Protocol
from weakref import WeakValueDictionary

import msgspec

from chat.log.acts import Act, ActEvent
from chat.log.calls import Trouble
from chat.log.places import Place
from chat.store import acts, held
from config.postgres import FAILURES, Pool
from config.tasks import check_cancelled
from schemas.errors import ApiError
from schemas.ids import ChannelId

TELL_S: Final = 8.0
"""For all acts of a channel; then `run` goes on."""
AT_ONCE: Final = 4
"""Channels that are told at a time, each with a connection of the pool."""
SWEEP_S: Final = 2.0
OVERDUE_S: Final = 3.0
SWEEP_MAX: Final = 50
TIDY_EVERY: Final = 1_800
"""Sweeps between two times that old held messages are forgotten: about an hour."""
AWAY: Final[tuple[type[Exception], ...]] = (ApiError, *FAILURES)
"""What does not answer now will later: the acts wait."""

_events: Final = msgspec.json.Decoder(list[ActEvent])


class Teller(Protocol):
    """`ChatLog`, as far as it is needed here."""

    async def tell(self, act: Act) -> list[Place]:
        """Do an act, once. Raises `ApiError`."""
        ...


class Outbox:
    """One per process."""

    def __init__(self, pool: Pool, log: Teller, trouble: Trouble) -> None:
        self._pool = pool
        self._log = log
        self._trouble = trouble
        self._turns: WeakValueDictionary[ChannelId, asyncio.Lock] = WeakValueDictionary()
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """Tell what is overdue, of whichever process, until cancelled."""
        sweeps = 0
        while True:
            try:
                await self.sweep()
                if sweeps % TIDY_EVERY == 0:
                    await held.sweep(self._pool)
                sweeps += 1
            except AWAY as error:
                self._trouble("overdue acts", error)
            check_cancelled()
            await asyncio.sleep(SWEEP_S)

    async def sweep(self, *, overdue_s: float = OVERDUE_S) -> None:
        """Tell once what waits for longer than that. Raises what `AWAY` names."""
        for channel in await acts.waiting(self._pool, older_than_s=overdue_s, limit=SWEEP_MAX):
            await self._attempt(channel, is_patient=False)

    async def tell(self, channels: Collection[ChannelId]) -> None:
        """Tell these channels what was committed for them. Raises nothing: what can't be told now is told by `run`."""
        for channel in channels:
            await self._attempt(channel, is_patient=True)

    async def _attempt(self, channel: ChannelId, *, is_patient: bool) -> None:
        turn = self._turns.get(channel)
        if turn is None:
            turn = self._turns[channel] = asyncio.Lock()
        try:
            # Who waits for a turn of this process holds no connection meanwhile.
            async with asyncio.timeout(TELL_S), turn, self._slots:
                while await self._tell_some(channel, is_patient=is_patient):
                    pass
        except AWAY as error:
            check_cancelled()
            self._trouble("acts", error)

    async def _tell_some(self, channel: ChannelId, *, is_patient: bool) -> bool:
        """Tell the oldest acts; return whether there are more."""
        async with self._pool.acquire() as connection, connection.transaction():
            if not await acts.take_turn(connection, channel, is_patient=is_patient):
                return False
            waiting = await acts.untold(connection, channel)
            told: list[str] = []
            try:
                for act in waiting:
                    await self._tell(channel, act.id, act.events)
                    told.append(act.id)
            except ApiError as error:
                self._trouble("acts", error)
            await acts.told(connection, told)
            return len(told) == acts.UNTOLD_MAX

    async def _tell(self, channel: ChannelId, act_id: str, text: str) -> None:
        try:
            events: Sequence[ActEvent] = _events.decode(text)
        except msgspec.MsgspecError as error:
            self._trouble("unreadable act", error)  # it must not keep all later ones from being told
            return
        await self._log.tell(Act(act_id, channel, events))
