"""Single files of a session by their names."""

import pytest

from config.postgres import Pool
from schemas.ids import SessionId
from schemas.journal import captions_file, init_file, segment_file
from web.store import stored


def test_names_are_those_of_the_journal() -> None:
    assert stored.segment_of(segment_file("720p60", 12)) == ("720p60", 12)
    assert stored.init_of(init_file("video", 3)) == ("video", 3)
    assert stored.captions_of(captions_file(7)) == 7


@pytest.mark.parametrize(
    "name",
    ["video-1-2.m4s", "video.m4s", "video-.m4s", "Video-1.m4s", "video-1.m4s\n", "video-9999999999.m4s", "-1.m4s"],
)
def test_other_names_are_no_segments(name: str) -> None:
    assert stored.segment_of(name) is None


@pytest.mark.services
async def test_a_file_is_stored_when_its_row_says_so(pool: Pool, session: SessionId) -> None:
    await pool.execute(
        "INSERT INTO segments (session_id, rendition, msn, map_number, start_s, duration_s, program_ms, size, is_gap)"
        " VALUES ('s1', 'video', 0, 1, 0, 2, 0, 9, false), ('s1', 'video', 1, 1, 2, 2, 0, 0, true)"
    )
    await pool.execute(
        "INSERT INTO inits (session_id, rendition, number, kind, codec, size)"
        " VALUES ('s1', 'video', 1, 'video', 'x', 9)"
    )
    await pool.execute(
        "INSERT INTO stream_files (session_id, kind, number, name, size, language) VALUES"
        " ('s1', 'captions', 0, 'captions-0.vtt', 9, 'en'), ('s1', 'captions', 4, 'captions-4.vtt', 9, 'de'),"
        " ('s1', 'thumbnail', 0, 'thumbnail-3.jpg', 9, '')"
    )
    names = ["video-0.m4s", "video-init-1.mp4", "captions-0.vtt", "thumbnail-3.jpg"]
    absent = ["video-1.m4s", "video-2.m4s", "audio-0.m4s", "video-init-2.mp4", "captions-1.vtt", "thumbnail-2.jpg"]
    assert [name for name in names + absent if await stored.is_stored(pool, session, name)] == names
    assert not await stored.is_stored(pool, SessionId("s2"), "video-0.m4s")
    assert await stored.newest_name(pool, session, "thumbnail") == "thumbnail-3.jpg"
    assert await stored.newest_name(pool, session, "storyboard") is None
    assert await stored.captions_language(pool, session) == "de"
    assert await stored.captions_language(pool, SessionId("s2")) is None
