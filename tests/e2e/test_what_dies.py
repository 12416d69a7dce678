"""Processes killed for real: what viewers, publishers and the machine see of it."""

import os
import signal
import socket
import time
from pathlib import Path

import pytest

from tests.e2e.streaming import PLAYLIST, await_empty_air, is_playable, streaming
from tests.encoder import end, publish
from tests.product import Product, wait_until

pytestmark = [pytest.mark.services, pytest.mark.timeout(120)]


def session_path(product: Product) -> str:
    """The part of the media playlist's address that names the session."""
    lines = product.get(PLAYLIST)[2].decode().splitlines()
    return next(line for line in lines if line and not line.startswith("#")).split("/")[0]


def test_web_killed_leaves_publishers_on_and_comes_back(product: Product, clip: Path) -> None:
    with streaming(product, clip) as publisher:
        before = session_path(product)
        for pid in product.pids("-m", "web"):
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: is_playable(product), 10, "another web process serves")
        assert session_path(product) == before
        assert publisher.poll() is None


def test_redis_killed_leaves_the_stream_on(product: Product, clip: Path) -> None:
    with streaming(product, clip) as publisher:
        before = session_path(product)
        [pid] = [pid for pid in product.pids() if "valkey" in Path(f"/proc/{pid}/cmdline").read_text().split("\0")[0]]
        os.kill(pid, signal.SIGKILL)
        time.sleep(3)
        wait_until(lambda: is_playable(product), 15, "the stream is found again")
        assert session_path(product) == before
        assert publisher.poll() is None


def test_a_publisher_waits_at_the_door_while_web_is_away(product: Product, clip: Path) -> None:
    await_empty_air(product)
    [web] = product.pids("-m", "web")
    os.kill(web, signal.SIGSTOP)
    publisher = publish(clip, product.publish_url())
    try:
        time.sleep(2)
        assert publisher.poll() is None
        os.kill(web, signal.SIGCONT)
        wait_until(lambda: is_playable(product), 15, "web answers and the stream is on")
    finally:
        os.kill(web, signal.SIGCONT)
        end(publisher)


def test_garbage_on_the_rtmp_port_does_not_disturb_a_stream(product: Product, clip: Path) -> None:
    with streaming(product, clip) as publisher:
        for garbage in (b"GET / HTTP/1.1\r\n\r\n" * 200, b"\x03" + b"\0" * 5000, os.urandom(200_000)):
            with socket.create_connection(("127.0.0.1", product.rtmp_port), 5) as connection:
                connection.settimeout(12)
                try:
                    connection.sendall(garbage)
                    while connection.recv(65536):
                        pass
                except OSError:
                    pass  # closed or reset on us: just what garbage should get
        assert is_playable(product)
        assert publisher.poll() is None


def test_an_ordered_stop_leaves_its_streams_waiting(tmp_path: Path, clip: Path) -> None:
    product = Product(tmp_path).start()
    with streaming(product, clip):
        assert product.stop() == 0
    log = product.log()
    assert log.index("stream interrupted") < log.index("web stopping")
    assert "stream ended" not in log
    assert "does not answer" not in log
    assert not product.pids()


def test_the_supervisor_killed_leaves_nothing_behind(tmp_path: Path, clip: Path) -> None:
    product = Product(tmp_path).start()
    with streaming(product, clip):
        os.kill(product.pid, signal.SIGKILL)
        wait_until(lambda: not product.pids(), 15, "no process is left")
        product.kill()
    again = Product(tmp_path, **{name: product.environ[name] for name in product.environ if name.startswith("TALLY_")})
    again.start()
    try:
        assert again.first_run() == product.first_run()
    finally:
        assert again.stop() == 0
    assert not again.pids()
