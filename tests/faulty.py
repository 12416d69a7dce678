"""A server between a client and a real server that can fail in the ways real ones do."""

import contextlib
import socket
import threading
from types import TracebackType
from typing import Literal

from tests.product import free_ports

Mode = Literal["pass", "error", "stall", "cut"]
ANSWER = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Faulty:
    """A TCP proxy on `port`. `mode` can be set at any time and is looked at for each piece that the client sends.

    pass: hands on; error: answers 500 to whatever comes; stall: takes and says nothing; cut: closes.
    """

    def __init__(self, target_port: int) -> None:
        self.port = free_ports(1)[0]
        self.mode: Mode = "pass"
        self.faults = 0
        """How often a client met something other than `pass`."""
        self._target = target_port
        self._ending = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._threads = [threading.Thread(target=self._accept, name="faulty", daemon=True)]
        self._open: set[socket.socket] = set()

    def __enter__(self) -> "Faulty":
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            _end(connection)
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(client,), name="faulty-client", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        server: socket.socket | None = None
        back: threading.Thread | None = None
        self._open.add(client)
        try:
            while data := client.recv(1 << 16):
                if self.mode == "pass":
                    if server is None:
                        server = socket.create_connection(("127.0.0.1", self._target), 5)
                        server.settimeout(None)
                        self._open.add(server)
                        back = threading.Thread(target=self._hand_back, args=(server, client), daemon=True)
                        back.start()
                    server.sendall(data)
                elif not self._fail(client):
                    return
        except OSError:
            pass
        finally:
            for each in (client, server):
                if each is not None:
                    _end(each)
                    self._open.discard(each)
            if back is not None:
                back.join(5)

    def _fail(self, client: socket.socket) -> bool:
        """Do what the mode says; whether the connection goes on."""
        self.faults += 1
        if self.mode == "stall":
            return not self._ending.is_set()
        if self.mode == "error":
            client.sendall(ANSWER)
            client.shutdown(socket.SHUT_WR)
            while client.recv(1 << 16):
                pass
        return False

    def _hand_back(self, server: socket.socket, client: socket.socket) -> None:
        try:
            while data := server.recv(1 << 16):
                if self.mode == "stall":
                    self.faults += 1
                    continue
                client.sendall(data)
        except OSError:
            pass
        _end(client)


def _end(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
