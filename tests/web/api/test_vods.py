"""Recordings over the API: who sees what of them, and where they are played."""

from typing import Any

import pytest

from schemas import access
from schemas.storage import INTERRUPTION, CueStored
from tests.web.site import Person, Site
from tests.web.store.events import init, segment, started, stored
from tests.web.stored import SEGMENTS, publish

pytestmark = pytest.mark.services


async def test_a_recording_can_be_watched_while_it_grows_and_downloaded_when_it_is_ready(site: Site) -> None:
    made = await publish(site)
    vod = await made.vod()
    growing = await site.data("GET", f"/vods/{vod}")
    assert (growing["state"], growing["title"], growing["durationMs"]) == ("recording", "The news", SEGMENTS * 2000)
    assert growing["playlistUrl"] == f"/vods/{vod}/playlist.m3u8"
    assert growing["storyboardUrl"] == f"/vods/{vod}/storyboard.vtt"
    assert growing["thumbnailUrl"] == f"/vods/{vod}/thumbnail.jpg"
    assert growing["downloadUrl"] is None
    assert await made.end() == vod
    ready = await site.data("GET", f"/vods/{vod}")
    assert (ready["state"], ready["sizeBytes"], ready["downloadUrl"]) == ("ready", 200_000, f"/vods/{vod}.mp4")
    assert (ready["chapters"], ready["hasGaps"], ready["expiresAt"], ready["deletesAt"]) == ([], False, None, None)


async def test_interruptions_are_chapters_and_gaps_are_told(site: Site) -> None:
    made = await publish(site, gaps=range(10, 12), breaks=(12, 50))
    vod = await site.data("GET", f"/vods/{await made.vod()}")
    assert vod["hasGaps"] is True
    assert vod["chapters"] == [
        {"startMs": 0, "title": "The news"},
        {"startMs": 24_000, "title": "Back on air at 0:00:24"},
        {"startMs": 100_000, "title": "Back on air at 0:01:40"},
    ]


async def test_a_slate_is_no_chapter_of_its_own(site: Site) -> None:
    made = await publish(site, breaks=(12, 20, 50))  # the slate's beginning, the return, an encoder that began anew
    await made.tell(CueStored(made.session, "interruption-0", INTERRUPTION, 24.1, 15.8, 0, {}))
    vod = await site.data("GET", f"/vods/{await made.vod()}")
    assert [chapter["startMs"] for chapter in vod["chapters"]] == [0, 40_000, 100_000]


async def test_the_title_follows_the_channel_until_it_has_its_own(site: Site) -> None:
    made = await publish(site)
    vod = await made.vod()
    await site.data("PATCH", "/channels/news", {"title": "Late news"}, who=made.alice)
    assert (await site.data("GET", f"/vods/{vod}"))["title"] == "Late news"
    await site.data("PATCH", f"/vods/{vod}", {"title": "The one with the storm"}, who=made.alice)
    await site.data("PATCH", "/channels/news", {"title": "Weather"}, who=made.alice)
    assert (await site.data("GET", f"/vods/{vod}"))["title"] == "The one with the storm"


@pytest.mark.parametrize(
    ("visibility", "may_watch"),
    [
        ("public", {None, "bob", "follower", "subscriber", "alice", "root1"}),
        ("followers", {"follower", "subscriber", "alice", "root1"}),
        ("subscribers", {"subscriber", "alice", "root1"}),
        ("private", {"alice", "root1"}),
    ],
)
async def test_who_may_watch(site: Site, visibility: str, may_watch: set[str | None]) -> None:
    made = await publish(site, vodVisibility=visibility)
    vod = await made.vod()
    names = ("bob", "follower", "subscriber", "root1")
    people = {name: await site.person(name, is_admin=name == "root1") for name in names}
    await site.data("POST", "/follows/news", who=people["follower"])
    await site.running.services.pool.execute(
        "INSERT INTO subscriptions (id, user_id, channel_id, tier, expires_at)"
        " VALUES ('x', $1, $2, 1, now() + interval '1 day'), ('y', $3, $2, 1, now() - interval '1 day')",
        people["subscriber"].id,
        made.channel,
        people["bob"].id,
    )
    keys = site.running.services.access
    everybody: list[tuple[str | None, Person | None]] = [(None, None), ("alice", made.alice), *people.items()]
    for name, who in everybody:
        seen = await site.data("GET", f"/vods/{vod}", who=who)
        listed = await site.data("GET", "/vods", who=who)
        playback = await site.data("GET", "/channels/news/playback", who=who)
        if name in may_watch:
            assert seen["whyNot"] is None
            assert listed[0]["playlistUrl"] is not None
            assert playback["vodId"] == vod
            if visibility != "public":
                token = seen["playlistUrl"].split("/")[2].removeprefix("~")
                assert await keys.verify(token, f"vod:{vod}")
                assert seen["downloadUrl"] is None
                assert seen["expiresAt"] is not None
        else:
            assert seen["whyNot"] == visibility
            hidden = [seen[name] for name in ("playlistUrl", "downloadUrl", "storyboardUrl", "thumbnailUrl")]
            assert hidden == [None, None, None, ""]
            assert [video["whyNot"] for video in listed] == ([] if visibility == "private" else [visibility])
            assert playback["vodId"] is None


async def test_a_live_stream_is_watched_and_rewound_with_a_token(site: Site) -> None:
    made = await publish(site, visibility="private")
    nobody = await site.data("GET", "/channels/news/playback")
    assert nobody["whyNot"] == "private"
    assert [nobody[name] for name in ("playlistUrl", "rewindUrl", "storyboardUrl", "rewindFrom")] == [None] * 4
    mine = await site.data("GET", "/channels/news/playback", who=made.alice)
    base = mine["playlistUrl"].removesuffix("/playlist.m3u8")
    assert base.startswith("/hls/~")
    assert mine["rewindUrl"] == f"{base}/rewind.m3u8"
    assert mine["storyboardUrl"] == f"{base}/{made.session}/storyboard.vtt"
    assert mine["rewindFrom"] is not None
    shared = await site.data("POST", "/channels/news/share", {"expiresInS": 600}, who=made.alice)
    key = shared["pageUrl"].partition("?key=")[2]
    guest = await site.data("GET", f"/channels/news/playback?key={key}")
    assert (guest["whyNot"], guest["playlistUrl"]) == (None, f"/hls/~{key}/{made.channel}/playlist.m3u8")
    assert guest["expiresAt"] == shared["expiresAt"]


async def test_a_shared_address_opens_that_recording_only(site: Site) -> None:
    made = await publish(site, vodVisibility="private", visibility="private")
    vod = await made.end()
    shared = await site.data("POST", f"/vods/{vod}/share", {"expiresInS": 60}, who=made.alice)
    page, _, key = shared["pageUrl"].partition("?key=")
    assert page == f"{site.settings.public_url}/videos/{vod}"
    assert shared["playlistUrl"] == f"{site.settings.public_url}/vods/~{key}/{vod}/playlist.m3u8"
    assert (await site.data("GET", f"/vods/{vod}?key={key}"))["playlistUrl"] == f"/vods/~{key}/{vod}/playlist.m3u8"
    forged = access.sign("0000aaaa", b"?" * 32, f"vod:{vod}", 1 << 33)
    for wrong in (forged, key[:-1] + ("A" if key[-1] != "A" else "B"), "x"):
        assert (await site.data("GET", f"/vods/{vod}?key={wrong}"))["whyNot"] == "private"
    assert (await site.data("GET", f"/channels/news/playback?key={key}"))["whyNot"] == "private"
    bob = await site.person("bob")
    assert (await site.call("POST", f"/vods/{vod}/share", {}, who=bob))[0] == 403


async def test_lists_go_on_behind_their_cursor(site: Site) -> None:
    made = await publish(site)
    await made.end()
    for _ in range(4):
        _, made.session = await site.go_live(made.key)
        await made.tell(started(made.session, made.channel), init(made.session), segment(made.session, 0))
        await made.tell(stored(made.session, {"video": 1}))
        await site.unpublish(made.session)
    seen: list[str] = []
    cursor = ""
    while True:
        _, page = await site.call("GET", f"/vods?channel=news&limit=2{cursor}")
        seen += [vod["id"] for vod in page["data"]]
        if page["page"]["cursor"] is None:
            break
        cursor = f"&cursor={page['page']['cursor']}"
    assert len(seen) == 5
    assert seen == sorted(set(seen), reverse=True)


async def test_only_owners_change_and_delete(site: Site) -> None:
    made = await publish(site)
    vod, bob = await made.vod(), await site.person("bob")
    for method, body in (("PATCH", {"title": "x"}), ("DELETE", None)):
        assert (await site.call(method, f"/vods/{vod}", body, who=bob))[0] == 403
    status, envelope = await site.call("DELETE", f"/vods/{vod}", who=made.alice)
    assert (status, envelope["error"]["code"]) == (409, "CONFLICT")
    await made.end()
    assert (await site.call("DELETE", f"/vods/{vod}", who=made.alice))[0] == 200
    gone: list[Any] = [await site.call(method, f"/vods/{vod}", who=made.alice) for method in ("GET", "DELETE")]
    assert [status for status, _ in gone] == [404, 404]
    assert await site.data("GET", "/vods") == []


async def test_what_is_not_recorded_has_no_recording_but_can_be_rewound(site: Site) -> None:
    await publish(site, recording=False)
    assert await site.data("GET", "/vods") == []
    playback = await site.data("GET", "/channels/news/playback")
    assert playback["vodId"] is None
    assert playback["rewindUrl"] is not None
