"""A viewer who remembers: every segment and part that any playlist of a stream announced, and the SHA-256 of its bytes.

It goes on asking while servers are down; what it could not fetch is remembered as announced all the same.
"""

import hashlib
import re
import threading
from collections import Counter
from collections.abc import Iterator
from urllib.parse import urljoin

import msgspec

from tests.product import Product

MASTER = "/hls/demo/playlist.m3u8"
ROUND_S = 0.25
_PART = re.compile(r'^#EXT-X-PART:.*URI="([^"]+)"', re.MULTILINE)
_MAP = re.compile(r'^#EXT-X-MAP:URI="([^"]+)"', re.MULTILINE)
_RENDITION = re.compile(r'^(?!#)(\S+/([a-z0-9]+)\.m3u8)|^#EXT-X-MEDIA:.*URI="(\S+/([a-z0-9]+)\.m3u8)"', re.MULTILINE)
_FILE = re.compile(r"([a-z0-9]+)-(\d+)(?:-(\d+))?\.m4s$")


class Announced(msgspec.Struct):
    """A file that was listed, and its bytes' SHA-256 once it was fetched."""

    uri: str
    digest: str | None = None
    size: int = 0


class Witness:
    """Watches from `start` to `stop`, in a thread of its own."""

    def __init__(self, product: Product) -> None:
        self.files: dict[str, Announced] = {}
        """By file name; of one session."""
        self.sessions: list[str] = []
        self.highest: dict[str, int] = {}
        """Media sequence number of the first listed segment, by rendition."""
        self.went_back: list[str] = []
        self.changed: list[str] = []
        """Files that had other bytes when they were fetched again."""
        self.troubles: Counter[str] = Counter()
        self.discontinuities: Counter[str] = Counter()
        self._product = product
        self._bodies: dict[str, bytes] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="witness")

    def start(self) -> "Witness":
        """Begin to watch."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Look once more, then no more."""
        self._stopping.set()
        self._thread.join(60)
        assert not self._thread.is_alive()

    def segments(self) -> dict[str, Announced]:
        """Everything announced that is a whole segment, by file name."""
        return {name: file for name, file in self.files.items() if (found := _FILE.fullmatch(name)) and not found[3]}

    def torn(self) -> list[str]:
        """Segments that are not their parts joined, of those whose parts were all fetched."""
        wrong = []
        for name in self.segments():
            parts = list(self._parts_of(name.removesuffix(".m4s")))
            whole = self._bodies.get(name)
            if whole is not None and parts and not whole.startswith(b"".join(parts)):
                wrong.append(name)
        return wrong

    def _parts_of(self, stem: str) -> Iterator[bytes]:
        """Yield the parts from the first on, as far as they were fetched without a hole."""
        number = 0
        while (body := self._bodies.get(f"{stem}-{number}.m4s")) is not None:
            yield body
            number += 1

    def _watch(self) -> None:
        while not self._stopping.wait(ROUND_S):
            self._round()
        self._round()

    def _round(self) -> None:
        master = self._fetch(MASTER)
        if master is None:
            return
        for match in _RENDITION.finditer(master.decode()):
            uri, name = match[1] or match[3], match[2] or match[4]
            session = uri.partition("/")[0]
            if session not in self.sessions:
                self.sessions.append(session)
            url = urljoin(MASTER, uri)
            body = self._fetch(url)
            if body is not None:
                self._read(name, url, body.decode())

    def _read(self, rendition: str, url: str, text: str) -> None:
        first = re.search(r"^#EXT-X-MEDIA-SEQUENCE:(\d+)", text, re.MULTILINE)
        assert first, text
        if int(first[1]) < self.highest.get(rendition, 0):
            self.went_back.append(f"{rendition} {first[1]}")
        self.highest[rendition] = max(self.highest.get(rendition, 0), int(first[1]))
        gone = re.search(r"^#EXT-X-DISCONTINUITY-SEQUENCE:(\d+)", text, re.MULTILINE)
        breaks = len(re.findall(r"^#EXT-X-DISCONTINUITY$", text, re.MULTILINE)) + int(gone[1] if gone else 0)
        self.discontinuities[rendition] = max(self.discontinuities[rendition], breaks)
        listed = [*_MAP.findall(text), *_PART.findall(text), *_segments(text)]
        for name in listed:
            self._take(name, urljoin(url, name))

    def _take(self, name: str, url: str) -> None:
        file = self.files.setdefault(name, Announced(url))
        if file.digest is not None:
            return
        body = self._fetch(url)
        if body is not None:
            file.digest, file.size = hashlib.sha256(body).hexdigest(), len(body)
            self._bodies[name] = body

    def fetch_again(self) -> int:
        """Fetch everything that is still there a second time; return how many files that were."""
        count = 0
        for name, file in self.files.items():
            body = self._fetch(file.uri)
            if body is None:
                continue
            count += 1
            if file.digest not in (None, hashlib.sha256(body).hexdigest()):
                self.changed.append(name)
        return count

    def _fetch(self, url: str) -> bytes | None:
        try:
            status, _headers, body = self._product.get(url)
        except OSError as error:
            self.troubles[type(error).__name__] += 1
            return None
        if status != 200:
            self.troubles[str(status)] += 1
            return None
        return body


def _segments(text: str) -> Iterator[str]:
    """Yield the URIs of whole segments that have media."""
    is_gap = False
    for line in text.splitlines():
        if line == "#EXT-X-GAP":
            is_gap = True
        elif line and not line.startswith("#"):
            if not is_gap:
                yield line
            is_gap = False
