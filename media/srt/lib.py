"""The system's libsrt through ctypes: the calls that are needed here, with types and without exceptions of C.

Names and numbers are those of `srt.h` 1.4 to 1.5 (Haivision SRT API). Blocking calls give up the interpreter lock.

Errors: `SrtError` (a call failed; `code` is libsrt's) and `NoLibrary` (there is none: a sentence for an operator).
"""

import ctypes
import socket
import sys
from collections.abc import Callable
from ctypes import POINTER, byref, c_char_p, c_int, c_int32, c_int64, c_void_p
from enum import IntEnum
from functools import lru_cache
from ipaddress import ip_address
from typing import NamedTuple

import structlog

from config import libsrt
from media.srt.stats import Trace
from schemas.ingest import NetworkHealth

log = structlog.get_logger()

MESSAGE_BYTES = 1316
"""Of one message that we send: seven transport stream packets, which fit one UDP packet."""
MAX_MESSAGE_BYTES = 1456
"""Of one message that comes: the most that a UDP packet of 1500 bytes holds."""
MAX_STREAMID_BYTES = 512
MAX_EVENTS = 512
"""Taken from libsrt at once; what else is ready comes with the next call."""
NO_SOCKET = -1
QUIET = 2
"""LOG_CRIT: what libsrt prints below it is about peers, and we say that ourselves."""


class Option(IntEnum):
    """SRT_SOCKOPT."""

    SNDSYN = 1
    RCVSYN = 2
    SNDBUF = 5
    UDP_RCVBUF = 9
    SNDTIMEO = 13
    RCVTIMEO = 14
    LATENCY = 23
    PASSPHRASE = 26
    PBKEYLEN = 27
    PEERVERSION = 35
    CONNTIMEO = 36
    RCVKMSTATE = 41
    SNDKMSTATE = 40
    RCVLATENCY = 43
    MINVERSION = 45
    STREAMID = 46
    PAYLOADSIZE = 49
    TRANSTYPE = 50
    ENFORCEDENCRYPTION = 53
    PEERIDLETIMEO = 55


class Failure(IntEnum):
    """SRT_ERRNO, those that are told apart."""

    REJECTED = 1002
    LOST = 2001
    NO_CONNECTION = 2002
    INVALID_SOCKET = 5004
    SEND_LATER = 6001
    RECEIVE_LATER = 6002
    TIMEOUT = 6003


class Rejection(IntEnum):
    """SRT_REJECT_REASON: those below 1000 are libsrt's own, 1000 + an HTTP status is ours (`SRT_REJX_…`)."""

    BAD_SECRET = 10
    UNSECURE = 11
    TIMEOUT = 16
    BAD_REQUEST = 1400
    OVERLOAD = 1402
    FORBIDDEN = 1403
    NOT_FOUND = 1404
    BAD_MODE = 1405
    CONFLICT = 1409
    INTERNAL = 1500
    DOWN = 1503


class Ready(IntEnum):
    """SRT_EPOLL_OPT, as bits."""

    IN = 1
    OUT = 4
    ERR = 8


SECURED = 2
"""SRT_KM_STATE of a connection whose packets are encrypted with the right key."""
LIVE = 0
"""SRTT_LIVE of SRTO_TRANSTYPE."""
ENABLE_EMPTY = 1
"""Of `srt_epoll_set`: waiting for no socket at all is waiting, not an error."""


class SrtError(Exception):
    """A call failed."""

    def __init__(self, call: str, code: int, text: str) -> None:
        super().__init__(f"{call}: {text} ({code})")
        self.code = code


class NoLibrary(Exception):
    """There is no libsrt here that will do; the text says what installs it."""


class _Event(ctypes.Structure):
    _fields_ = (("socket", c_int32), ("events", c_int32))


class Poll(NamedTuple):
    """A set of sockets, and room for what they are ready for. For one thread."""

    number: int
    events: "ctypes.Array[_Event]"


Admit = Callable[[int, bytes, str], int]
"""Called with socket, streamid and the peer's address before a caller is accepted, in libsrt's thread, which all
connections wait for: returns a `Rejection`, or 0 to accept."""
_HOOK = ctypes.CFUNCTYPE(c_int, c_void_p, c_int32, c_int, c_void_p, c_char_p)

_SIGNATURES: dict[str, tuple[type, tuple[object, ...]]] = {
    "startup": (c_int, ()),
    "cleanup": (c_int, ()),
    "setloglevel": (None, (c_int,)),  # type: ignore[dict-item]  # ctypes' word for void
    "create_socket": (c_int32, ()),
    "setsockflag": (c_int, (c_int32, c_int, c_char_p, c_int)),
    "getsockflag": (c_int, (c_int32, c_int, c_void_p, POINTER(c_int))),
    "listen_callback": (c_int, (c_int32, _HOOK, c_void_p)),
    "bind": (c_int, (c_int32, c_void_p, c_int)),
    "listen": (c_int, (c_int32, c_int)),
    "accept": (c_int32, (c_int32, c_void_p, POINTER(c_int))),
    "connect": (c_int, (c_int32, c_void_p, c_int)),
    "close": (c_int, (c_int32,)),
    "getsockname": (c_int, (c_int32, c_void_p, POINTER(c_int))),
    "recvmsg": (c_int, (c_int32, c_void_p, c_int)),
    "sendmsg": (c_int, (c_int32, c_char_p, c_int, c_int, c_int)),
    "epoll_create": (c_int, ()),
    "epoll_set": (c_int32, (c_int, c_int32)),
    "epoll_add_usock": (c_int, (c_int, c_int32, POINTER(c_int))),
    "epoll_remove_usock": (c_int, (c_int, c_int32)),
    "epoll_uwait": (c_int, (c_int, POINTER(_Event), c_int, c_int64)),
    "epoll_release": (c_int, (c_int,)),
    "bistats": (c_int, (c_int32, POINTER(Trace), c_int, c_int)),
    "getlasterror": (c_int, (POINTER(c_int),)),
    "getlasterror_str": (c_char_p, ()),
    "setrejectreason": (c_int, (c_int32, c_int)),
    "getrejectreason": (c_int, (c_int32,)),
}


class Library:
    """libsrt. `load` gives the one there is; methods may be called from any thread and raise `SrtError`."""

    def __init__(self, path: str) -> None:
        self._dll = ctypes.CDLL(path)
        for name, (result, arguments) in _SIGNATURES.items():
            call = getattr(self._dll, f"srt_{name}")
            call.restype, call.argtypes = result, arguments
        self._dll.srt_startup()
        self._dll.srt_setloglevel(QUIET)
        # The calls of every packet, without what `_check` costs.
        self._receive, self._send = self._dll.srt_recvmsg, self._dll.srt_sendmsg

    def create(self) -> int:
        """Return a new socket."""
        return self._check("create_socket", self._dll.srt_create_socket())

    def set(self, sock: int, option: Option, value: int | str | bytes) -> None:
        """Set an option."""
        if isinstance(value, int):
            data = ctypes.string_at(byref(c_int(value)), ctypes.sizeof(c_int))
        else:
            data = value.encode() if isinstance(value, str) else value
        self._check("setsockflag", self._dll.srt_setsockflag(sock, option, data, len(data)))

    def number(self, sock: int, option: Option) -> int:
        """Return the value of an option that is a number."""
        value, size = c_int(), c_int(ctypes.sizeof(c_int))
        self._check("getsockflag", self._dll.srt_getsockflag(sock, option, byref(value), byref(size)))
        return value.value

    def streamid(self, sock: int) -> bytes:
        """Return the streamid that a caller gave."""
        value, size = ctypes.create_string_buffer(MAX_STREAMID_BYTES + 1), c_int(MAX_STREAMID_BYTES + 1)
        self._check("getsockflag", self._dll.srt_getsockflag(sock, Option.STREAMID, value, byref(size)))
        return value.raw[: size.value]

    def on_caller(self, listener: int, admit: Admit) -> object:
        """Have every caller decided by `admit`, before `listen`; keep what is returned as long as the listener."""

        def hook(_opaque: object, sock: int, _version: int, address: int, streamid: bytes | None) -> int:
            try:
                reason = admit(sock, streamid or b"", read_address(address))
            except Exception:  # raised into C, it comes out as a number that may well mean yes
                log.exception("caller not decided")
                reason = Rejection.INTERNAL
            if reason:
                self._dll.srt_setrejectreason(sock, reason)
            return -1 if reason else 0

        kept = _HOOK(hook)
        self._check("listen_callback", self._dll.srt_listen_callback(listener, kept, None))
        return kept

    def take_over(self, sock: int, descriptor: int) -> None:
        """Bind to a bound UDP socket that blocks; it is libsrt's from now on, also what has come to it already."""
        self._check("bind", self._dll.srt_bind_acquire(sock, descriptor))

    def listen(self, sock: int, backlog: int) -> None:
        """Let callers in."""
        self._check("listen", self._dll.srt_listen(sock, backlog))

    def accept(self, listener: int) -> tuple[int, str]:
        """Return a caller's socket and address."""
        room, size = ctypes.create_string_buffer(64), c_int(64)
        sock = self._check("accept", self._dll.srt_accept(listener, room, byref(size)))
        return sock, read_address(ctypes.addressof(room))

    def connect(self, sock: int, host: str, port: int) -> None:
        """Call a listener at an address, which is no name."""
        address = write_address(host, port)
        self._check("connect", self._dll.srt_connect(sock, address, len(address)))

    def rejection(self, sock: int) -> int:
        """Return why `connect` failed."""
        return int(self._dll.srt_getrejectreason(sock))

    def close(self, sock: int) -> None:
        """Close a socket; one that is closed already is fine."""
        self._dll.srt_close(sock)

    def receive_into(self, sock: int, address: int, room: int) -> int:
        """Take one message to a place in memory; return its size, 0 when nothing is there (yet, or for good)."""
        size: int = self._receive(sock, address, room)
        return max(size, 0)

    def receive(self, sock: int, address: int, room: int) -> int:
        """Take one message to a place in memory, waiting for it; return its size. Raises `SrtError`."""
        size: int = self._receive(sock, address, room)
        if size < 0:
            raise self.error("recvmsg")
        return size

    def send(self, sock: int, message: bytes) -> bool:
        """Send one message of at most `MESSAGE_BYTES`; False: there was no room."""
        if self._send(sock, message, len(message), -1, 1) >= 0:
            return True
        error = self.error("sendmsg")
        if error.code in {Failure.SEND_LATER, Failure.TIMEOUT}:
            return False
        raise error

    def health(self, sock: int) -> NetworkHealth:
        """Return what is known of a connection's way in. The socket must be alive."""
        trace = Trace()
        self._check("bistats", self._dll.srt_bistats(sock, byref(trace), 0, 1))
        return trace.health()

    # --- many sockets -----------------------------------------------------------------------------------------

    def create_poll(self) -> "Poll":
        """Return a set of sockets to wait for."""
        poll = self._check("epoll_create", self._dll.srt_epoll_create())
        self._dll.srt_epoll_set(poll, ENABLE_EMPTY)
        return Poll(poll, (_Event * MAX_EVENTS)())

    def watch(self, poll: Poll, sock: int, events: int) -> None:
        """Wait for this socket, too."""
        self._check("epoll_add_usock", self._dll.srt_epoll_add_usock(poll.number, sock, byref(c_int(events))))

    def unwatch(self, poll: Poll, sock: int) -> None:
        """Don't wait for this socket; one that is gone already is fine."""
        self._dll.srt_epoll_remove_usock(poll.number, sock)

    def wait(self, poll: Poll, timeout_ms: int) -> list[tuple[int, int]]:
        """Return sockets with what they are ready for, as bits of `Ready`; none after the timeout."""
        events = poll.events
        count = self._dll.srt_epoll_uwait(poll.number, events, MAX_EVENTS, timeout_ms)
        return [(events[at].socket, events[at].events) for at in range(count)]

    def release(self, poll: Poll) -> None:
        """Give a set back."""
        self._dll.srt_epoll_release(poll.number)

    def error(self, call: str) -> SrtError:
        """Return why the last call of this thread failed; only right after it did."""
        code = self._dll.srt_getlasterror(None)
        return SrtError(call, code, (self._dll.srt_getlasterror_str() or b"").decode("utf-8", "replace"))

    def _check(self, call: str, result: int) -> int:
        if result < 0:
            raise self.error(call)
        return result


@lru_cache(maxsize=1)
def load() -> Library:
    """Return libsrt, started. Raises `NoLibrary`."""
    found = libsrt.find()
    if isinstance(found, str):
        raise NoLibrary(found)
    return Library(found.path)


# --- struct sockaddr --------------------------------------------------------------------------------------------

_HAS_LENGTH = sys.platform == "darwin" or "bsd" in sys.platform


def write_address(host: str, port: int) -> bytes:
    """Return an IP address as the system's `struct sockaddr_in` or `sockaddr_in6`. Raises `ValueError` for a name."""
    parsed = ip_address(host)
    family = socket.AF_INET if parsed.version == 4 else socket.AF_INET6
    size = 16 if parsed.version == 4 else 28
    head = bytes((size, family)) if _HAS_LENGTH else int(family).to_bytes(2, sys.byteorder)
    head += port.to_bytes(2, "big")
    return head + parsed.packed + bytes(8) if parsed.version == 4 else head + bytes(4) + parsed.packed + bytes(4)


def read_address(pointer: int) -> str:
    """Return the IP address of a `struct sockaddr`; one of IPv4 that came over IPv6 as what it is."""
    head = ctypes.string_at(pointer, 28)
    family = head[1] if _HAS_LENGTH else int.from_bytes(head[:2], sys.byteorder)
    parsed = ip_address(head[4:8] if family == socket.AF_INET else head[8:24])
    mapped = parsed.ipv4_mapped if parsed.version == 6 else None
    return str(mapped or parsed)
