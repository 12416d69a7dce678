"""The public port: what players fetch is answered here (`targets.is_ours`), every other connection is handed to the web
application's own protocol.

A connection is delivery's until a request for something else comes; then the application has it for good, and sends
players back by closing after an answer of delivery (see `route.py`).
"""

import asyncio
from collections.abc import Callable
from typing import Final

from web.hls.connection import Connection
from web.hls.delivery import Delivery
from web.hls.targets import Wanted

MAX_CONNECTIONS: Final = 16_000
"""Of both kinds together; more are told 503 and closed. The process needs as many file descriptors."""


class Front:
    """The factory of the public port's protocols: `loop.create_server(front, host, port)`.

    `application` makes the protocol that takes over connections that are not for delivery; for aiohttp it is
    `AppRunner.server`, after `setup()`.
    """

    def __init__(
        self,
        delivery: Delivery,
        application: Callable[[], asyncio.Protocol],
        *,
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        self.delivery = delivery
        self.application = application
        self.max_connections = max_connections
        self.lines: dict[bytes, Wanted] = {}
        """Request lines `GET … HTTP/1.1` that were parsed before; bounded by who adds."""
        self.is_closing = False
        self._connections: set[Connection] = set()
        self._is_empty = asyncio.Event()
        self._taken_over = 0
        delivery.each_second(self.second)
        delivery.counters.gauge(
            "tally_hls_connections", "Connections that delivery holds", lambda: self.connection_count
        )

    def __call__(self) -> asyncio.Protocol:
        """Make the protocol of one accepted connection."""
        return Connection(self)

    @property
    def connection_count(self) -> int:
        """How many connections delivery holds. (No `__len__`: a front without connections is still a front.)"""
        return len(self._connections)

    @property
    def is_full(self) -> bool:
        """Whether no more connections are taken. Those of the application are counted once per second."""
        return len(self._connections) + self._taken_over >= self.max_connections

    def enter(self, connection: Connection) -> None:
        """Watch the deadlines of this connection."""
        self._connections.add(connection)
        self._is_empty.clear()

    def leave(self, connection: Connection) -> None:
        """Watch it no longer: it is closed or handed over."""
        self._connections.discard(connection)
        if not self._connections:
            self._is_empty.set()

    def second(self) -> None:
        """Look at every connection's deadline: one pass per second is cheaper than a timer per request."""
        self._taken_over = len(getattr(self.application, "connections", ()))
        tick = self.delivery.clock.tick_number
        for connection in list(self._connections):
            if connection.deadline_tick <= tick:
                connection.overdue()

    async def close(self, grace_s: float = 1.0) -> None:
        """Close what is idle, let answers under way end within `grace_s`, then cut. Close the listener first."""
        self.is_closing = True
        for connection in list(self._connections):
            connection.retire()
        if self._connections:
            try:
                async with asyncio.timeout(grace_s):
                    await self._is_empty.wait()
            except TimeoutError:
                for connection in list(self._connections):
                    connection.abort("shutdown")


def make_front(delivery: Delivery, application: Callable[[], asyncio.Protocol]) -> Front:
    """Return the protocol factory for the public port; await its `close` when stopping."""
    return Front(delivery, application)
