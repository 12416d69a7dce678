"""A real S3 server for tests: `rclone serve s3` over a folder. It checks signatures; a bucket is a folder in it."""

import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType

from tests.product import free_ports

KEY, SECRET, BUCKET = "tallykey", "a/secret+with%signs", "tally"
ENCODED_SECRET = "a%2Fsecret%2Bwith%25signs"
READY_S = 20.0
MAX_BUCKETS = 300
"""Made beforehand: it does not look for folders that it has not made, and looking costs it all of a core."""
OPTIONS = ("--auth-key", f"{KEY},{SECRET}", "--config", "", "--log-level", "ERROR")


class S3Server:
    """`start` and `stop` simulate an outage; what is stored stays, and so does the address."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_ports(1)[0]
        self._process: subprocess.Popen[bytes] | None = None
        self._used = 0
        self.bucket = BUCKET
        for name in (BUCKET, *(f"{BUCKET}-{number + 1}" for number in range(MAX_BUCKETS))):
            (folder / name).mkdir(parents=True)

    @property
    def url(self) -> str:
        """For TALLY_S3_URL."""
        return self.url_at(self.port)

    def url_at(self, port: int, *, bucket: str = "", secret: str = ENCODED_SECRET) -> str:
        """The same bucket behind something else that listens on this machine, or with a mistake."""
        return f"s3://{KEY}:{secret}@127.0.0.1:{port}/{bucket or self.bucket}?secure=0"

    def stored(self) -> dict[str, Path]:
        """All objects by key, as files that can be read without the server."""
        root = self.folder / self.bucket
        return {str(path.relative_to(root)): path for path in sorted(root.rglob("*")) if path.is_file()}

    def begin(self) -> None:
        """Take an empty bucket from now on."""
        self._used += 1
        assert self._used <= MAX_BUCKETS
        self.bucket = f"{BUCKET}-{self._used}"

    def start(self) -> None:
        """Start and wait until it answers."""
        rclone = str(Path(sys.executable).with_name("rclone"))
        self._process = subprocess.Popen(
            [rclone, "serve", "s3", *OPTIONS, "--addr", f"127.0.0.1:{self.port}", str(self.folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + READY_S
        while not self._answers():
            assert self._process.poll() is None, "rclone ended"
            assert time.monotonic() < deadline, "rclone does not answer"
            time.sleep(0.05)

    @property
    def is_running(self) -> bool:
        """Whether it was started and not stopped."""
        return self._process is not None

    def stop(self) -> None:
        """Cut every connection; from now on nobody listens."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=2):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False

    def __enter__(self) -> "S3Server":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
