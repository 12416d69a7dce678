"""The chat beside recordings and clips."""

from typing import Any

import pytest

from chat.store.messages import moment
from schemas.ids import UserId
from tests.chat.keeping.logs import HOUR_MS, Log, keeper_of, until_kept
from tests.web.api.test_clips import made_of
from tests.web.site import Site
from tests.web.stored import SEGMENTS, Stored, publish
from web.store import clips

pytestmark = pytest.mark.services
BEGAN_MS = 1_700_000_000_000
"""Of the stored session: the clock at its first picture."""
BOB = UserId("u_bob")
END_MS = SEGMENTS * 2_000


async def say(made: Stored, *times_ms: int) -> Log:
    """Let somebody talk whose pictures are those of these times in the recording, with no latency of ours."""
    log = Log(made.site.running.services.redis, made.channel)
    for time_ms in times_ms:
        moment_ms = BEGAN_MS + time_ms
        await log.say(BOB, f"at {time_ms}", at_ms=moment_ms + 3_000, picture_at=moment_ms)
    return log


async def keep(made: Stored) -> None:
    services = made.site.running.services
    await until_kept(keeper_of(services.redis, services.pool)[0], services.redis, rounds=2_000)


def heard(envelope: dict[str, Any]) -> list[tuple[int, str]]:
    return [(item["offsetMs"], item["message"]["content"]) for item in envelope["data"]]


async def replay(site: Site, path: str) -> dict[str, Any]:
    status, envelope = await site.call("GET", path)
    assert status == 200, envelope
    return envelope


async def test_a_recording_replays_what_was_said_at_its_time(site: Site) -> None:
    made = await publish(site)
    log = await say(made, -1, 0, 1_500, 60_000, END_MS - 1, END_MS)
    await log.announce(made.alice.id, "listen", "green")  # type: ignore[arg-type]  # of today
    await log.say(BOB, "player unknown", at_ms=BEGAN_MS + 32_000)
    deleted = await log.say(BOB, "bad", at_ms=BEGAN_MS + 40_000)
    await log.delete(deleted, BOB)
    await keep(made)
    vod = await made.vod()
    envelope = await replay(site, f"/vods/{vod}/chat")
    assert heard(envelope) == [
        (0, "at 0"),
        (1_500, "at 1500"),
        (30_000, "player unknown"),
        (60_000, "at 60000"),
        (END_MS - 1, f"at {END_MS - 1}"),
    ]
    assert envelope["page"] == {"cursor": None}
    first = envelope["data"][0]
    assert first["announcement"] is None
    assert (first["message"]["seq"], first["message"]["epoch"]) == (2, "e1")
    assert heard(await replay(site, f"/vods/{vod}/chat?fromMs=1501")) == heard(envelope)[2:]
    assert heard(await replay(site, f"/vods/{vod}/chat?fromMs=99999999")) == []
    await made.end()
    assert heard(await replay(site, f"/vods/{vod}/chat")) == heard(envelope)


async def test_a_replay_has_pages_that_join_without_seams(site: Site) -> None:
    made = await publish(site)
    await say(made, 5_000, 5_000, 5_000, 1_000, 9_000)
    await keep(made)
    vod = await made.vod()
    pages, cursor = [], ""
    while True:
        envelope = await replay(site, f"/vods/{vod}/chat?limit=2{cursor}")
        pages.append([item["message"]["seq"] for item in envelope["data"]])
        if envelope["page"]["cursor"] is None:
            break
        cursor = f"&cursor={envelope['page']['cursor']}"
    assert pages == [[4, 1], [2, 3], [5]]


async def test_what_was_cleared_on_that_day_is_not_replayed_and_what_is_cleared_later_is(site: Site) -> None:
    made = await publish(site)
    log = await say(made, 1_000, 2_000)
    log.at_ms = BEGAN_MS + 30_000
    await log.clear()
    await say_again(log, 40_000)
    await keep(made)
    vod = await made.end()
    assert heard(await replay(site, f"/vods/{vod}/chat")) == [(40_000, "again")]
    log.at_ms = BEGAN_MS + 7 * HOUR_MS  # the stream went on for longer than that
    await log.clear()
    await keep(made)
    assert heard(await replay(site, f"/vods/{vod}/chat")) == []
    await site.running.services.pool.execute("UPDATE streams SET ended_at = $1", moment(BEGAN_MS + END_MS))
    assert heard(await replay(site, f"/vods/{vod}/chat")) == [(40_000, "again")]


async def say_again(log: Log, time_ms: int) -> None:
    await log.say(BOB, "again", at_ms=BEGAN_MS + time_ms, picture_at=BEGAN_MS + time_ms)


async def test_a_clip_replays_from_where_it_begins(site: Site) -> None:
    made = await publish(site)
    await say(made, 9_999, 10_000, 10_500, 15_000, 18_999, 19_500, 20_000)
    await keep(made)
    body = {"channelId": made.channel, "startMs": 10_500, "endMs": 19_000}
    clip = (await site.data("POST", "/clips", body, who=made.alice))["id"]
    rough = await replay(site, f"/clips/{clip}/chat")  # it plays with the edges of its segments
    assert [offset_ms for offset_ms, _ in heard(rough)] == [0, 500, 5_000, 8_999, 9_500]
    async with site.running.services.pool.acquire() as connection, connection.transaction():
        assert await clips.note_made(connection, made_of(clip))
    exact = await replay(site, f"/clips/{clip}/chat")
    assert [offset_ms for offset_ms, _ in heard(exact)] == [0, 4_500, 8_499]
    assert heard(await replay(site, f"/clips/{clip}/chat?fromMs=4501")) == [(8_499, "at 18999")]


async def test_who_may_not_watch_may_not_read(site: Site) -> None:
    made = await publish(site)
    await say(made, 12_000)
    await keep(made)
    vod = await made.vod()
    body = {"channelId": made.channel, "startMs": 10_000, "endMs": 19_000}
    clip = (await site.data("POST", "/clips", body, who=made.alice))["id"]
    await site.data("PATCH", f"/clips/{clip}", {"visibility": "private"}, who=made.alice)
    await site.data("PATCH", f"/vods/{vod}", {"visibility": "subscribers"}, who=made.alice)
    for kind, name in (("vods", vod), ("clips", clip)):
        status, envelope = await site.call("GET", f"/{kind}/{name}/chat")
        assert (status, envelope["error"]["code"]) == (403, "FORBIDDEN")
        assert len(await site.data("GET", f"/{kind}/{name}/chat", who=made.alice)) == 1
        share = await site.data("POST", f"/{kind}/{name}/share", {"expiresInS": 3600}, who=made.alice)
        key = share["pageUrl"].partition("?key=")[2]
        assert len(await site.data("GET", f"/{kind}/{name}/chat?key={key}")) == 1


BAD = {
    "/vods/nothing/chat": 404,
    "/vods/%00/chat": 404,
    "/clips/nothing/chat": 404,
    "/vods/{vod}/chat?limit=501": 400,
    "/vods/{vod}/chat?fromMs=-1": 400,
    "/vods/{vod}/chat?fromMs=1099511627776": 200,
    "/vods/{vod}/chat?cursor=nonsense": 400,
    "/vods/{vod}/chat?cursor=Wzk5OTk5OTk5OTk5OTk5OTk5OTksMV0": 400,
    "/vods/{vod}/chat?before=1": 400,
}


async def test_bad_questions_get_clear_answers(site: Site) -> None:
    made = await publish(site)
    vod = await made.vod()
    assert {path: (await site.call("GET", path.format(vod=vod)))[0] for path in BAD} == BAD
