"""What happens to stored media with time."""

import msgspec
import pytest

from schemas.ids import SessionId
from schemas.storage import JOBS_FIELD, JOBS_STREAM, MAX_DELETIONS, DeleteObjects, MakeClip, MediaJob
from tests.web.site import Site
from tests.web.store.events import init, segment, started, stored
from tests.web.stored import Stored, publish
from web.housekeeper import LOCK
from web.retention import ATTEMPTS, Retention
from web.store.deletions import LEFT

pytestmark = pytest.mark.services
GB = 10**9


@pytest.fixture
async def keeper(site: Site) -> Retention:
    """The only one: the process's own does not lead."""
    await site.running.services.redis.set(LOCK, "a test")
    return Retention(site.running.services)


async def _jobs(site: Site) -> list[MediaJob]:
    entries = await site.running.services.redis.xrange(JOBS_STREAM)
    found = msgspec.convert(entries or [], list[tuple[bytes, dict[bytes, bytes]]])
    return [msgspec.json.decode(fields[JOBS_FIELD.encode()], type=MediaJob) for _, fields in found]


async def _more(made: Stored, number: int) -> list[str]:
    """Record more streams after the first, and return all recordings, oldest first."""
    await made.end()
    for _ in range(number - 1):
        _, made.session = await made.site.go_live(made.key)
        await made.tell(started(made.session, made.channel), init(made.session), segment(made.session, 0))
        await made.tell(stored(made.session, {"video": 1}))
        await made.site.unpublish(made.session)
    return await _vods(made.site)


async def _vods(site: Site) -> list[str]:
    return [vod["id"] for vod in reversed(await site.data("GET", "/vods"))]


async def _ready_days_ago(site: Site, vod: str, days: int) -> None:
    query = "UPDATE vods SET ready_at = now() - make_interval(days => $2) WHERE id = $1"
    await site.running.services.pool.execute(query, vod, days)


@pytest.mark.parametrize("more_settings", [{"keep_days": 30}])
async def test_recordings_go_by_age(site: Site, keeper: Retention) -> None:
    made = await publish(site)
    all_of_them = await _more(made, 3)
    for vod, days in zip(all_of_them, (31, 8, 6), strict=True):
        await _ready_days_ago(site, vod, days)
    await keeper.round()
    assert await _vods(site) == all_of_them[1:]
    await site.data("PATCH", "/channels/news", {"keepDays": 7}, who=made.alice)
    await keeper.round()
    assert await _vods(site) == all_of_them[2:]
    await site.data("PATCH", "/channels/news", {"keepDays": 0}, who=made.alice)
    await _ready_days_ago(site, all_of_them[2], 1000)
    await keeper.round()
    assert await _vods(site) == all_of_them[2:]


async def test_recordings_go_by_size_the_oldest_first_and_never_the_newest(site: Site, keeper: Retention) -> None:
    made = await publish(site)
    all_of_them = await _more(made, 4)
    pool = site.running.services.pool
    for vod, size in zip(all_of_them, (1, 3, 2, 4), strict=True):
        await pool.execute("UPDATE vods SET size_bytes = $2 WHERE id = $1", vod, size * GB)
    await site.data("PATCH", "/channels/news", {"keepGb": 9}, who=made.alice)
    await keeper.round()
    assert await _vods(site) == all_of_them[1:]
    await site.data("PATCH", "/channels/news", {"keepGb": 3}, who=made.alice)
    await keeper.round()
    assert await _vods(site) == all_of_them[3:]


async def test_what_is_still_being_recorded_is_never_deleted(site: Site, keeper: Retention) -> None:
    made = await publish(site, keepDays=1, keepGb=1)
    await site.running.services.pool.execute(
        "UPDATE vods SET started_at = now() - interval '1 year', size_bytes = 5000000000"
    )
    vod = await made.vod()
    await keeper.round()
    assert await _vods(site) == [vod]


async def test_objects_are_deleted_when_nobody_can_be_reading_them_any_more(site: Site, keeper: Retention) -> None:
    made = await publish(site)
    vod = await made.end()
    await site.data("DELETE", f"/vods/{vod}", who=made.alice)
    await keeper.round()
    assert await _jobs(site) == []
    pool = site.running.services.pool
    await pool.execute("UPDATE deletions SET created_at = created_at - $1::interval", LEFT)
    await pool.execute(
        "INSERT INTO deletions (key, created_at) SELECT 'live/x/y/' || n, now() - interval '1 hour'"
        " FROM generate_series(1, $1) n",
        MAX_DELETIONS,
    )
    await keeper.round()
    jobs = await _jobs(site)
    asked = [key for job in jobs if isinstance(job, DeleteObjects) for key in job.keys]
    assert {f"recordings/{made.channel}/{made.session}/video-7.m4s", "live/x/y/3"} <= set(asked)
    assert len(set(asked)) == len(asked)
    assert all(isinstance(job, DeleteObjects) and len(job.keys) <= MAX_DELETIONS for job in jobs)
    await keeper.round()
    assert len(await _jobs(site)) == len(jobs)
    await pool.execute("UPDATE deletions SET asked_at = asked_at - interval '11 minutes'")
    await keeper.round()
    assert len(await _jobs(site)) == 2 * len(jobs)


async def test_a_clip_that_is_not_heard_of_is_asked_for_again_but_not_for_ever(site: Site, keeper: Retention) -> None:
    made = await publish(site)
    body = {"channelId": made.channel, "startMs": 10_500, "endMs": 19_000}
    clip = (await site.data("POST", "/clips", body, who=made.alice))["id"]
    for _ in range(ATTEMPTS + 2):
        await keeper.round()
        await site.running.services.pool.execute("UPDATE clips SET asked_at = asked_at - interval '11 minutes'")
    jobs = await _jobs(site)
    assert len(jobs) == ATTEMPTS
    assert all(isinstance(job, MakeClip) and job == jobs[0] for job in jobs)
    assert (await site.data("GET", f"/clips/{clip}"))["state"] == "rough"


async def test_a_recording_whose_storage_never_said_that_it_is_whole_is_ready_after_a_while(
    site: Site, keeper: Retention
) -> None:
    made = await publish(site)
    await site.unpublish(made.session)
    await keeper.round()
    assert (await site.data("GET", f"/vods/{await made.vod()}"))["state"] == "recording"
    await site.running.services.pool.execute("UPDATE streams SET ended_at = now() - interval '11 minutes'")
    await keeper.round()
    vod = await site.data("GET", f"/vods/{await made.vod()}")
    assert (vod["state"], vod["durationMs"]) == ("ready", 200_000)
    # The storage process was only away.
    await made.tell(segment(made.session, 100))
    await made.tell(stored(SessionId(made.session), {"video": 101, "audio": 100}, total_bytes=300_000))
    vod = await site.data("GET", f"/vods/{await made.vod()}")
    assert (vod["durationMs"], vod["sizeBytes"]) == (202_000, 300_000)
