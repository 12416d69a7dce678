"""One UDP port and all its callers: a thread that moves bytes between libsrt and the event loop, and decides nothing.

Who may come is asked in libsrt's own thread, before a caller is accepted (`Admit`). What happens then is handed to the
loop in batches: opened, received, measured, closed. A caller that is silent for `SILENCE_S` is closed; one that says
goodbye is read to the end of what libsrt still holds back.

libsrt looks at its port a hundred times a second, whether anybody comes or not. So the port is an ordinary socket of
the loop's until the first datagram; then libsrt gets it, and the datagram with it.
"""

import asyncio
import ctypes
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

import msgspec
import structlog

from media.srt.lib import (
    LIVE,
    MAX_MESSAGE_BYTES,
    NO_SOCKET,
    SECURED,
    Admit,
    Library,
    Option,
    Poll,
    Ready,
    SrtError,
)
from media.srt.play import Gone
from schemas.ingest import NetworkHealth

log = structlog.get_logger()

SILENCE_S = 2.0
"""A publisher that sends nothing for this long is lost. libsrt itself takes 5 s."""
IDLE_MS = 5_000
"""libsrt's own deadline, for players."""
REST_S = 0.1
"""Between two looks at who has sent something. A look costs 0.4 ms of CPU, here and in the loop, a packet 2 us; half
of this is little beside the latency of SRT itself."""
HASTY_REST_S = 0.02
"""The same while somebody watches a publisher with the lowest latency."""
IDLE_REST_S = 0.25
"""The same while there is nobody. libsrt's own wait looks every 10 ms and costs a percent of a core."""
MEASURE_S = 1.0
READ_BYTES = 64 * 1024
"""Taken from one caller before the next has its turn."""
MAX_WAITING_BYTES = 32 << 20
"""What the loop may be behind with, of one caller; a loop that has stopped must not take all memory."""
SEND_BUFFER_PACKETS = 4_096
"""What a player may be behind: 6 MB."""
DRAIN_SLACK_S = 0.050
BACKLOG = 64
OLDEST_PEER = 0x010300
"""SRT 1.3.0 is the first with a streamid (and HSv5)."""


class Opened(msgspec.Struct):
    """A caller was accepted."""

    sock: int
    streamid: bytes
    address: str
    version: str
    """Of the peer's libsrt."""


class Received(msgspec.Struct):
    """Bytes of a publisher."""

    sock: int
    data: bytes


class Measured(msgspec.Struct):
    """How the way to a publisher is."""

    sock: int
    network: NetworkHealth


class Closed(msgspec.Struct):
    """A caller is gone. `is_lost`: without a word."""

    sock: int
    reason: str
    is_lost: bool


Event = Opened | Received | Measured | Closed


class _Caller(msgspec.Struct):
    """What the thread knows of one connection."""

    sock: int
    latency_s: float
    last_data: float
    next_measure: float
    is_encrypted: bool
    received_bytes: int = 0
    measured_bytes: int = 0
    handed_bytes: int = 0
    """To the loop, and what it has taken of them: each has one thread that writes it."""
    taken_bytes: int = 0
    is_player: bool = False
    gone_at: float = 0.0
    """When what libsrt holds of one that said goodbye has come out; 0 is not gone."""


class Listener:
    """The port. Everything but `Admit` and the thread itself is for the loop's thread."""

    def __init__(self, library: Library, admit: Admit, take: Callable[[list[Event]], None]) -> None:
        self._library = library
        self._admit = admit
        self._take = take
        self._loop = asyncio.get_running_loop()
        self._callers: dict[int, _Caller] = {}  # the thread's own
        self._orders: deque[tuple[int, bool]] = deque()  # sockets to close (True), or that are players (False)
        self._events: list[Event] = []
        self.is_hasty = False
        """Whether what comes is to be handed on at once, though it costs more."""
        self._is_stopping = False
        self._buffer = bytearray(READ_BYTES + MAX_MESSAGE_BYTES)
        self._address = ctypes.addressof(ctypes.c_char.from_buffer(self._buffer))
        self._thread = threading.Thread(target=self._run, name="srt", daemon=True)
        self._kept: object = None
        self._listener = NO_SOCKET
        self._door: socket.socket | None = None  # until the first datagram
        self._poll: Poll

    def start(self, host: str, port: int, latency_ms: int) -> int:
        """Listen; return the port. Raises `OSError` when it is taken, `SrtError`."""
        door = open_door(host, port)
        library = self._library
        try:
            self._listener = library.create()
            self._prepare(self._listener, latency_ms)
            self._kept = library.on_caller(self._listener, self._admit)  # newer libraries refuse it behind `listen`
        except BaseException:
            door.close()
            if self._listener != NO_SOCKET:
                library.close(self._listener)
            raise
        self._door = door
        self._loop.add_reader(door, self._begin)
        bound: int = door.getsockname()[1]
        return bound

    def _begin(self) -> None:
        """Somebody knocks for the first time: libsrt takes over."""
        door, self._door = self._door, None
        assert door is not None
        self._loop.remove_reader(door)
        door.setblocking(True)  # uvloop makes it one that does not, on which libsrt would turn without a pause
        library = self._library
        try:
            library.take_over(self._listener, door.detach())
            library.listen(self._listener, BACKLOG)
            self._poll = library.create_poll()
            library.watch(self._poll, self._listener, Ready.IN | Ready.ERR)
        except SrtError:
            log.exception("srt cannot listen")
            return
        log.info("srt listener awake")
        self._thread.start()

    def _prepare(self, listener: int, latency_ms: int) -> None:
        library = self._library
        library.set(listener, Option.TRANSTYPE, LIVE)
        library.set(listener, Option.RCVSYN, 0)
        library.set(listener, Option.SNDSYN, 0)
        library.set(listener, Option.RCVLATENCY, latency_ms)
        library.set(listener, Option.PAYLOADSIZE, 0)
        library.set(listener, Option.SNDBUF, SEND_BUFFER_PACKETS * MAX_MESSAGE_BYTES)
        library.set(listener, Option.PEERIDLETIMEO, IDLE_MS)
        library.set(listener, Option.MINVERSION, OLDEST_PEER)
        library.set(listener, Option.ENFORCEDENCRYPTION, 1)

    def close_caller(self, sock: int) -> None:
        """End a connection; `Closed` follows within `REST_S`. libsrt forgets to say that another thread closed it."""
        self._orders.append((sock, True))

    def expect_nothing(self, sock: int) -> None:
        """It is a player: it sends nothing, and that is fine."""
        self._orders.append((sock, False))

    def send(self, sock: int, message: bytes) -> bool:
        """Send a message to a player without waiting; False when there is no room. Raises `Gone`."""
        try:
            return self._library.send(sock, message)
        except SrtError as error:
            raise Gone from error

    async def close(self) -> None:
        """End all connections and the thread; their `Closed` come before this returns."""
        self._is_stopping = True
        if self._door is not None:
            self._loop.remove_reader(self._door)
            self._door.close()
            self._library.close(self._listener)
        elif self._thread.is_alive():
            await asyncio.to_thread(self._thread.join)
        await asyncio.sleep(0)  # what the thread handed over last

    # --- the thread --------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self._is_stopping:
                self._turn()
        except Exception:  # ends SRT on this node, and nothing else
            log.exception("srt listener failed")
        finally:
            self._stop()

    def _turn(self) -> None:
        ready = self._library.wait(self._poll, 0)
        now = time.monotonic()
        for sock, events in ready:
            if sock == self._listener:
                self._accept(now)
            elif caller := self._callers.get(sock):
                if events & Ready.IN:
                    self._read(caller, now)
                if events & Ready.ERR:
                    self._part(caller, now)
        self._obey()
        self._look_around(now)
        self._hand_over()
        time.sleep(self._rest_s)

    @property
    def _rest_s(self) -> float:
        if not self._callers:
            return IDLE_REST_S
        return HASTY_REST_S if self.is_hasty else REST_S

    def _accept(self, now: float) -> None:
        try:
            sock, address = self._library.accept(self._listener)
        except SrtError as error:  # it left before we came to it
            log.debug("srt caller not accepted", error=str(error))
            return
        library = self._library
        try:
            streamid = library.streamid(sock)
            latency_s = library.number(sock, Option.RCVLATENCY) / 1000
            version = library.number(sock, Option.PEERVERSION)
            is_encrypted = library.number(sock, Option.RCVKMSTATE) == SECURED
            library.watch(self._poll, sock, Ready.IN | Ready.ERR)
        except SrtError as error:
            log.debug("srt caller left at once", error=str(error))
            library.close(sock)
            return
        self._callers[sock] = _Caller(sock, latency_s, now + latency_s, now + MEASURE_S, is_encrypted)
        self._events.append(Opened(sock, streamid, address, _readable(version)))

    def _read(self, caller: _Caller, now: float) -> bool:
        """Take what has come, to be looked at by the loop; return whether there was something."""
        receive, sock, size = self._library.receive_into, caller.sock, 0
        while size < READ_BYTES:
            got = receive(sock, self._address + size, MAX_MESSAGE_BYTES)
            if not got:
                break
            size += got
        if not size:
            return False
        caller.last_data = now
        caller.received_bytes += size
        if caller.is_player:
            return True
        caller.handed_bytes += size
        if caller.handed_bytes - caller.taken_bytes > MAX_WAITING_BYTES:
            self._end(caller, "the server is too slow", is_lost=True)
            return False
        self._events.append(Received(sock, bytes(self._buffer[:size])))
        return True

    def _part(self, caller: _Caller, now: float) -> None:
        """It said goodbye; libsrt still holds what came in the last moments, in order and due at its time."""
        self._library.unwatch(self._poll, caller.sock)
        caller.gone_at = now + caller.latency_s + DRAIN_SLACK_S

    def _look_around(self, now: float) -> None:
        for caller in list(self._callers.values()):
            if caller.gone_at:
                while self._read(caller, now):
                    pass
                if now >= caller.gone_at:
                    self._end(caller, "publisher closed the connection", is_lost=False)
            elif caller.is_player:
                continue
            elif now - caller.last_data > SILENCE_S:
                self._end(caller, f"nothing came for {SILENCE_S:g} s", is_lost=True)
            elif now >= caller.next_measure:
                self._measure(caller, now)

    def _measure(self, caller: _Caller, now: float) -> None:
        since_s = now - caller.next_measure + MEASURE_S
        caller.next_measure = now + MEASURE_S
        with suppress(SrtError):  # it broke this moment, and then nothing more is counted
            health = self._library.health(caller.sock)
            bits = 8 * (caller.received_bytes - caller.measured_bytes)
            caller.measured_bytes = caller.received_bytes
            health = msgspec.structs.replace(
                health, bitrate_bps=round(bits / since_s), is_encrypted=caller.is_encrypted
            )
            self._events.append(Measured(caller.sock, health))

    def _obey(self) -> None:
        while self._orders:
            sock, is_end = self._orders.popleft()
            caller = self._callers.get(sock)
            if caller is None:
                continue
            if is_end:
                self._end(caller, "closed by the server", is_lost=True)
            else:
                caller.is_player = True

    def _end(self, caller: _Caller, reason: str, *, is_lost: bool) -> None:
        if self._callers.pop(caller.sock, None) is None:
            return
        self._library.unwatch(self._poll, caller.sock)
        self._library.close(caller.sock)
        self._events.append(Closed(caller.sock, reason, is_lost))

    def _hand_over(self) -> None:
        if not self._events:
            return
        events, self._events = self._events, []
        with suppress(RuntimeError):  # the loop has ended before us
            self._loop.call_soon_threadsafe(self._arrive, events)

    def _stop(self) -> None:
        """In this order libsrt forgets everything."""
        for caller in list(self._callers.values()):
            self._end(caller, "server is shutting down", is_lost=True)
        self._library.unwatch(self._poll, self._listener)
        self._library.close(self._listener)
        self._library.release(self._poll)
        self._hand_over()

    def _arrive(self, events: list[Event]) -> None:
        """In the loop: pass on a batch."""
        for event in events:
            if isinstance(event, Received) and (caller := self._callers.get(event.sock)):
                caller.taken_bytes += len(event.data)
        self._take(events)


def _readable(version: int) -> str:
    return f"{version >> 16 & 255}.{version >> 8 & 255}.{version & 255}"


def open_door(host: str, port: int) -> socket.socket:
    """Return a bound UDP socket that blocks, as libsrt wants it. Raises `OSError`."""
    door = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        if door.family == socket.AF_INET6:
            door.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        door.bind((host, port))
    except BaseException:
        door.close()
        raise
    return door
