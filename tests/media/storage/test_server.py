"""The storage process as a whole, beside a real Redis and a real S3 server."""

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from config.redis import connect
from schemas.storage import (
    EVENTS_FIELD,
    EVENTS_STREAM,
    FileStored,
    InitStored,
    MediaEvent,
    SegmentStored,
    StreamStarted,
    StreamStored,
)
from tests.faulty import Faulty
from tests.media.storage.written import WrittenSession
from tests.product import wait_until
from tests.rclone import S3Server

pytestmark = pytest.mark.services

DEADLINE_S = 25.0


class Storage:
    """`python -m media storage` on a data directory; `crash` ends it at a place of its code (see `PROGRAM`)."""

    def __init__(self, data: Path, port: int, redis_url: str, **settings: str) -> None:
        self.data, self.port, self.redis_url = data, port, redis_url
        self.output = data.parent / "storage.log"
        self._environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TALLY_")},
            "TALLY_DATA": str(data),
            "TALLY_REDIS_URL": redis_url,
            "TALLY_STORAGE_PORT": str(port),
            "TALLY_SECRET": "x" * 32,
            "TALLY_LOG_FORMAT": "json",
            **settings,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, program: str = "") -> None:
        arguments = ["-c", program] if program else ["-m", "media", "storage"]
        with self.output.open("ab") as log:
            self.process = subprocess.Popen([sys.executable, *arguments], env=self._environ, stdout=log, stderr=log)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(15)
        self.process = None
        return code

    def log(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.output.read_text().splitlines() if line.startswith("{")]

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
            return str(answer.read().decode())

    def events(self) -> list[MediaEvent]:
        return asyncio.run(self._events())

    async def _events(self) -> list[MediaEvent]:
        redis = connect(self.redis_url)
        try:
            entries = await redis.xrange(EVENTS_STREAM)
        finally:
            await redis.aclose()
        fields = [fields for _, fields in entries or [] if fields]
        lists = [msgspec.json.decode(one[EVENTS_FIELD.encode()], type=list[MediaEvent]) for one in fields]
        return [event for events in lists for event in events]

    def until_told(self, session: WrittenSession) -> list[MediaEvent]:
        """Wait for the end of a session and return its events."""

        def told() -> list[MediaEvent] | None:
            assert self.process is None or self.process.poll() is None, self.output.read_text()[-3000:]
            found = [event for event in self.events() if getattr(event, "session_id", "") == session.session]
            return found if any(isinstance(event, StreamStored) for event in found) else None

        found: list[MediaEvent] = wait_until(told, DEADLINE_S, "the end is told", 0.2)
        return found


@pytest.fixture
def start(tmp_path: Path, free_port: Callable[[], int], redis_url: str) -> Iterator[Callable[..., Storage]]:
    started: list[Storage] = []

    def make(**settings: str) -> Storage:
        storage = Storage(tmp_path / "data", free_port(), redis_url, **settings)
        started.append(storage)
        return storage

    yield make
    for storage in started:
        storage.kill()


def whole(session: WrittenSession) -> None:
    """A small session with everything in it."""
    session.plan("360p")
    for number in range(4):
        for rendition in ("source", "360p", "audio"):
            session.segment(rendition)
        session.captions(number)
    session.gap()
    session.tile(0, 1, 0.0)
    session.thumbnail(1, 0.0)
    session.cue("cue1")


def test_everything_is_in_the_bucket_and_told(
    tmp_path: Path, start: Callable[..., Storage], s3_server: S3Server
) -> None:
    session = WrittenSession(tmp_path / "data")
    whole(session)
    storage = start(TALLY_S3_URL=s3_server.url)
    storage.start()
    wait_until(lambda: session.key("source-3.m4s") in s3_server.stored(), DEADLINE_S, "a live segment is stored")
    live = session.segment()  # written while it watches
    wait_until(lambda: session.key(live) in s3_server.stored(), DEADLINE_S, "the next one too")
    session.end()
    events = storage.until_told(session)
    stored = s3_server.stored()
    for name, digest in session.sums.items():
        assert hashlib.sha256(stored[session.key(name)].read_bytes()).hexdigest() == digest, name
    assert isinstance(events[0], StreamStarted)
    end = events[-1]
    assert isinstance(end, StreamStored)
    assert end.segments == {"source": 6, "360p": 4, "audio": 4}
    for event in events:
        if isinstance(event, SegmentStored) and not event.is_gap:
            assert event.sha256 == session.sums[f"{event.rendition}-{event.msn}.m4s"]
    index = msgspec.json.decode(stored[session.key(end.index_name)].read_bytes(), type=list[MediaEvent])
    assert index == events[:-1]
    playlist = stored[session.key("source.m3u8")].read_text()
    assert playlist.count("#EXTINF") == 6
    assert "#EXT-X-GAP" in playlist
    assert playlist.rstrip().endswith("#EXT-X-ENDLIST")
    assert "360p.m3u8" in stored[session.key("playlist.m3u8")].read_text()
    assert json.loads(storage.get("/readyz"))["status"] == "ok"
    assert "tally_storage_puts_total" in storage.get("/metrics")
    assert storage.stop() == 0
    said = [line["event"] for line in storage.log()]
    assert said == ["storage ready", "storing began", "storing ended", "storage stopping"]


# The process ends itself, as by kill -9, at one of its most delicate moments.
CRASH = """
import os, signal, sys
from media.storage import {module} as module
sys.argv = ["media", "storage"]
count = 0
whole = module.{name}
def crash(*arguments, **named):
    global count
    count += 1
    if count == {at}:
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(*arguments, **named)
module.{name} = crash
from media.__main__ import main
main()
"""


@pytest.mark.parametrize(
    ("module", "name", "at"),
    [
        ("stream", "StoredStream.kept", 7),  # stored, not noted
        ("ledger", "Ledger.tell", 2),  # told, not noted
        ("stream", "StoredStream.finish", 1),
    ],
)
def test_killed_at_any_point_nothing_is_missing(
    tmp_path: Path, start: Callable[..., Storage], module: str, name: str, at: int
) -> None:
    session = WrittenSession(tmp_path / "data")
    whole(session)
    session.end()
    storage = start()
    first, _, second = name.partition(".")
    place = f"module.{first}" if second else "module"
    storage.start(CRASH.format(module=module, name=name, at=at).replace(f"module.{name}", f"{place}.{second or first}"))
    assert storage.process is not None
    assert storage.process.wait(DEADLINE_S) == -signal.SIGKILL, storage.output.read_text()[-2000:]
    storage.start()
    events = storage.until_told(session)
    assert isinstance(events[0], StreamStarted)
    segments = {(event.rendition, event.msn) for event in events if isinstance(event, SegmentStored)}
    assert segments == {(rendition, msn) for rendition in ("source", "360p", "audio") for msn in range(4)} | {
        ("source", 4)
    }
    assert len({event.rendition for event in events if isinstance(event, InitStored)}) == 3
    assert {event.kind for event in events if isinstance(event, FileStored)} == {
        "thumbnail",
        "sheet",
        "storyboard",
        "captions",
    }
    objects = tmp_path / "data" / "objects"
    for file, digest in session.sums.items():
        assert hashlib.sha256((objects / session.key(file)).read_bytes()).hexdigest() == digest


def test_an_outage_is_named_survived_and_over(
    tmp_path: Path, start: Callable[..., Storage], s3_server: S3Server
) -> None:
    session = WrittenSession(tmp_path / "data", is_recorded=False)
    session.plan()
    with Faulty(s3_server.port) as faulty:
        storage = start(TALLY_S3_URL=s3_server.url_at(faulty.port))
        storage.start()
        wait_until(lambda: session.key("audio-init-0.mp4") in s3_server.stored(), DEADLINE_S, "inits are stored")
        faulty.mode = "error"
        names = [session.segment() for _ in range(5)]
        wait_until(lambda: json.loads(storage.get("/healthz"))["status"] == "degraded", DEADLINE_S, "health says so")
        assert json.loads(storage.get("/healthz"))["waiting"] >= 5
        assert "tally_storage_waiting 5.0" in storage.get("/metrics")
        faulty.mode = "cut"
        names.append(session.segment())
        faulty.mode = "pass"
        session.end()
        storage.until_told(session)
    assert {session.key(name) for name in names} <= set(s3_server.stored())
    said = [line["event"] for line in storage.log()]
    assert said.count("object store away") == 1
    assert said.count("object store back") == 1


def test_a_wrong_secret_is_one_line_and_no_end(
    tmp_path: Path, start: Callable[..., Storage], s3_server: S3Server
) -> None:
    session = WrittenSession(tmp_path / "data")
    session.plan()
    storage = start(TALLY_S3_URL=s3_server.url_at(s3_server.port, secret="wrong"))
    storage.start()
    lines = wait_until(
        lambda: [line for line in storage.log() if line["event"] == "object store refuses"], DEADLINE_S, "it is said"
    )
    assert lines[0]["level"] == "error"
    assert "does not take the secret" in lines[0]["reason"]
    assert "TALLY_S3_URL" in lines[0]["reason"]
    assert json.loads(storage.get("/healthz"))["status"] == "degraded"
    assert len([line for line in storage.log() if line["event"] == "object store refuses"]) == 1
