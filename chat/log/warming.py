"""Begins logs that Redis does not have, from what the database knows."""

import asyncio
import secrets
from collections.abc import Mapping
from typing import Final

from redis.typing import EncodableT

from chat.log import keys
from chat.log.calls import Calls, Trouble, make_epoch, unavailable
from chat.log.recall import Recall, Recalled
from chat.log.scripts import STAGE, WARM
from config.postgres import FAILURES
from schemas.errors import ApiError
from schemas.ids import ChannelId, UserId

RECALL_S: Final = 5.0
AT_ONCE: Final = 8
"""Channels that are recalled at the same time: after Redis lost everything, all rooms of a process are."""
STAGED_AT_ONCE: Final = 1000
"""Bans in one call of stage.lua, which unpacks them on the stack of Lua (8,000 values)."""


class Warming:
    """One flight per channel, whoever waits for it."""

    def __init__(self, calls: Calls, recall: Recall, trouble: Trouble) -> None:
        self._calls = calls
        self._recall = recall
        self._trouble = trouble
        self._flights: dict[ChannelId, asyncio.Task[ApiError | None]] = {}
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def warm(self, channel: ChannelId) -> None:
        """Begin a log unless it is there. Raises `ApiError` UNAVAILABLE, or what `Recall` refuses with."""
        if (error := await self.try_to_warm(channel)) is not None:
            raise error

    async def try_to_warm(self, channel: ChannelId) -> ApiError | None:
        """Begin a log unless it is there; return why it could not be."""
        flight = self._flights.get(channel)
        if flight is None:
            flight = asyncio.create_task(self._fly(channel), name=f"recall the chat of {channel}")
            self._flights[channel] = flight
            flight.add_done_callback(lambda _: self._flights.pop(channel))
        # one who goes away must not take the others' answer along
        return await asyncio.shield(flight)

    async def close(self) -> None:
        """End what is under way."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)

    async def _fly(self, channel: ChannelId) -> ApiError | None:
        async with self._turns:
            try:
                async with asyncio.timeout(RECALL_S):
                    recalled = await self._recall(channel)
                await self._begin(channel, recalled)
            except ApiError as error:
                return error
            except FAILURES as error:
                self._trouble("postgres", error)
                return unavailable()
            return None

    async def _begin(self, channel: ChannelId, recalled: Recalled) -> None:
        staged = keys.staged(channel, secrets.token_hex(8))
        await self._stage(staged, recalled.bans)
        names = (keys.state(channel), keys.log(channel), keys.bans(channel), staged)
        settings: list[EncodableT] = []
        for name, value in recalled.settings.items():
            settings += (name, value)
        await self._calls.call(WARM, names, (make_epoch(), recalled.seq, len(recalled.bans), *settings))

    async def _stage(self, name: str, bans: Mapping[UserId, int]) -> None:
        flat: list[EncodableT] = []
        for user, until_ms in bans.items():
            flat += (until_ms or keys.FOR_EVER, user)
        for start in range(0, len(flat), 2 * STAGED_AT_ONCE):
            await self._calls.call(STAGE, (name,), flat[start : start + 2 * STAGED_AT_ONCE])
