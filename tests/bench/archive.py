"""The archive: what it takes to open a recording of 2 h, and how many playlists of one that grows a CPU-second gives.

A real PostgreSQL with the rows of such a recording; no sockets in front of it, `delivery` measures those.
"""

import asyncio
import gzip
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from config.embedded import EmbeddedPostgres
from config.migrations import migrate
from config.objects.opening import open_stores
from config.postgres import Pool, open_pool
from config.settings import load
from schemas.ids import SessionId
from tests.bench.processes import table
from web.archive.archive import Archive
from web.archive.objects import Found
from web.archive.shelf import Shelved
from web.metrics import Metrics, Troubles
from web.store.media import SegmentRow

SEGMENTS = 3_600
"""2 h of 2 s."""
RENDITIONS = ("video", "720p", "360p", "audio")
ROUNDS = 10
DELTAS = 300
STATEMENTS = (
    "INSERT INTO users (id, username, display_name, password_hash) VALUES ('u1', 'alice', 'Alice', '')",
    "INSERT INTO channels (id, user_id, name) VALUES ('c1', 'u1', 'demo')",
    "INSERT INTO streams (id, channel_id, key_hash, node_id, protocol, request_id, is_recorded, object_prefix,"
    " target_duration_s) VALUES ('s1', 'c1', '', 'n1', 'rtmp', 'r1', true, 'recordings/c1/s1', 2)",
    "INSERT INTO vods (id, session_id, channel_id, visibility, started_at) VALUES ('v1', 's1', 'c1', 'public', now())",
)
INIT = (
    "INSERT INTO inits (session_id, rendition, number, kind, codec, size, width, height, frame_rate, channels)"
    " VALUES ('s1', $1, 1, $2, $3, 800, 1280, 720, 30, 2)"
)
SEGMENT = (
    "INSERT INTO segments (session_id, rendition, msn, map_number, start_s, duration_s, program_ms, size, still_bytes,"
    " is_discontinuous, is_gap) VALUES ('s1', $1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
)


def main() -> None:
    """Print the tables."""
    asyncio.run(_measure())


async def _measure() -> None:
    with tempfile.TemporaryDirectory(prefix="tally-b-", dir="/tmp") as name:
        server = EmbeddedPostgres(Path(name) / "data", Path(name), durable=False)
        await asyncio.to_thread(server.start)
        try:
            await _with_database(server, Path(name))
        finally:
            await asyncio.to_thread(server.stop)


async def _with_database(server: EmbeddedPostgres, directory: Path) -> None:
    url = server.url_of("postgres")
    await migrate(url)
    environ = {"TALLY_DATA": str(directory / "tally"), "TALLY_SECRET": "a secret for a bench"}
    settings = load(environ, cwd=directory).settings
    async with await open_pool(url) as pool, open_stores(settings) as stores:
        await _fill(pool)

        def fresh() -> Archive:
            return Archive(settings, pool, stores, Troubles(Metrics()))

        print(table("Archive: a recording of 2 h", ("what", "ms", "CPU ms", "target ms"), await _openings(fresh)))
        print(table("Archive: one that grows", ("what", "CPU us", "per CPU-s"), await _growth(fresh(), pool)))


async def _fill(pool: Pool) -> None:
    for statement in STATEMENTS:
        await pool.execute(statement)
    for rendition in RENDITIONS:
        is_audio = rendition == "audio"
        await pool.execute(INIT, rendition, *(("audio", "mp4a.40.2") if is_audio else ("video", "avc1.64001f")))
        await _add(pool, rendition, 0, SEGMENTS)
    await pool.execute("ANALYZE")


async def _add(pool: Pool, rendition: str, first: int, end: int) -> None:
    rows = [SegmentRow(msn, 1, msn * 2.0, 2.0, 1_700_000_000_000 + msn * 2000, 500_000, 40_000, False, False)
            for msn in range(first, end)]  # fmt: skip
    await pool.executemany(SEGMENT, [(rendition, *msgspec.structs.astuple(row)) for row in rows])


async def _openings(fresh: Callable[[], Archive]) -> list[tuple[str, ...]]:
    """Open it in a process that knows nothing of it yet."""

    async def item(archive: Archive) -> Shelved:
        found = await archive.shelf.find("vods", "v1")
        assert found is not None
        return found

    async def multivariant(archive: Archive) -> None:
        await archive.of(await item(archive), "playlist.m3u8")

    async def media(archive: Archive) -> None:
        found = await archive.of(await item(archive), "video.m3u8")
        assert found.body.count(b"#EXTINF") == SEGMENTS

    async def both(archive: Archive) -> None:
        await multivariant(archive)
        for name in ("video.m3u8", "audio.m3u8"):
            gzip.compress((await archive.of(await item(archive), name)).body, 5)

    async def again(archive: Archive) -> None:
        await archive.of(await item(archive), "video.m3u8")

    warm = fresh()
    await again(warm)
    return [
        ("multivariant playlist", *await _timed(lambda: multivariant(fresh())), ""),
        ("media playlist", *await _timed(lambda: media(fresh())), ""),
        ("all that a player opens, gzip", *await _timed(lambda: both(fresh())), "300"),
        ("media playlist, known lines", *await _timed(lambda: again(warm)), ""),
    ]


async def _timed(work: Callable[[], Awaitable[None]]) -> tuple[str, str]:
    """Return the median time and the mean of the CPU, of this process alone."""
    times = []
    before = time.process_time()
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await work()
        times.append(time.perf_counter() - began)
    used = (time.process_time() - before) / ROUNDS
    return f"{sorted(times)[ROUNDS // 2] * 1e3:.1f}", f"{used * 1e3:.1f}"


async def _growth(archive: Archive, pool: Pool) -> list[tuple[str, ...]]:
    item = await archive.shelf.find("vods", "v1")
    assert item is not None
    session = SessionId("s1")
    files: dict[str, Callable[[], Awaitable[Found]]] = {
        "delta of a recording": lambda: archive.of(item, "video.m3u8?_HLS_skip=YES"),
        "delta of rewind": lambda: archive.rewind(session, "rewind-video.m3u8?_HLS_skip=YES"),
        "whole playlist of rewind": lambda: archive.rewind(session, "rewind-video.m3u8"),
    }
    rows: list[tuple[str, ...]] = []
    for number, (name, ask) in enumerate(files.items()):
        await ask()
        used = 0.0
        for place in range(DELTAS):
            msn = SEGMENTS + number * DELTAS + place
            await _add(pool, "video", msn, msn + 1)
            before = time.process_time()
            found = await ask()
            used += time.process_time() - before
            assert f"video-{msn}.m4s".encode() in found.body
        rows.append((name, f"{used / DELTAS * 1e6:.0f}", f"{DELTAS / used:,.0f}"))
    return rows


if __name__ == "__main__":
    main()
