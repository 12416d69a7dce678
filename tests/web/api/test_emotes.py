"""Emotes over HTTP: who may add and delete them, what is refused, who may use which, and their pictures."""

import io
from typing import Any

import aiohttp
import pytest
from PIL import Image

from chat.emotes import defaults
from tests.web.site import Json, Person, Site
from tests.web.test_repaint import moving, picture
from web.api.emotes import SLOTS
from web.forms import FILE_MAX

pytestmark = pytest.mark.services


async def upload(site: Site, who: Person | None, path: str, name: str = "newsHi", **more: Any) -> tuple[int, Json]:
    form = aiohttp.FormData(default_to_multipart=True)
    fields = {"name": name, "tier": more.get("tier"), "color": more.get("color")}
    for field, value in fields.items():
        if value is not None:
            form.add_field(field, str(value))
    image = more.get("image", picture())
    if image is not None:
        form.add_field("image", io.BytesIO(image), filename="emote.png", content_type="image/png")
    headers = who.headers if who else {}
    async with site.client.post(f"{site.base}/api{path}", data=form, headers=headers) as response:
        return response.status, await response.json()


async def raw(site: Site, who: Person, body: bytes, content_type: str) -> tuple[int, Json]:
    return await site.call("POST", "/channels/news/emotes", data=body, who=who, headers={"Content-Type": content_type})


async def test_an_owner_adds_emotes_which_are_served_for_ever(site: Site) -> None:
    alice, bob = await site.person("alice"), await site.person("bob")
    channel = await site.channel("news", alice)
    status, answer = await upload(site, alice, "/channels/news/emotes", image=moving(5, "GIF"), tier=2)
    assert status == 201
    made = answer["data"]
    assert (made["name"], made["tier"], made["isAnimated"], made["channelId"]) == ("newsHi", 2, True, channel["id"])
    assert await site.data("GET", "/channels/news/emotes") == [made]
    for scale, side in ((1, 28), (2, 56), (4, 112)):
        async with site.client.get(f"{site.base}/emotes/{made['id']}/{scale}.webp") as response:
            assert response.status == 200
            assert response.content_type == "image/webp"
            assert "immutable" in response.headers["Cache-Control"]
            assert Image.open(io.BytesIO(await response.read())).size == (side, side)
    assert made["url"] == f"/emotes/{made['id']}/2.webp"
    assert (await site.call("DELETE", f"/channels/news/emotes/{made['id']}", who=bob))[0] == 403
    assert (await site.call("DELETE", f"/channels/news/emotes/{made['id']}", who=alice))[0] == 200
    assert (await site.call("DELETE", f"/channels/news/emotes/{made['id']}", who=alice))[0] == 404
    assert await site.data("GET", "/channels/news/emotes") == []
    async with site.client.get(site.base + made["url"]) as response:
        assert response.status == 200, "messages of before still show it"
    for nothing in ("/emotes/nothing/2.webp", f"/emotes/{made['id']}/3.webp", "/emotes/A%00/1.webp"):
        async with site.client.get(site.base + nothing) as response:
            assert response.status == 404


async def test_uploads_that_are_no_emote_or_have_no_slot_are_refused_and_say_why(site: Site) -> None:
    alice, bob = await site.person("alice"), await site.person("bob")
    channel = await site.channel("news", alice)
    path = "/channels/news/emotes"

    async def refused(status: int, code: str, field: str = "", **more: Any) -> None:
        found = await upload(site, more.pop("who", alice), path, **more)
        assert (found[0], found[1]["error"]["code"]) == (status, code), found
        if field:
            assert list(found[1]["error"]["fields"]) == [field]

    await refused(401, "UNAUTHORIZED", who=None)
    await refused(403, "FORBIDDEN", who=bob)
    await refused(400, "INVALID_REQUEST", "name", name="no spaces")
    await refused(400, "INVALID_REQUEST", "name", name="x")
    await refused(400, "INVALID_REQUEST", "tier", tier=4)
    await refused(400, "INVALID_REQUEST", "tier", tier="gold")
    await refused(400, "INVALID_REQUEST", "color", color="red")
    await refused(400, "INVALID_REQUEST", "image", image=None)
    await refused(400, "INVALID_REQUEST", "image", image=b"no picture")
    await refused(400, "INVALID_REQUEST", "image", image=b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    await refused(413, "PAYLOAD_TOO_LARGE", "image", image=b"x" * (FILE_MAX + 1))
    assert (await upload(site, alice, path))[0] == 201
    await refused(409, "DUPLICATE", "name")
    await site.running.services.pool.executemany(
        "INSERT INTO emotes (id, channel_id, name, tier) VALUES ($1, $2, $1, 1)",
        [(f"taken{n}", channel["id"]) for n in range(SLOTS[1])],
    )
    await refused(409, "CONFLICT", "tier", name="oneMore", tier=1)
    assert (await upload(site, alice, path, "oneMore", tier=2))[0] == 201
    for body, content_type, code in (
        (b"{}", "application/json", "INVALID_REQUEST"),
        (b"", "multipart/form-data; boundary=x", "PARSE_ERROR"),
        (b"--x\r\nnonsense", "multipart/form-data; boundary=x", "PARSE_ERROR"),
        (b"--x\r\n\r\nno name\r\n--x--", "multipart/form-data; boundary=x", "PARSE_ERROR"),
        (b"anything", "multipart/form-data", "PARSE_ERROR"),
        (b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\n\xff\xfe\r\n--x--',
         "multipart/form-data; boundary=x", "PARSE_ERROR"),
    ):  # fmt: skip
        status, answer = await raw(site, alice, body, content_type)
        assert (status, answer["error"]["code"]) == (400, code), (body, answer)


async def test_administrators_say_what_is_everywhere(site: Site) -> None:
    root, alice = await site.person("root_admin", is_admin=True), await site.person("alice")
    assert {emote["name"] for emote in await site.data("GET", "/emotes")} == set(defaults.NAMES)
    assert (await upload(site, alice, "/emotes", "everyHi"))[0] == 403
    assert (await upload(site, root, "/emotes", "everyHi", tier=1))[0] == 400
    status, answer = await upload(site, root, "/emotes", "everyHi")
    assert (status, answer["data"]["channelId"]) == (201, None)
    assert (await site.call("DELETE", f"/emotes/{answer['data']['id']}", who=alice))[0] == 403
    assert (await site.call("DELETE", f"/emotes/{answer['data']['id']}", who=root))[0] == 200
    assert len(await site.data("GET", "/emotes")) == len(defaults.NAMES)


async def test_everybody_sees_what_they_may_use_and_what_is_locked(site: Site) -> None:
    alice, bob = await site.person("alice"), await site.person("bob")
    news = (await site.channel("news", alice))["id"]
    games = (await site.channel("games", bob))["id"]
    pool = site.running.services.pool
    await pool.executemany(
        "INSERT INTO emotes (id, channel_id, name, tier) VALUES ($1, $2, $1, $3)",
        [("newsHi", news, 0), ("newsSub", news, 1), ("newsTop", news, 3), ("gamesHi", games, 0)],
    )

    async def groups(who: Person, channel: str) -> list[tuple[str, list[str], list[str]]]:
        found = await site.data("GET", f"/me/emotes?channel={channel}", who=who)
        return [
            (group["title"], [e["name"] for e in group["emotes"]], [e["name"] for e in group["locked"]])
            for group in found["groups"]
        ]

    everywhere: tuple[str, list[str], list[str]] = ("Everywhere", sorted(defaults.NAMES), [])
    seen = await groups(bob, news)
    assert [(title, sorted(usable), locked) for title, usable, locked in seen] == [
        ("alice", ["newsHi"], ["newsSub", "newsTop"]),
        everywhere,
        ("bob", ["gamesHi"], []),
    ]
    await pool.execute(
        "INSERT INTO subscriptions (id, user_id, channel_id, tier, expires_at)"
        " VALUES ('s', $1, $2, 1, now() + interval '1 day')",
        bob.id,
        news,
    )
    assert (await groups(bob, news))[0] == ("alice", ["newsHi", "newsSub"], ["newsTop"])
    assert (await groups(bob, games))[0] == ("bob", ["gamesHi"], [])
    assert ("alice", ["newsHi", "newsSub"], []) in await groups(bob, games)
    assert (await groups(alice, news))[0] == ("alice", ["newsHi", "newsSub", "newsTop"], [])
    assert (await site.call("GET", "/me/emotes?channel=nowhere", who=bob))[0] == 404
