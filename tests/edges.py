"""Real nginx, Varnish and Caddy in front of a product, with what `tally edge` prints."""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import Literal

from tests.product import Product, free_ports, wait_until

Kind = Literal["nginx", "varnish", "caddy"]
PROGRAMS: dict[Kind, str] = {"nginx": "nginx", "varnish": "varnishd", "caddy": "caddy"}
START_DEADLINE_S = 20.0
STOP_DEADLINE_S = 10.0


def program(kind: Kind) -> str:
    """Return the path of the edge's program; fails where `.ci/edges` has not run."""
    found = shutil.which(PROGRAMS[kind], path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    assert found is not None, f"there is no {PROGRAMS[kind]}: run  bash .ci/edges"
    return found


class EdgeServer:
    """One edge on a free port, in a folder that its own users may enter. `settings` are TALLY_* variables."""

    def __init__(self, kind: Kind, origin_port: int, *options: str, **settings: str) -> None:
        self.kind = kind
        self.port = free_ports(1)[0]
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = Path(tempfile.mkdtemp(prefix=f"tally-{kind}-", dir="/tmp"))
        self.folder.chmod(0o755)
        self.log_path = self.folder / "log"
        self.file = self.folder / ("Caddyfile" if kind == "caddy" else f"{kind}.conf")
        self.text = printed(
            kind,
            "--origin", f"http://127.0.0.1:{origin_port}",
            "--listen", f"127.0.0.1:{self.port}",
            "--cache-size", "64m",
            "--cache-dir", f"{self.folder}/cache",
            "--log-dir", str(self.folder),
            *options,
            **{"TALLY_PUBLIC_URL": self.url, **settings},
        )  # fmt: skip
        self.file.write_text(self.text)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "EdgeServer":
        """Start and wait until it accepts connections."""
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                cwd=self.folder,
                env={**os.environ, "HOME": str(self.folder), "CADDY_ADMIN": f"unix//{self.folder}/admin"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(self._accepts, START_DEADLINE_S, f"{self.kind} listens")
        return self

    def _command(self) -> list[str]:
        name = program(self.kind)
        if self.kind == "nginx":
            return [name, "-c", str(self.file), "-g", f"daemon off; pid {self.folder}/pid;"]
        if self.kind == "caddy":
            return [name, "run", "--config", str(self.file), "--adapter", "caddyfile"]
        # The command that the file itself gives, but for where the file lies
        lines = re.search(r"^#   varnishd -f \S+ ((?:.*\\\n#)*.*)$", self.text, re.MULTILINE)
        assert lines is not None
        options = shlex.split(lines[1].replace("\\\n#", ""))
        return [name, "-F", "-n", f"{self.folder}/run", "-f", str(self.file), *options]

    def _accepts(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log()
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1):
                return True
        except OSError:
            return False

    def log(self) -> str:
        """Everything it said."""
        return self.log_path.read_text(errors="replace")

    def pids(self) -> list[int]:
        """All its processes: it was started in a session of its own."""
        assert self._process is not None
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    fields = (entry / "stat").read_text().rpartition(")")[2].split()
                except OSError:
                    continue
                if int(fields[3]) == self._process.pid:
                    found.append(int(entry.name))
        return found

    def stop(self) -> None:
        """End it and remove its folder."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_DEADLINE_S)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait(STOP_DEADLINE_S)
            self._process = None
        shutil.rmtree(self.folder, ignore_errors=True)


def answered(product: Product, status_class: str = "2xx") -> dict[str, float]:
    """Return how many answers of a class the product has given under /hls/, by kind."""
    url = f"http://127.0.0.1:{product.environ['TALLY_INTERNAL_PORT']}/metrics"
    with urllib.request.urlopen(url, timeout=STOP_DEADLINE_S) as answer:
        text = answer.read().decode()
    line = rf'^tally_hls_requests_total\{{class="{status_class}",kind="(\w+)"\}} (\S+)$'
    return {match[1]: float(match[2]) for match in re.finditer(line, text, re.MULTILINE)}


def printed(kind: Kind, *options: str, **settings: str) -> str:
    """Return what `tally edge` prints."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TALLY_")}
    done = subprocess.run(
        [str(Path(sys.executable).with_name("tally")), "edge", kind, *options],
        cwd="/tmp",
        env=kept | settings,
        capture_output=True,
        text=True,
        timeout=START_DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
