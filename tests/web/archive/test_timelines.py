"""Timelines: what is read once is not read again, and memory is bounded."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from config.postgres import Pool, open_pool
from schemas.ids import SessionId
from tests.web.archive.rows import segment, segments, stream
from web.archive.timelines import Timelines, View, unbroken
from web.store import media
from web.store.media import SegmentRow

MEDIA = View.MEDIA


def test_a_hole_ends_what_may_be_listed() -> None:
    rows = [segment(3), segment(4), segment(7)]
    assert [row.msn for row in unbroken(rows, 3, is_final=False)] == [3, 4]
    assert [row.msn for row in unbroken(rows, 2, is_final=False)] == []


def test_a_hole_is_as_long_as_what_is_missing() -> None:
    rows = list(unbroken([segment(3), segment(6, start_s=11.0)], 3, is_final=True))
    assert [(row.msn, row.is_gap, row.start_s, row.duration_s) for row in rows] == [
        (3, False, 6.0, 2.0),
        (4, True, 8.0, 1.5),
        (5, True, 9.5, 1.5),
        (6, False, 11.0, 2.0),
    ]
    assert rows[1].program_ms == rows[3].program_ms - 3000


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    async with await open_pool(database_url) as pool:
        await pool.execute("ALTER TABLE segments DROP CONSTRAINT segments_session_id_fkey")
        yield pool


async def add(pool: Pool, rows: list[SegmentRow], session: str = "s1") -> None:
    await pool.executemany(
        "INSERT INTO segments (session_id, rendition, msn, map_number, start_s, duration_s, program_ms, size,"
        " still_bytes, is_discontinuous, is_gap) VALUES ($1, 'video', $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        [(session, *msgspec.structs.astuple(row)) for row in rows],
    )


@pytest.mark.services
async def test_only_what_is_new_is_read(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    read = media.segments

    async def noted(*arguments: Any, first_msn: int, **more: Any) -> list[SegmentRow]:
        asked.append(first_msn)
        return await read(*arguments, first_msn=first_msn, **more)

    monkeypatch.setattr(media, "segments", noted)
    timelines = Timelines(pool)
    await add(pool, segments(0, 5))
    assert (await timelines.lines(stream(), "video", MEDIA)).next_msn == 5
    await add(pool, segments(5, 7))
    lines = await timelines.lines(stream(), "video", MEDIA)
    assert (lines.next_msn, lines.is_complete) == (7, False)
    for _ in range(3):
        lines = await timelines.lines(stream(is_stored=True), "video", MEDIA)
    assert lines.is_complete
    assert asked == [0, 5, 7]


@pytest.mark.services
async def test_two_who_read_at_once_add_nothing_twice(pool: Pool) -> None:
    timelines = Timelines(pool)
    await add(pool, segments(0, 50))
    both = await asyncio.gather(*(timelines.lines(stream(), "video", MEDIA) for _ in range(4)))
    assert [len(lines) for lines in both] == [50] * 4


@pytest.mark.services
async def test_timelines_that_nobody_asks_for_make_room(pool: Pool) -> None:
    timelines = Timelines(pool, max_lines=25)
    for session in ("s1", "s2", "s3"):
        await add(pool, segments(0, 10), session)
        await timelines.lines(msgspec.structs.replace(stream(), session_id=SessionId(session)), "video", MEDIA)
    assert timelines.count == 20
    await timelines.lines(msgspec.structs.replace(stream(), session_id=SessionId("s1")), "video", MEDIA)
    assert timelines.count == 20


@pytest.mark.services
async def test_rewind_begins_within_its_window(pool: Pool) -> None:
    """What is older may be gone, but for what a clip holds."""
    timelines = Timelines(pool)
    await add(pool, [segment(3, is_discontinuous=True), segment(4)])
    await add(pool, [segment(msn, is_discontinuous=msn in (22, 28)) for msn in range(20, 40)])
    lines = await timelines.lines(stream(), "video", MEDIA, within_s=30.0)
    assert (lines.first_msn, lines.next_msn) == (25, 40)
    assert [lines.discontinuities_before(index) for index in (0, 3, 4)] == [2, 2, 3]
    await add(pool, [segment(40)])
    lines = await timelines.lines(stream(), "video", MEDIA, within_s=30.0)
    assert (lines.first_msn, lines.next_msn) == (25, 41)
    assert (await timelines.lines(stream(), "none", MEDIA, within_s=30.0)).next_msn == 0
