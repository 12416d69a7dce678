"""A stream during which everything breaks in turn, and what of it is in the recording afterwards.

Processes are killed (-9) one after the other, the object store answers nothing for a while; the publisher comes back by
itself as OBS does. Afterwards every segment that any playlist announced has to be in the recording, byte for byte.
"""

import hashlib
import os
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import urljoin

import msgspec

from tests.encoder import end, publish
from tests.product import Product, wait_until
from tests.witness import Witness

READY_S = 60
"""For a recording to be ready after its end: 10 s is what is promised, of a machine that does nothing else."""
_SERVERS = {"postgres": "postgres", "valkey": "redis"}
_CHILDREN = {"ingest": ("media", "ingest"), "storage": ("media", "storage"), "web": ("web",)}


class Blow(msgspec.Struct, frozen=True):
    """What is done, and when, in seconds from the start."""

    at_s: float
    what: str
    """A process to kill: ingest, storage, web, postgres, valkey; or `store off`, `store on`."""


class Outcome(msgspec.Struct, frozen=True):
    """What was announced and what was found."""

    sessions: int
    announced: dict[str, int]
    """Segments by rendition."""
    hashed: int
    """How many of them the witness could fetch live."""
    recorded: dict[str, int]
    """Of the announced ones, those that the recording lists and that could be fetched."""
    missing: list[str]
    different: list[str]
    torn: list[str]
    went_back: list[str]
    discontinuities: dict[str, int]
    troubles: dict[str, int]
    ready_after_s: float


class Returning:
    """A publisher that starts again whenever it is cut."""

    def __init__(self, clip: Path, url: str) -> None:
        self._clip, self._url = clip, url
        self._stopping = threading.Event()
        self._process = publish(clip, url)
        self._thread = threading.Thread(target=self._keep, name="publisher")
        self._thread.start()

    def _keep(self) -> None:
        while not self._stopping.wait(0.3):
            if self._process.poll() is not None and not self._stopping.wait(0.5):
                self._process = publish(self._clip, self._url)

    def stop(self) -> None:
        """Say goodbye."""
        self._stopping.set()
        self._thread.join(10)
        end(self._process)


def endure(
    product: Product, clip: Path, blows: list[Blow], length_s: float, switch_store: Callable[[bool], None]
) -> Outcome:
    """Publish, strike, and compare what was announced with what is recorded."""
    publisher = Returning(clip, product.publish_url())
    witness = Witness(product)
    try:
        wait_until(lambda: _is_on(product), 20, "the stream is on")
        witness.start()
        began = time.monotonic()
        for blow in sorted(blows, key=lambda each: each.at_s):
            time.sleep(max(0.0, began + blow.at_s - time.monotonic()))
            _strike(product, blow.what, switch_store)
        time.sleep(max(0.0, began + length_s - time.monotonic()))
        wait_until(lambda: _is_on(product), 30, "the stream is on at the end")
    finally:
        publisher.stop()
    ended = time.monotonic()
    witness.stop()
    vod = wait_until(lambda: _ready(product), READY_S, "the recording is ready")
    ready_after_s = time.monotonic() - ended
    return _compare(product, witness, vod, ready_after_s)


def _is_on(product: Product) -> bool:
    try:
        return product.get("/hls/demo/playlist.m3u8")[0] == 200
    except OSError:
        return False


def _strike(product: Product, what: str, switch_store: Callable[[bool], None]) -> None:
    if what.startswith("store "):
        switch_store(what == "store on")
        return
    pids = product.pids(*_CHILDREN[what]) if what in _CHILDREN else [_oldest(product, what)]
    assert pids, f"{what} runs"
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def _oldest(product: Product, name: str) -> int:
    """The server itself, not what it started."""
    note = msgspec.json.decode((product.data / "run.json").read_bytes())
    return int(note["children"][_SERVERS[name]]["pid"])


def _ready(product: Product) -> str | None:
    try:
        listed = product.get_json("/api/vods?channel=demo")
    except (OSError, AssertionError):
        return None
    done = [vod for vod in listed if vod["state"] == "ready"]
    return done[0]["id"] if done and len(done) == len(listed) else None


def _compare(product: Product, witness: Witness, vod: str, ready_after_s: float) -> Outcome:
    recorded = _recorded(product, vod)
    announced = witness.segments()
    missing = sorted(name for name in announced if name not in recorded)
    different = sorted(
        name for name, file in announced.items() if file.digest and recorded.get(name, file.digest) != file.digest
    )
    return Outcome(
        sessions=len(witness.sessions),
        announced=_by_rendition(announced),
        hashed=sum(file.digest is not None for file in announced.values()),
        recorded=_by_rendition([name for name in announced if name in recorded]),
        missing=missing,
        different=different,
        torn=witness.torn(),
        went_back=witness.went_back,
        discontinuities=dict(witness.discontinuities),
        troubles=dict(witness.troubles),
        ready_after_s=ready_after_s,
    )


def _recorded(product: Product, vod: str) -> dict[str, str]:
    """SHA-256 of every segment of a recording, by file name."""
    found = {}
    master = product.get_json(f"/api/vods/{vod}")["playlistUrl"]
    text = product.get(master)[2].decode()
    uris = set(re.findall(r"^([^#\s]\S*\.m3u8)$", text, re.MULTILINE)) | set(
        re.findall(r'^#EXT-X-MEDIA:TYPE=AUDIO.*URI="(\S+?)"', text, re.MULTILINE)
    )
    for uri in uris:
        url = urljoin(master, uri)
        playlist = product.get(url)[2].decode()
        assert "#EXT-X-ENDLIST" in playlist, playlist[:500]
        is_gap = False
        for line in playlist.splitlines():
            if line == "#EXT-X-GAP":
                is_gap = True
            elif line and not line.startswith("#"):
                if not is_gap:
                    status, _headers, body = product.get(urljoin(url, line))
                    assert status == 200, (line, status, body[:300])
                    found[line.rpartition("/")[2]] = hashlib.sha256(body).hexdigest()
                is_gap = False
    return found


def _by_rendition(names: Iterable[str]) -> dict[str, int]:
    return dict(Counter(name.rpartition("-")[0] for name in sorted(names)))
