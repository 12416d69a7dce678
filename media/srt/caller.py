"""A caller that publishes to another server or plays from it: blocking calls with deadlines, for a thread.

The address is an IP address: whoever calls has resolved the name and checked where it leads.

Errors (all `CallFailed`):
  Rejected      the other side said no; `code` is a `Rejection` or another of theirs
  Unreachable   nobody answered there in time
  Lost          the connection broke, or the other side closed it
  TooSlow       the other side does not take what is sent as fast as it comes
"""

import ctypes
import threading
from types import TracebackType

from media.srt.lib import (
    LIVE,
    MAX_MESSAGE_BYTES,
    MESSAGE_BYTES,
    SECURED,
    Failure,
    Library,
    Option,
    Rejection,
    SrtError,
    load,
)
from schemas.ingest import NetworkHealth

CONNECT_S = 5.0
LATENCY_MS = 200
READ_BYTES = 64 * 1024
"""The most that one `receive` returns."""
IDLE_MS = 5_000
"""After this long without a sign of the other side the connection is lost."""
_SENTENCES = {
    Rejection.BAD_SECRET: "wrong passphrase",
    Rejection.UNSECURE: "one side has a passphrase and the other has none",
    Rejection.BAD_REQUEST: "the streamid is not understood",
    Rejection.FORBIDDEN: "the stream key is not valid",
    Rejection.NOT_FOUND: "there is no such stream",
    Rejection.BAD_MODE: "the mode of the streamid is not possible here",
    Rejection.CONFLICT: "somebody else publishes there already",
    Rejection.OVERLOAD: "the server is overloaded",
    Rejection.DOWN: "the server is not ready",
}


class CallFailed(Exception):
    """What ends a call. The text is a sentence without keys or passphrases."""


class Rejected(CallFailed):
    """The other side said no."""

    def __init__(self, code: int) -> None:
        super().__init__(f"refused: {_SENTENCES.get(Rejection(code), '') if code in set(Rejection) else ''} ({code})")
        self.code = code


class Unreachable(CallFailed):
    """Nobody answered there in time."""


class Lost(CallFailed):
    """The connection is over."""


class TooSlow(CallFailed):
    """What was sent did not leave in time."""


class Caller:
    """One connection. Made by `connect`; `close` may be called from another thread and ends what blocks."""

    def __init__(self, library: Library, sock: int) -> None:
        self._library = library
        self._sock = sock
        self._buffer = bytearray(READ_BYTES + MAX_MESSAGE_BYTES)
        self._address = ctypes.addressof(ctypes.c_char.from_buffer(self._buffer))
        self._lock = threading.Lock()
        self._is_closed = False

    @classmethod
    def connect(
        cls,
        host: str,
        port: int,
        *,
        streamid: str = "",
        passphrase: str = "",
        latency_ms: int = LATENCY_MS,
        timeout_s: float = CONNECT_S,
        wait_s: float = 5.0,
    ) -> "Caller":
        """Call a listener at an IP address; `wait_s` bounds each `send` and `receive` after that.

        Raises `Rejected` or `Unreachable`, `ValueError` for a streamid or passphrase that SRT cannot carry, and
        `NoLibrary`.
        """
        library = load()
        sock = library.create()
        try:
            _prepare(library, sock, latency_ms, timeout_s, wait_s)
            try:
                if passphrase:
                    library.set(sock, Option.PASSPHRASE, passphrase)
                if streamid:
                    library.set(sock, Option.STREAMID, streamid)
            except SrtError as error:
                raise ValueError("the streamid or the passphrase is too long or too short for SRT") from error
            library.connect(sock, host, port)
        except SrtError as error:
            refusal = _refusal(library.rejection(sock), error)
            library.close(sock)
            raise refusal from error
        except BaseException:
            library.close(sock)
            raise
        return cls(library, sock)

    def send(self, data: bytes) -> None:
        """Send bytes of a transport stream, in messages of seven packets. Raises `Lost` or `TooSlow`."""
        for at in range(0, len(data), MESSAGE_BYTES):
            try:
                if not self._library.send(self._sock, data[at : at + MESSAGE_BYTES]):
                    raise TooSlow("the other side does not take it as fast as it comes")
            except SrtError as error:
                raise Lost("the other side closed the connection, or it broke") from error

    def receive(self) -> bytes:
        """Return what has come, waiting for the first of it. Raises `Lost`, or `TimeoutError` after `wait_s`."""
        try:
            size = self._library.receive(self._sock, self._address, MAX_MESSAGE_BYTES)
        except SrtError as error:
            if error.code in {Failure.TIMEOUT, Failure.RECEIVE_LATER}:
                raise TimeoutError("nothing came") from error
            raise Lost("the other side closed the connection, or it broke") from error
        return bytes(self._buffer[:size])

    def health(self) -> NetworkHealth | None:
        """Return what is known of the way, receiving; None once the connection is over."""
        try:
            health = self._library.health(self._sock)
        except SrtError:
            return None
        return health

    @property
    def is_encrypted(self) -> bool:
        """Whether what is sent or received is encrypted."""
        states = (Option.SNDKMSTATE, Option.RCVKMSTATE)
        return any(self._library.number(self._sock, state) == SECURED for state in states)

    def close(self) -> None:
        """End the connection; the other side hears of it."""
        with self._lock:
            if not self._is_closed:
                self._is_closed = True
                self._library.close(self._sock)

    def __enter__(self) -> "Caller":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _prepare(library: Library, sock: int, latency_ms: int, timeout_s: float, wait_s: float) -> None:
    library.set(sock, Option.TRANSTYPE, LIVE)
    library.set(sock, Option.LATENCY, latency_ms)
    library.set(sock, Option.PAYLOADSIZE, 0)  # whatever fits: others send more than seven packets
    library.set(sock, Option.CONNTIMEO, round(timeout_s * 1000))
    library.set(sock, Option.PEERIDLETIMEO, IDLE_MS)
    library.set(sock, Option.SNDTIMEO, round(wait_s * 1000))
    library.set(sock, Option.RCVTIMEO, round(wait_s * 1000))


def _refusal(code: int, error: SrtError) -> CallFailed:
    if error.code == Failure.REJECTED and code not in {0, Rejection.TIMEOUT}:
        return Rejected(code)
    return Unreachable("nobody answers there over SRT")
