"""What a child writes to its standard error, on ours: line by line, and never more than a log can bear."""

import asyncio
import sys
from typing import cast

from config.terminal import LineSplitter

PERIOD_S = 10.0
MOST_LINES, MOST_BYTES = 50, 1 << 20
"""Of a child, in each period: more lines are counted instead of shown, more bytes wait in its pipe."""


class ChildLog(asyncio.Protocol):
    """Its standard error, line by line to ours, within `MOST_LINES` and `MOST_BYTES` of a period."""

    def __init__(self) -> None:
        self._lines = LineSplitter()
        self._shown = self._hidden = self._bytes = 0
        self._transport: asyncio.ReadTransport | None = None
        self._period: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Read."""
        self._transport = cast(asyncio.ReadTransport, transport)  # uvloop's have no common class

    def data_received(self, data: bytes) -> None:
        """Show what is allowed."""
        if self._period is None:
            self._period = asyncio.get_running_loop().call_later(PERIOD_S, self._begin_period)
        self._show(self._lines.feed(data))
        self._bytes += len(data)
        if self._bytes > MOST_BYTES and self._transport is not None:
            self._transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's name
        """Show the rest."""
        self._transport = None
        self._show(self._lines.close())
        if self._period is not None:
            self._period.cancel()
            self._begin_period()

    def _show(self, lines: list[str]) -> None:
        for line in lines:
            if self._shown < MOST_LINES:
                self._shown += 1
                sys.stderr.write(line + "\n")
            else:
                self._hidden += 1

    def _begin_period(self) -> None:
        if self._hidden:
            sys.stderr.write(f"{self._hidden} lines of a transcoder are not shown\n")
        if self._bytes > MOST_BYTES and self._transport is not None:
            self._transport.resume_reading()
        self._shown = self._hidden = self._bytes = 0
        self._period = None
