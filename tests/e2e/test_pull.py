"""Streams fetched from elsewhere by the whole product: a file, HLS, MPEG-TS over HTTP and RTMP, and what goes wrong."""

import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.account import Account
from tests.encoder import end, ffmpeg, publish
from tests.product import Product, wait_until

pytestmark = [pytest.mark.services, pytest.mark.timeout(240)]

SLOW_S = 60
"""For a machine that does much else."""


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory, clip: Path) -> Iterator[Product]:
    made = Product(
        tmp_path_factory.mktemp("product"), TALLY_PULL_ALLOW="127.0.0.0/8", TALLY_LADDER="off", TALLY_GRACE_S="20"
    )
    try:
        made.start()
        files = made.data / "files"
        files.mkdir(exist_ok=True)
        (files / "loop.flv").write_bytes(clip.read_bytes())
        yield made
    finally:
        made.stop()


class Elsewhere:
    """A web server of somebody else: a live stream while `is_up`, and addresses that lead where nobody may go."""

    def __init__(self, clip: Path) -> None:
        self.is_up = True
        self._clip = clip
        self._encoders: list[subprocess.Popen[bytes]] = []
        elsewhere = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/trap":
                    self.send_response(302)
                    self.send_header("Location", "http://169.254.169.254/latest/meta-data/")
                    self.end_headers()
                elif elsewhere.is_up:
                    self.send_response(200)
                    self.end_headers()
                    elsewhere.stream(self)
                else:
                    self.send_error(503)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # its name there
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def stream(self, handler: BaseHTTPRequestHandler) -> None:
        command = [ffmpeg(), "-loglevel", "error", "-re", "-stream_loop", "-1", "-i", str(self._clip)]
        encoder = subprocess.Popen(
            [*command, "-c", "copy", "-f", "mpegts", "-"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        )
        self._encoders.append(encoder)
        assert encoder.stdout is not None
        try:
            while data := os.read(encoder.stdout.fileno(), 65536):
                handler.wfile.write(data)
        except OSError:
            return
        finally:
            encoder.kill()
            encoder.wait()
            encoder.stdout.close()

    def go_down(self) -> None:
        self.is_up = False
        for encoder in self._encoders:
            encoder.kill()

    def close(self) -> None:
        self.go_down()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def elsewhere(clip: Path) -> Iterator[Elsewhere]:
    made = Elsewhere(clip)
    yield made
    made.close()


def tally(product: Product, *words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [product.executable, *words],
        check=False,
        env=product.environ,
        cwd=product.folder,
        capture_output=True,
        timeout=SLOW_S,
    )


def pull(account: Account, channel: str, url: str) -> None:
    status, answer = account.call("PUT", f"channels/{channel}/pull", {"url": url})
    assert status == 200, answer


def state(account: Account, channel: str) -> dict[str, Any]:
    status, answer = account.call("GET", f"channels/{channel}/pull")
    assert status == 200, answer
    found: dict[str, Any] = answer["data"]["pull"]["state"]
    return found


def is_live(product: Product, channel: str) -> bool:
    return product.get(f"/hls/{channel}/playlist.m3u8")[0] == 200


def test_streams_come_from_everywhere_and_come_back(product: Product, elsewhere: Elsewhere) -> None:
    account = Account.admin(product)
    for name in ("over_rtmp", "over_hls", "over_http"):
        done = tally(product, "channel", "add", name, "--owner", "admin", "--json")
        assert done.returncode == 0, done.stderr
    assert tally(product, "pull", "file:loop.flv", "demo").returncode == 0
    pull(account, "over_http", f"{elsewhere.url}/live.ts?token=hidden-token")
    wait_until(lambda: is_live(product, "demo"), SLOW_S, "a file is on the air")
    pull(account, "over_rtmp", f"rtmp://127.0.0.1:{product.rtmp_port}/live/demo")
    pull(account, "over_hls", f"{product.url}/hls/demo/playlist.m3u8")
    for name in ("over_http", "over_rtmp", "over_hls"):
        wait_until(lambda name=name: is_live(product, name), SLOW_S, f"{name}: {product.log()[-3000:]}")
        wait_until(lambda name=name: state(account, name)["state"] == "running", SLOW_S, f"{name} is said to run")
    assert state(account, "over_http")["sentBytes"] > 0

    elsewhere.go_down()
    lost = wait_until(lambda: (s := state(account, "over_http"))["state"] == "waiting" and s, SLOW_S, "it is lost")
    assert lost["reason"]
    assert lost["retryAt"]
    elsewhere.is_up = True
    wait_until(lambda: state(account, "over_http")["state"] == "running", SLOW_S, "it comes back by itself")
    assert tally(product, "pull", "--off", "over_http").returncode == 0
    wait_until(lambda: not is_live(product, "over_http"), SLOW_S, "a pull that is turned off ends the stream")
    assert "hidden-token" not in product.log()


def on_air(account: Account) -> str:
    status, answer = account.call("GET", "channels/demo/ingest")
    assert status == 200, answer
    publishers = (answer["data"]["session"] or {}).get("publishers", [])
    return next((each["protocol"] for each in publishers if each["isOnAir"]), "")


def test_a_person_takes_over_from_what_is_fetched_and_gives_it_back(product: Product, clip: Path) -> None:
    account = Account.admin(product)
    wait_until(lambda: on_air(account) == "pull", SLOW_S, "the file is on the air")
    publisher = publish(clip, product.publish_url())
    try:
        wait_until(lambda: on_air(account) == "rtmp", SLOW_S, "a publisher is on the air instead")
    finally:
        end(publisher)
    wait_until(lambda: on_air(account) == "pull", SLOW_S, "the file is on the air again")


def test_nobody_is_led_to_what_only_the_server_reaches(product: Product, elsewhere: Elsewhere) -> None:
    account = Account.admin(product)
    status, _answer = account.call("PUT", "channels/over_http/pull", {"url": "http://10.1.2.3/live.ts"})
    assert status == 400
    pull(account, "over_http", f"{elsewhere.url}/trap")
    wait_until(
        lambda: "may not be fetched" in state(account, "over_http")["reason"],
        SLOW_S,
        f"a redirection is refused: {state(account, 'over_http')}",
    )
