"""The relay's conversation with web: how the jobs are, what is to be done. While web is away all jobs go on."""

import asyncio
import secrets
import time

import structlog

from media.relay.jobs import Jobs
from media.signed import TROUBLES, CallbackRefused, SignedClient
from schemas.ids import NodeId
from schemas.relay import RELAY_HEARTBEAT_S, RelayHeartbeat, RelayOrders

log = structlog.get_logger()

TROUBLE_PERIOD_S = 30.0
"""How often the log says that web does not answer."""
FAREWELL_S = 1.0


class Beats:
    """Tells web every `RELAY_HEARTBEAT_S`; `last_answer_at` (monotonic seconds) is 0 before the first answer."""

    def __init__(self, client: SignedClient, node_id: NodeId, jobs: Jobs) -> None:
        self.last_answer_at = 0.0
        self._client = client
        self._node_id = node_id
        self._jobs = jobs
        self._complained_at = -TROUBLE_PERIOD_S

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            started = time.monotonic()
            await self._beat()
            await asyncio.sleep(max(0.1, RELAY_HEARTBEAT_S - (time.monotonic() - started)))

    async def farewell(self) -> None:
        """Leave all jobs to others at once instead of when the lease is over; once, without much patience."""
        beat = RelayHeartbeat(secrets.token_hex(16), self._node_id, [], 0)
        try:
            async with asyncio.timeout(FAREWELL_S):
                await self._client.ask("heartbeat", beat, RelayOrders)
        except (*TROUBLES, CallbackRefused) as error:
            log.debug("no farewell", error=repr(error))

    async def _beat(self) -> None:
        beat = RelayHeartbeat(secrets.token_hex(16), self._node_id, self._jobs.reports(), self._jobs.room)
        try:
            orders = await self._client.ask("heartbeat", beat, RelayOrders)
        except (*TROUBLES, CallbackRefused) as error:
            self._complain(error)
            return
        self.last_answer_at = time.monotonic()
        self._jobs.apply(orders)

    def _complain(self, error: Exception) -> None:
        now = time.monotonic()
        if now - self._complained_at >= TROUBLE_PERIOD_S:
            self._complained_at = now
            log.warning("web does not take the heartbeat, jobs go on", error=repr(error))
