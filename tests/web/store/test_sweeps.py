"""Nothing in use is given up, and nothing unused stays."""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest

from config.postgres import Pool
from schemas.ids import ChannelId, ClipId, SessionId, UserId
from schemas.storage import ClipMade, FileStored, StreamStored, clip_prefix, session_prefix
from tests.web.store.events import DURATION_S, init, segment, started, stored
from web.store import arrivals, clips, sweeps, vods
from web.store.arrivals import SessionEvent
from web.store.sweeps import REWIND_MARGIN_S

pytestmark = pytest.mark.services
RENDITIONS = ("video", "audio")
MAP_EVERY = 7
"""Segments of one initialization section."""
REWIND_S = 20


@dataclass
class Model:
    """What the rows should be, kept by hand: the keys of each session, and what of them is held."""

    session: SessionId
    channel: ChannelId
    is_recorded: bool
    segments: int
    gaps: set[int]
    is_whole_held: bool = True
    """By its recording, or by its viewers."""
    clips: dict[ClipId, tuple[int, int]] = field(default_factory=dict)

    def key(self, name: str) -> str:
        return f"{session_prefix(self.channel, self.session, is_recorded=self.is_recorded)}/{name}"

    def events(self) -> Iterable[SessionEvent]:
        yield started(self.session, self.channel, is_recorded=self.is_recorded)
        for rendition in RENDITIONS:
            for number in range(-(-self.segments // MAP_EVERY)):
                yield init(self.session, rendition, number)
            for msn in range(self.segments):
                yield segment(self.session, msn, rendition, map_number=msn // MAP_EVERY, is_gap=msn in self.gaps)
        for msn in range(self.segments):
            yield FileStored(self.session, "captions", msn, f"captions-{msn}.vtt", 1)
        yield FileStored(self.session, "thumbnail", 0, "thumbnail-1.jpg", 1)
        yield FileStored(self.session, "sheet", 0, "storyboard-0-25.jpg", 1)
        yield stored(self.session, dict.fromkeys(RENDITIONS, self.segments))

    def names(self, msns: Iterable[int]) -> set[str]:
        """Return what the segments of these numbers need."""
        found = set()
        for msn in msns:
            found.add(f"captions-{msn}.vtt")
            for rendition in RENDITIONS:
                found.add(f"{rendition}-init-{msn // MAP_EVERY}.mp4")
                if msn not in self.gaps:
                    found.add(f"{rendition}-{msn}.m4s")
        return found

    def all_keys(self) -> set[str]:
        return {
            self.key(name) for name in self.names(range(self.segments)) | {"thumbnail-1.jpg", "storyboard-0-25.jpg"}
        }

    def held_keys(self) -> set[str]:
        if self.is_whole_held:
            return self.all_keys()
        msns = {msn for first, last in self.clips.values() for msn in range(first, last + 1)}
        return {self.key(name) for name in self.names(msns) | ({"thumbnail-1.jpg"} if self.clips else set())}


async def _write(pool: Pool, events: Iterable[SessionEvent]) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await arrivals.write(connection, list(events))


async def _sweep_all(pool: Pool) -> None:
    for session in await sweeps.due(pool, 100):
        async with pool.acquire() as connection, connection.transaction():
            await sweeps.sweep(connection, session, rewind_s=REWIND_S)


async def _referenced(pool: Pool) -> set[str]:
    """Every key that a row stands for."""
    rows = await pool.fetch(
        "SELECT s.object_prefix || '/' || n.name AS key FROM streams s JOIN ("
        "SELECT session_id, rendition || '-' || msn || '.m4s' AS name FROM segments WHERE NOT is_gap"
        " UNION ALL SELECT session_id, rendition || '-init-' || number || '.mp4' FROM inits"
        " UNION ALL SELECT session_id, name FROM stream_files) n ON n.session_id = s.id"
    )
    return {row["key"] for row in rows}


async def _listed(pool: Pool) -> set[str]:
    return {row["key"] for row in await pool.fetch("SELECT key FROM deletions")}


async def _add_stream(pool: Pool, number: int, *, is_recorded: bool, segments: int, gaps: set[int]) -> Model:
    session = SessionId(f"x{number}")
    await pool.execute(
        "INSERT INTO streams (id, channel_id, key_hash, node_id, protocol, request_id, live_at, ended_at, is_recorded)"
        " VALUES ($1, 'c1', '', 'n1', 'rtmp', $1, now(), now(), $2)",
        session,
        is_recorded,
    )
    model = Model(session, ChannelId("c1"), is_recorded, segments, gaps)
    await _write(pool, model.events())
    return model


async def _clip(pool: Pool, model: Model, first: int, last: int) -> ClipId:
    async with pool.acquire() as connection, connection.transaction():
        await sweeps.lock(connection, model.session)
        start_s, end_s = first * DURATION_S + 0.5, (last + 1) * DURATION_S - 0.5
        covered = await clips.covered(connection, model.session, start_s, end_s)
        assert [segment.msn for segment in covered] == list(range(first, last + 1))
        clip = await clips.create(
            connection,
            channel=model.channel,
            session=model.session,
            creator=UserId("u1"),
            title="",
            visibility="public",
            start_s=start_s,
            end_s=end_s,
            msns=(first, last),
        )
    model.clips[clip] = (first, last)
    return clip


async def _delete_clip(pool: Pool, model: Model, clip: ClipId) -> None:
    async with pool.acquire() as connection, connection.transaction():
        assert await clips.delete(connection, clip)
    del model.clips[clip]


async def _let_go(pool: Pool, model: Model) -> None:
    """Delete the recording, or let the viewers' time run out."""
    model.is_whole_held = False
    async with pool.acquire() as connection, connection.transaction():
        if model.is_recorded:
            vod = await vods.of_session(connection, model.session)
            assert vod is not None
            assert await vods.delete(connection, vod) == "deleted"
        else:
            await connection.execute(
                "UPDATE streams SET ended_at = now() - interval '11 minutes', sweep_at = now() WHERE id = $1",
                model.session,
            )


@pytest.mark.parametrize("seed", range(8))
async def test_what_is_held_stays_and_all_else_goes(pool: Pool, session: SessionId, seed: int) -> None:
    chance = random.Random(seed)
    models = [
        await _add_stream(
            pool,
            number,
            is_recorded=chance.random() < 0.6,
            segments=(segments := chance.randint(4, 40)),
            gaps=set(chance.sample(range(segments), chance.randint(0, 3))),
        )
        for number in range(5)
    ]
    await pool.execute("UPDATE streams SET sweep_at = NULL")  # live sessions are another test's
    for _ in range(30):
        model = chance.choice(models)
        match chance.randrange(5):
            case 0 | 1 if model.is_whole_held:
                first = chance.randrange(model.segments)
                await _clip(pool, model, first, min(model.segments - 1, first + chance.randrange(6)))
            case 2 if model.clips:
                await _delete_clip(pool, model, chance.choice(list(model.clips)))
            case 3 if model.is_whole_held:
                await _let_go(pool, model)
            case 4 if not model.is_whole_held:
                await _write(pool, chance.sample(list(model.events()), 5))  # told again, too late
            case _:
                await _sweep_all(pool)
    await _sweep_all(pool)
    held = {key for model in models for key in model.held_keys()}
    everything = {key for model in models for key in model.all_keys()}
    assert await _referenced(pool) == held
    listed = await _listed(pool)
    assert everything - held <= listed
    assert not held & listed
    assert await sweeps.due(pool, 10) == []
    released = [model.session for model in models if not model.is_whole_held]
    left = await pool.fetch("SELECT session_id FROM vods WHERE session_id = ANY($1)", released)
    assert left == []


async def test_a_live_stream_that_is_not_recorded_keeps_what_can_be_rewound_and_clips(
    pool: Pool, session: SessionId, channel: ChannelId
) -> None:
    model = Model(session, channel, is_recorded=False, segments=100, gaps=set())
    await _write(pool, [event for event in model.events() if not isinstance(event, StreamStored)])
    clip = await _clip(pool, model, 2, 4)
    await _sweep_all(pool)
    rows = await pool.fetch("SELECT msn FROM segments WHERE rendition = 'video' ORDER BY msn")
    oldest = 100 - int((REWIND_S + REWIND_MARGIN_S) / DURATION_S) - 1
    assert [row["msn"] for row in rows] == [2, 3, 4, *range(oldest, 100)]
    assert await pool.fetchval("SELECT sweep_at > now() FROM streams") is True
    needed = model.names([2, 3, 4, *range(oldest, 100)]) | {"thumbnail-1.jpg", "storyboard-0-25.jpg"}
    assert await _referenced(pool) == {model.key(name) for name in needed}
    await pool.execute("UPDATE streams SET ended_at = now() - interval '11 minutes', sweep_at = now()")
    await _sweep_all(pool)
    model.is_whole_held = False
    assert await _referenced(pool) == model.held_keys()
    await _delete_clip(pool, model, clip)
    await _sweep_all(pool)
    assert await _referenced(pool) == set()


async def test_a_deleted_recordings_playlists_and_index_go_too(
    pool: Pool, session: SessionId, channel: ChannelId
) -> None:
    model = Model(session, channel, is_recorded=True, segments=3, gaps=set())
    await _write(pool, model.events())
    await _let_go(pool, model)
    names = ("playlist.m3u8", "video.m3u8", "audio.m3u8", "events.json")
    assert {model.key(name) for name in names} <= await _listed(pool)


async def test_a_large_recording_goes_in_steps(
    pool: Pool, session: SessionId, channel: ChannelId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeps, "BATCH", 10)
    model = Model(session, channel, is_recorded=True, segments=12, gaps=set())
    await _write(pool, model.events())
    await _let_go(pool, model)
    await _sweep_all(pool)
    assert len(await _referenced(pool)) == len(model.all_keys()) - 10
    await _sweep_all(pool)
    await _sweep_all(pool)
    assert await _referenced(pool) == set()
    assert model.all_keys() <= await _listed(pool)


async def test_a_clips_own_objects_go_with_it_whenever_they_come(
    pool: Pool, session: SessionId, channel: ChannelId
) -> None:
    model = Model(session, channel, is_recorded=True, segments=12, gaps=set())
    await _write(pool, model.events())
    early, late = await _clip(pool, model, 0, 2), await _clip(pool, model, 0, 2)
    async with pool.acquire() as connection, connection.transaction():
        assert await clips.note_made(connection, _made(early))
        assert not await clips.note_made(connection, _made(early))  # told twice
        assert await clips.delete(connection, early)
        assert await clips.delete(connection, late)
        assert not await clips.note_made(connection, _made(late))
    expected = {f"{clip_prefix(channel, clip)}/{name}" for clip in (early, late) for name in ("a.mp4", "a.jpg")}
    assert expected <= await _listed(pool)


def _made(clip: ClipId) -> ClipMade:
    return ClipMade(clip, [], "a.mp4", 10, "a.jpg", 2, 4.0)
