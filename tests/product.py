"""The whole product for a test: `tally serve` in a folder of its own, on free ports, ended with all it started."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

START_DEADLINE_S = 40.0
STOP_DEADLINE_S = 15.0
PORTS = (
    "TALLY_HTTP_PORT",
    "TALLY_INTERNAL_PORT",
    "TALLY_ORIGIN_PORT",
    "TALLY_RTMP_PORT",
    "TALLY_STORAGE_PORT",
    "TALLY_WEBRTC_PORT",
    "TALLY_RELAY_PORT",
    "TALLY_SRT_PORT",
    "TALLY_IRC_PORT",
)


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listened on a moment ago, all different."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()


def wait_until(is_so: Any, deadline_s: float, what: str, pause_s: float = 0.05) -> Any:
    """Return the first true answer of `is_so()`; fail with `what` after the deadline."""
    ends = time.monotonic() + deadline_s
    while time.monotonic() < ends:
        answer = is_so()
        if answer:
            return answer
        time.sleep(pause_s)
    raise AssertionError(f"not within {deadline_s} s: {what}")


class Product:
    """A running `tally serve`. `settings` are TALLY_* variables over the harness's own."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        ports = dict(zip(PORTS, map(str, free_ports(len(PORTS))), strict=True))
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TALLY_")},
            "HOME": str(folder),
            "TALLY_DATA": str(folder / "data"),
            "TALLY_HTTP_HOST": "127.0.0.1",
            "TALLY_RTMP_HOST": "127.0.0.1",
            "TALLY_PUBLIC_URL": f"http://127.0.0.1:{ports['TALLY_HTTP_PORT']}",
            **ports,
            **settings,
        }
        self.http_port = int(self.environ["TALLY_HTTP_PORT"])
        self.rtmp_port = int(self.environ["TALLY_RTMP_PORT"])
        self.url = f"http://127.0.0.1:{self.http_port}"
        self.log_path = folder / "serve.log"
        self._process: subprocess.Popen[bytes] | None = None

    executable = str(Path(sys.executable).with_name("tally"))

    def start(self) -> "Product":
        """Start and wait until pages and publishers are served."""
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [self.executable, "serve"],
                env=self.environ,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_until(self.is_ready, START_DEADLINE_S, f"tally serve is ready\n{self.log()[-3000:]}")
        return self

    def is_ready(self) -> bool:
        """Whether pages are served and the RTMP port is open; fails when `tally serve` has ended."""
        assert self._process is not None
        assert self._process.poll() is None, self.log()[-3000:]
        try:
            with socket.create_connection(("127.0.0.1", self.rtmp_port), 1):
                return self.get("/healthz")[0] == 200 and (self.data / "first-run.json").exists()
        except OSError:
            return False

    @property
    def data(self) -> Path:
        """The data directory."""
        return Path(self.environ["TALLY_DATA"])

    @property
    def pid(self) -> int:
        """The supervisor's process id."""
        assert self._process is not None
        return self._process.pid

    def log(self) -> str:
        """Everything printed so far."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def first_run(self) -> dict[str, str]:
        """What the first run wrote down: key, password, addresses."""
        answer: dict[str, str] = json.loads((self.data / "first-run.json").read_text())
        return answer

    def publish_url(self, key: str | None = None) -> str:
        """The RTMP address with a key; the demo channel's by default."""
        return f"rtmp://127.0.0.1:{self.rtmp_port}/live/{key or self.first_run()['streamKey']}"

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """GET from the public port: status, headers (lower case), body."""
        request = urllib.request.Request(self.url + path, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=15) as answer:
                return answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, {k.lower(): v for k, v in error.headers.items()}, error.read()

    def get_json(self, path: str) -> Any:
        """The `data` of a good API answer."""
        status, _headers, body = self.get(path)
        assert status == 200, body
        return json.loads(body)["data"]

    def pids(self, *words: str) -> list[int]:
        """Processes of this product, by environment, working directory or command line, that have these words."""
        data, ours = str(self.data).encode(), str(self.folder.resolve()).encode()
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                environ, command = (entry / "environ").read_bytes(), (entry / "cmdline").read_bytes()
                folder = os.readlink(entry / "cwd").encode()
            except OSError:
                continue
            is_ours = b"TALLY_DATA=" + data in environ.split(b"\0") or data in command
            is_ours = is_ours or folder == ours or folder.startswith(data)  # some know no settings
            if is_ours and all(word.encode() in command.split(b"\0") for word in words):
                found.append(int(entry.name))
        return found

    def stop(self) -> int:
        """Stop as Ctrl-C does and return the exit code; nothing may be left."""
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        code = self._process.wait(STOP_DEADLINE_S)
        self._process = None
        return code

    def kill(self) -> None:
        """Collect a supervisor that was killed."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_DEADLINE_S)
            self._process = None
