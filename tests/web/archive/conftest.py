"""A recorded session in a real database and a real store of files."""

import asyncio
import hashlib
from collections.abc import Sequence

import msgspec
import pytest

from schemas.access import Visibility
from schemas.journal import captions_file, init_file, segment_file
from schemas.storage import ClipMade
from tests.web.archive.rows import BEGAN_MS, segments
from tests.web.site import Site
from web.store.media import SegmentRow

PREFIX = "recordings/c1/s1"
RENDITIONS = ("video", "audio")


def body_of(name: str) -> bytes:
    """Return the bytes of a stored file: different for each, the same each time."""
    return hashlib.sha256(name.encode()).digest() * 40


class Recorded:
    """Writes what storage and its events would have written of session `s1` of the channel `demo`."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.services = site.running.services

    async def begin(self) -> None:
        """Have the session, its recording `v1`, and two renditions."""
        pool = self.services.pool
        for statement in (
            "INSERT INTO users (id, username, display_name, password_hash) VALUES ('u1', 'alice', 'Alice', '')",
            "INSERT INTO channels (id, user_id, name) VALUES ('c1', 'u1', 'demo')",
            "INSERT INTO streams (id, channel_id, key_hash, node_id, protocol, request_id, is_recorded, object_prefix,"
            f" target_duration_s) VALUES ('s1', 'c1', '', 'n1', 'rtmp', 'r1', true, '{PREFIX}', 2)",
            "INSERT INTO vods (id, session_id, channel_id, visibility, started_at)"
            " VALUES ('v1', 's1', 'c1', 'public', now())",
            "INSERT INTO inits (session_id, rendition, number, kind, codec, size, width, height, frame_rate) VALUES"
            " ('s1', 'video', 1, 'video', 'avc1.64001f', 1280, 1280, 720, 30)",
            "INSERT INTO inits (session_id, rendition, number, kind, codec, size, sample_rate, channels) VALUES"
            " ('s1', 'audio', 1, 'audio', 'mp4a.40.2', 1280, 48000, 2)",
        ):
            await pool.execute(statement)
        for rendition in RENDITIONS:
            await self.put(f"{PREFIX}/{init_file(rendition, 1)}")

    async def add(self, rows: Sequence[SegmentRow]) -> None:
        """Store segments of both renditions."""
        for rendition in RENDITIONS:
            await self.services.pool.executemany(
                "INSERT INTO segments (session_id, rendition, msn, map_number, start_s, duration_s, program_ms, size,"
                " still_bytes, is_discontinuous, is_gap) VALUES ('s1', $1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                [(rendition, *msgspec.structs.astuple(row)) for row in rows],
            )
            for row in rows:
                if not row.is_gap:
                    await self.put(f"{PREFIX}/{segment_file(rendition, row.msn)}")

    async def add_file(self, kind: str, number: int, name: str, language: str = "") -> None:
        """Store a picture or captions."""
        await self.services.pool.execute(
            "INSERT INTO stream_files (session_id, kind, number, name, size, language)"
            " VALUES ('s1', $1, $2, $3, 1, $4)",
            kind,
            number,
            name,
            language,
        )
        await self.put(f"{PREFIX}/{name}")

    async def add_captions(self, *numbers: int) -> None:
        for number in numbers:
            await self.add_file("captions", number, captions_file(number), "de")

    async def add_cue(self, cue_id: str, start_s: float) -> None:
        await self.services.pool.execute(
            "INSERT INTO cues (session_id, cue_id, class_name, start_s, program_ms, fields)"
            " VALUES ('s1', $1, 'chapter', $2, $3, '{\"title\": \"One\"}')",
            cue_id,
            start_s,
            BEGAN_MS + round(start_s * 1000),
        )

    async def add_clip(self, first_msn: int, last_msn: int, made: ClipMade | None = None) -> None:
        """Have the clip `k1`."""
        await self.services.pool.execute(
            "INSERT INTO clips (id, channel_id, session_id, creator_id, title, visibility, start_s, end_s, first_msn,"
            " last_msn, made) VALUES ('k1', 'c1', 's1', 'u1', 'Look', 'public', $1, $2, $3, $4, $5)",
            first_msn * 2.0,
            last_msn * 2.0 + 2.0,
            first_msn,
            last_msn,
            None if made is None else msgspec.json.encode(made).decode(),
        )

    async def finish(self) -> None:
        """Say that everything is stored."""
        await self.services.pool.execute("UPDATE streams SET ended_at = now(), stored_at = now(), media_s = 9")
        await self.services.pool.execute("UPDATE vods SET ready_at = now()")

    async def show(self, table: str, visibility: Visibility) -> None:
        """Change who may watch."""
        await self.services.pool.execute(f"UPDATE {table} SET visibility = $1", visibility)

    async def put(self, key: str) -> None:
        store = self.services.stores.of(key)
        await store.put(key, body_of(key.rpartition("/")[2]), content_type="x/y")

    async def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        """Ask the web process."""
        async with self.site.client.get(self.site.base + path, headers=headers, allow_redirects=False) as response:
            return response.status, await response.read()

    async def becomes(self, path: str, status: int) -> None:
        """Wait for an answer: who may have what is believed for a second."""
        async with asyncio.timeout(20):
            while (await self.get(path))[0] != status:
                await asyncio.sleep(0.1)

    async def text(self, path: str) -> str:
        """Return a playlist that must be there."""
        status, body = await self.get(path)
        assert status == 200, (path, status, body)
        return body.decode()


@pytest.fixture
async def recorded(site: Site) -> Recorded:
    """Ten segments of a session that goes on."""
    made = Recorded(site)
    await made.begin()
    await made.add(segments(0, 10))
    return made


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows and playlists are believed for no longer than it takes to answer."""
    monkeypatch.setattr("web.archive.shelf.FRESH_S", 0.0)
    monkeypatch.setattr("web.archive.archive.GROWING_MEMORY_S", 0.0)
