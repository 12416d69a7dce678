"""A bad network for UDP: a proxy on loopback that loses and delays packets, and never changes their order."""

import random
import socket
import threading
import time
from collections import deque
from types import TracebackType

BUFFER_BYTES = 16 << 20
"""Of its own sockets: what is lost is lost on purpose."""
MAX_PACKET_BYTES = 2048
TICK_S = 0.001


class LossyProxy:
    """Forwards what comes to `port` to another port of 127.0.0.1, and the answers back, in a thread of its own.

    Each way loses a share of the packets (once `is_lossy` is set; a handshake that got lost would be another test) and
    takes `delay_s`. One caller at a time.
    """

    def __init__(self, target_port: int, *, loss: float, delay_s: float, seed: int = 7) -> None:
        self.is_lossy = False
        self.dropped = [0, 0]
        """Packets lost on the way there and on the way back."""
        self._loss, self._delay_s = loss, delay_s
        self._random = random.Random(seed)
        self._target = ("127.0.0.1", target_port)
        self._front, self._back = _udp(), _udp()
        self._caller: tuple[str, int] | None = None
        self._queues: tuple[deque[tuple[float, bytes]], deque[tuple[float, bytes]]] = (deque(), deque())
        self._is_stopping = False
        self.port = int(self._front.getsockname()[1])
        self._thread = threading.Thread(target=self._run, name="lossy", daemon=True)

    def __enter__(self) -> "LossyProxy":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_stopping = True
        self._thread.join()
        self._front.close()
        self._back.close()

    def _run(self) -> None:
        while not self._is_stopping:
            now = time.monotonic()
            self._take(now)
            there, back = self._queues
            while there and there[0][0] <= now:
                self._back.sendto(there.popleft()[1], self._target)
            while back and back[0][0] <= now:
                data = back.popleft()[1]
                if self._caller is not None:
                    self._front.sendto(data, self._caller)
            time.sleep(TICK_S)

    def _take(self, now: float) -> None:
        for way, sock in enumerate((self._front, self._back)):
            while True:
                try:
                    data, sender = sock.recvfrom(MAX_PACKET_BYTES)
                except BlockingIOError:
                    break
                except ConnectionError:  # nobody listens there any more
                    break
                if way == 0:
                    self._caller = sender
                if self.is_lossy and self._random.random() < self._loss:
                    self.dropped[way] += 1
                else:
                    self._queues[way].append((now + self._delay_s, data))


def _udp() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for option, force in ((socket.SO_RCVBUF, 33), (socket.SO_SNDBUF, 32)):
        try:
            sock.setsockopt(socket.SOL_SOCKET, force, BUFFER_BYTES)  # SO_RCVBUFFORCE, SO_SNDBUFFORCE: as root
        except OSError:
            sock.setsockopt(socket.SOL_SOCKET, option, BUFFER_BYTES)
    sock.bind(("127.0.0.1", 0))
    sock.setblocking(False)
    return sock
