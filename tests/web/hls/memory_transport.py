"""A transport in memory: what is written lies in `written`; the test says when the peer reads."""

import asyncio
from typing import Any, cast

HIGH_WATER_BYTES = 64 * 1024


class MemoryTransport(asyncio.Transport):
    """Counts like a socket whose peer reads everything at once, or nothing while `is_stuck`."""

    def __init__(self, protocol: asyncio.Protocol) -> None:
        super().__init__({"peername": ("192.0.2.7", 50_000)})
        self.protocol = protocol
        self.written = b""
        self.unread = 0
        self.is_stuck = False
        self._is_reading = True
        self.has_ended = False
        self.is_closed = False
        self.is_aborted = False
        self._is_paused = False
        protocol.connection_made(self)

    def feed(self, data: bytes) -> None:
        """Let the peer send."""
        assert self._is_reading, "the peer's bytes would wait in the kernel"
        self.protocol.data_received(data)

    def take(self) -> bytes:
        """Return what was written since the last call."""
        data, self.written = self.written, b""
        return data

    def read(self, size: int) -> None:
        """Let the stuck peer read so many bytes."""
        self.unread = max(0, self.unread - size)
        if self._is_paused and self.unread <= HIGH_WATER_BYTES // 4:
            self._is_paused = False
            self.protocol.resume_writing()

    def hang_up(self) -> None:
        """Let the peer close."""
        self.protocol.eof_received()
        self.is_closed = True
        self.protocol.connection_lost(None)

    def write(self, data: Any) -> None:
        assert not self.has_ended, "written after the end"
        self.written += bytes(data)
        if self.is_stuck:
            self.unread += len(data)
            if self.unread > HIGH_WATER_BYTES and not self._is_paused:
                self._is_paused = True
                self.protocol.pause_writing()

    def get_write_buffer_size(self) -> int:
        return self.unread

    def is_reading(self) -> bool:
        return self._is_reading

    def pause_reading(self) -> None:
        self._is_reading = False

    def resume_reading(self) -> None:
        self._is_reading = True

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.has_ended = True

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_aborted = True

    def is_closing(self) -> bool:
        return self.is_closed or self.is_aborted

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = cast(asyncio.Protocol, protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self.protocol
