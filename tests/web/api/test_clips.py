"""Clips over the API: what may be cut, who may see and change it, what the storage process is asked for."""

import msgspec
import pytest

from schemas.ids import ClipId
from schemas.storage import JOBS_FIELD, JOBS_STREAM, ClipMade, EdgedTrack, EdgePiece, MakeClip, MediaJob
from tests.web.site import Json, Site
from tests.web.stored import Stored, publish
from web.api.clips import CLIPS_BY_USER
from web.store import clips

pytestmark = pytest.mark.services


async def _jobs(site: Site) -> list[MediaJob]:
    entries = await site.running.services.redis.xrange(JOBS_STREAM)
    found = msgspec.convert(entries or [], list[tuple[bytes, dict[bytes, bytes]]])
    return [msgspec.json.decode(fields[JOBS_FIELD.encode()], type=MediaJob) for _, fields in found]


async def _clip(made: Stored, start_ms: int = 10_500, end_ms: int = 19_000, **more: object) -> Json:
    body = {"channelId": made.channel, "startMs": start_ms, "endMs": end_ms, **more}
    clip: Json = await made.site.data("POST", "/clips", body, who=made.alice)
    return clip


def made_of(clip: str) -> ClipMade:
    piece = EdgePiece(5, 5, "head-init.mp4", 10, "head.m4s", 20, 10.5, 1.5, "avc1.64001f")
    return ClipMade(ClipId(clip), [EdgedTrack("video", piece, None)], "clip.mp4", 30, "picture.jpg", 40, 8.25)


async def test_a_clip_of_a_live_stream_is_there_at_once_and_storage_is_asked_for_its_edges(site: Site) -> None:
    made = await publish(site)
    clip = await _clip(made, title="What a goal")
    assert (clip["state"], clip["title"], clip["creatorName"]) == ("cutting", "What a goal", "alice")
    assert clip["creatorId"] == (await site.data("GET", "/me", who=made.alice))["user"]["id"]
    assert (clip["startMs"], clip["durationMs"], clip["vodId"]) == (10_500, 8_500, await made.vod())
    assert clip["playlistUrl"] == f"/clips/{clip['id']}/playlist.m3u8"
    assert clip["mp4Url"] == f"/clips/{clip['id']}.mp4"
    assert clip["pageUrl"] == f"{site.settings.public_url}/clips/{clip['id']}"
    (job,) = await _jobs(site)
    assert isinstance(job, MakeClip)
    assert (job.clip_id, job.start_s, job.end_s, job.title) == (clip["id"], 10.5, 19.0, "What a goal")
    assert [(track.rendition, [s.msn for s in track.segments]) for track in job.tracks] == [
        ("video", [5, 6, 7, 8, 9]),
        ("audio", [5, 6, 7, 8, 9]),
    ]
    first = job.tracks[0].segments[0]
    assert first.key == f"recordings/{made.channel}/{made.session}/video-5.m4s"
    assert first.init_key == f"recordings/{made.channel}/{made.session}/video-init-0.mp4"


async def test_a_clip_is_ready_when_its_edges_are_and_rough_when_they_cannot_be(site: Site) -> None:
    made = await publish(site)
    first, second = (await _clip(made))["id"], (await _clip(made))["id"]
    pool = site.running.services.pool
    async with pool.acquire() as connection, connection.transaction():
        assert await clips.note_made(connection, made_of(first))
        await clips.note_failed(connection, second, "no such codec")
    ready, rough = [await site.data("GET", f"/clips/{clip}") for clip in (first, second)]
    assert (ready["state"], ready["durationMs"]) == ("ready", 8_250)
    assert (rough["state"], rough["durationMs"]) == ("rough", 8_500)


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "field", "reason"),
    [
        (1_000, 1_500, "endMs", "at least"),
        (5_000, 1_000, "endMs", "at least"),
        (0, 121_000, "endMs", "at most"),
        (190_000, 201_000, "endMs", "ends at 200000"),
        (900_000, 905_000, "endMs", "ends at 200000"),
        (21_000, 23_000, "startMs", "gap"),
    ],
)
async def test_times_that_cannot_be_cut_are_refused(
    site: Site, start_ms: int, end_ms: int, field: str, reason: str
) -> None:
    made = await publish(site, gaps=range(10, 12))
    body = {"channelId": made.channel, "startMs": start_ms, "endMs": end_ms}
    status, envelope = await site.call("POST", "/clips", body, who=made.alice)
    assert (status, envelope["error"]["code"]) == (400, "INVALID_REQUEST")
    assert reason in envelope["error"]["fields"][field]
    assert await _jobs(site) == []


async def test_the_last_picture_may_end_before_the_players_clock(site: Site) -> None:
    made = await publish(site)
    clip = await _clip(made, 195_000, 200_400)
    assert clip["durationMs"] == 5_000


async def test_a_clip_over_a_gap_says_so(site: Site) -> None:
    made = await publish(site, gaps=range(10, 12))
    assert (await _clip(made, 15_000, 25_000))["hasGaps"] is True
    assert (await _clip(made, 15_000, 19_000))["hasGaps"] is False


async def test_what_one_may_not_watch_one_may_not_cut(site: Site) -> None:
    made = await publish(site, visibility="followers", vodVisibility="private")
    bob, body = await site.person("bob"), {"startMs": 0, "endMs": 5_000}
    live, vod = {**body, "channelId": made.channel}, {**body, "vodId": await made.vod()}
    for asked in (live, vod):
        status, envelope = await site.call("POST", "/clips", asked, who=bob)
        assert (status, envelope["error"]["code"]) == (403, "FORBIDDEN")
    await site.data("POST", "/follows/news", who=bob)
    clip = await site.data("POST", "/clips", live, who=bob)
    assert clip["visibility"] == "followers"
    assert (await site.call("POST", "/clips", vod, who=bob))[0] == 403
    # The recording is private: nothing of it becomes public by a viewer's hand.
    status, _ = await site.call("PATCH", f"/clips/{clip['id']}", {"visibility": "public"}, who=bob)
    assert status == 403
    assert (await site.call("PATCH", f"/clips/{clip['id']}", {"visibility": "public"}, who=made.alice))[0] == 200


async def test_neither_or_both_sources_are_refused(site: Site) -> None:
    made = await publish(site)
    times = {"startMs": 0, "endMs": 5_000}
    for source in ({}, {"channelId": made.channel, "vodId": await made.vod()}):
        assert (await site.call("POST", "/clips", {**times, **source}, who=made.alice))[0] == 400
    for source in ({"vodId": "nowhere"}, {"channelId": "nowhere"}):
        assert (await site.call("POST", "/clips", {**times, **source}, who=made.alice))[0] == 404
    await made.end()
    status, envelope = await site.call("POST", "/clips", {**times, "channelId": made.channel}, who=made.alice)
    assert (status, list(envelope["error"]["fields"])) == (400, ["channelId"])


async def test_clips_are_made_so_often_and_no_oftener(site: Site) -> None:
    made = await publish(site)
    for _ in range(CLIPS_BY_USER.attempts):
        await _clip(made)
    body = {"channelId": made.channel, "startMs": 0, "endMs": 5_000}
    status, envelope = await site.call("POST", "/clips", body, who=made.alice)
    assert (status, envelope["error"]["code"]) == (429, "RATE_LIMITED")


async def test_creators_and_owners_change_and_delete(site: Site) -> None:
    made = await publish(site)
    bob, eve = await site.person("bob"), await site.person("eve")
    body = {"channelId": made.channel, "startMs": 0, "endMs": 5_000}
    ids = [(await site.data("POST", "/clips", body, who=bob))["id"] for _ in range(2)]
    for method, change in (("PATCH", {"title": "x"}), ("DELETE", None)):
        assert (await site.call(method, f"/clips/{ids[0]}", change, who=eve))[0] == 403
    await site.data("PATCH", f"/clips/{ids[0]}", {"title": "Mine", "visibility": "private"}, who=bob)
    assert [clip["title"] for clip in await site.data("GET", "/clips?channel=news", who=bob)] == ["The news", "Mine"]
    assert len(await site.data("GET", "/clips?channel=news", who=eve)) == 1
    assert len(await site.data("GET", f"/clips?vod={await made.vod()}", who=made.alice)) == 2
    shared = await site.data("POST", f"/clips/{ids[0]}/share", {}, who=bob)
    key = shared["pageUrl"].partition("?key=")[2]
    assert (await site.data("GET", f"/clips/{ids[0]}?key={key}", who=eve))["title"] == "Mine"
    assert (await site.data("GET", f"/clips/{ids[0]}", who=eve))["title"] == ""
    await site.data("DELETE", f"/clips/{ids[0]}", who=made.alice)
    await site.data("DELETE", f"/clips/{ids[1]}", who=bob)
    assert await site.data("GET", "/clips", who=bob) == []


async def test_a_clip_stays_when_its_recording_goes(site: Site) -> None:
    made = await publish(site)
    clip, vod = (await _clip(made))["id"], await made.end()
    await site.data("DELETE", f"/vods/{vod}", who=made.alice)
    left = await site.data("GET", f"/clips/{clip}")
    assert (left["vodId"], left["playlistUrl"]) == (None, f"/clips/{clip}/playlist.m3u8")
