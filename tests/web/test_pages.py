"""Pages, their files, avatars, and the headers of every answer."""

import gzip
from pathlib import Path

import pytest

from tests.web.site import Site
from tests.web.stored import publish
from web import pages

pytestmark = pytest.mark.services
INDEX = "<!doctype html><html><head><title>Tallylight</title></head><body>the page</body></html>"


@pytest.fixture(autouse=True)
def static(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a build of the UI leaves."""
    directory = tmp_path / "static"
    (directory / "assets").mkdir(parents=True)
    (directory / "index.html").write_text(INDEX)
    (directory / "favicon.svg").write_text("<svg/>")
    (directory / "assets" / "app-1a2b.js").write_text("let a = 1;")
    (directory / "assets" / "app-1a2b.js.gz").write_bytes(gzip.compress(b"let a = 1;"))
    monkeypatch.setattr(pages, "STATIC", directory)
    return directory


@pytest.mark.parametrize(
    "path", ["/", "/login", "/signup", "/dashboard", "/dashboard/go-live", "/dashboard/relay", "/dashboard/videos"]
)
async def test_the_fixed_pages_are_there_and_not_kept_by_caches(site: Site, path: str) -> None:
    async with site.client.get(site.base + path) as response:
        assert (response.status, await response.text()) == (200, INDEX)
        assert response.headers["Cache-Control"] == "no-cache"
        assert response.content_type == "text/html"


async def test_a_channels_page_has_a_preview_for_links(site: Site) -> None:
    alice = await site.person("alice")
    await site.channel("news", alice, title='Look: </title><script>alert("1")</script>')
    async with site.client.get(f"{site.base}/news") as response:
        text = await response.text()
        assert response.status == 200
    assert '<meta property="og:title" content="alice on Tallylight">' in text
    assert "<script>" not in text
    assert "&lt;script&gt;alert(&quot;1&quot;)" in text
    assert text.endswith("</head><body>the page</body></html>")
    assert '<meta property="og:url" content="http://localhost:8080/news">' in text


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/nothing/videos",
        "/videos/0",
        "/clips/0",
        "/videos",
        "/a%00b",
        "/%ff",
        "/.env",
        "/..%2f..%2fetc%2fpasswd",
    ],
)
async def test_an_unknown_page_is_the_page_that_says_so(site: Site, path: str) -> None:
    async with site.client.get(site.base + path) as response:
        assert (response.status, await response.text()) == (404, INDEX)


async def test_a_clips_page_can_be_played_from_elsewhere(site: Site) -> None:
    made = await publish(site)
    body = {"channelId": made.channel, "startMs": 0, "endMs": 5_000, "title": 'A "goal" & more'}
    clip = await site.data("POST", "/clips", body, who=made.alice)
    base, file = "http://localhost:8080", f"http://localhost:8080/clips/{clip['id']}.mp4"
    async with site.client.get(f"{site.base}/clips/{clip['id']}") as response:
        assert response.status == 200
        text = await response.text()
    for tag in (
        'property="og:title" content="A &quot;goal&quot; &amp; more"',
        f'property="og:video" content="{file}"',
        'property="og:video:height" content="720"',
        f'property="og:image" content="{base}/clips/{clip["id"]}/thumbnail.jpg"',
        'name="twitter:card" content="player"',
        f'name="twitter:player:stream" content="{file}"',
    ):
        assert f"<meta {tag}>" in text
    await site.data("PATCH", f"/clips/{clip['id']}", {"visibility": "followers"}, who=made.alice)
    async with site.client.get(f"{site.base}/clips/{clip['id']}") as response:
        assert (response.status, await response.text()) == (200, INDEX)


async def test_a_recordings_page_says_nothing_of_it_when_it_is_not_public(site: Site) -> None:
    made = await publish(site)
    vod = await made.vod()
    async with site.client.get(f"{site.base}/videos/{vod}") as response:
        text = await response.text()
    assert '<meta property="og:title" content="The news">' in text
    assert f'content="http://localhost:8080/vods/{vod}/thumbnail.jpg"' in text
    await site.data("PATCH", f"/vods/{vod}", {"visibility": "private"}, who=made.alice)
    async with site.client.get(f"{site.base}/videos/{vod}") as response:
        assert (response.status, await response.text()) == (200, INDEX)
    async with site.client.get(f"{site.base}/news/videos") as response:
        assert response.status == 200


@pytest.mark.parametrize("path", ["/api/nothing", "/api/", "/api/channels/a/b/c", "/ws/nothing", "/internal/x"])
async def test_an_unknown_path_of_the_api_is_answered_in_its_envelope(site: Site, path: str) -> None:
    for method in ("GET", "POST"):
        async with site.client.request(method, site.base + path) as response:
            body = await response.json()
            assert (response.status, body["success"], body["error"]["code"]) == (404, False, "NOT_FOUND")


async def test_a_method_that_is_not_there_names_those_that_are(site: Site) -> None:
    for method, path, allowed in (
        ("DELETE", "/api/channels", {"GET", "HEAD", "POST"}),
        ("GET", "/api/auth/login", {"POST"}),
        ("PUT", "/api/channels/news/stream-key", {"GET", "HEAD", "POST"}),
    ):
        async with site.client.request(method, site.base + path) as response:
            body = await response.json()
            assert (response.status, body["error"]["code"]) == (405, "METHOD_NOT_ALLOWED")
            assert set(response.headers["Allow"].split(",")) == allowed


async def test_assets_are_kept_for_ever_and_sent_compressed(site: Site) -> None:
    url = f"{site.base}/assets/app-1a2b.js"
    async with site.client.get(url, headers={"Accept-Encoding": "gzip"}) as response:
        assert (response.status, await response.text()) == (200, "let a = 1;")
        assert response.headers["Content-Encoding"] == "gzip"
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    async with site.client.get(url, headers={"Accept-Encoding": "identity"}) as response:
        assert "Content-Encoding" not in response.headers
    async with site.client.get(f"{site.base}/assets/old.js") as response:
        assert response.status == 404
        assert "immutable" not in response.headers.get("Cache-Control", "")


async def test_files_of_the_root_are_served(site: Site) -> None:
    async with site.client.get(f"{site.base}/favicon.svg") as response:
        assert (response.status, response.content_type) == (200, "image/svg+xml")
        assert response.headers["Cache-Control"] == "public, max-age=3600"
    async with site.client.get(f"{site.base}/robots.txt") as response:
        assert response.status == 404


async def test_without_a_build_the_page_says_what_to_run(site: Site, static: Path) -> None:
    (static / "index.html").unlink()
    async with site.client.get(site.base) as response:
        assert response.status == 503
        assert "make ui" in await response.text()
    assert (await site.call("GET", "/channels"))[0] == 200


async def test_every_answer_has_its_security_headers_and_its_id(site: Site) -> None:
    ids = set()
    for path in ("/", "/api/channels", "/api/nothing", "/avatars/alice", "/assets/app-1a2b.js", "/healthz"):
        async with site.client.get(site.base + path) as response:
            policy = response.headers["Content-Security-Policy"]
            assert "default-src 'self'" in policy
            assert "media-src 'self' blob:" in policy
            assert "worker-src 'self' blob:" in policy
            assert "frame-ancestors 'self'" in policy
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
            assert (
                "camera=(self), microphone=(self)" in response.headers["Permissions-Policy"]
            )  # to go live from a page
            assert "Access-Control-Allow-Origin" not in response.headers
            ids.add(response.headers["X-Request-Id"])
    assert len(ids) == 6


@pytest.mark.parametrize(
    "more_settings",
    [
        {
            "s3_url": "s3://k:s@127.0.0.1:1/live?secure=0",
            "s3_delivery": "public",
            "s3_public_url": "https://cdn.example.org/x",
        }
    ],
)
async def test_pages_may_load_objects_from_where_viewers_are_sent(site: Site) -> None:
    async with site.client.get(site.base + "/") as response:
        policy = response.headers["Content-Security-Policy"]
    for kind in ("connect-src 'self'", "media-src 'self' blob:", "img-src 'self' data: blob:"):
        assert f"{kind} https://cdn.example.org;" in policy


async def test_a_new_visitor_gets_a_cookie_to_be_counted_by(site: Site) -> None:
    async with site.client.get(site.base) as response:
        cookie = response.cookies["viewer"]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
        assert len(cookie.value) == 12
    async with site.client.get(site.base, headers={"Cookie": f"viewer={cookie.value}"}) as response:
        assert "viewer" not in response.cookies
    async with site.client.get(f"{site.base}/api/channels") as response:
        assert "viewer" not in response.cookies


async def test_an_avatar_is_the_same_each_time_and_differs_by_name(site: Site) -> None:
    pictures = []
    for name in ("alice", "ALICE", "bob"):
        async with site.client.get(f"{site.base}/avatars/{name}") as response:
            assert (response.status, response.content_type) == (200, "image/svg+xml")
            assert response.headers["Cache-Control"] == "public, max-age=86400"
            pictures.append(await response.text())
    assert pictures[0] == pictures[1] != pictures[2]
    assert ">A</text>" in pictures[0]


@pytest.mark.parametrize("name", ["%3Cscript%3E", "a%22b", "x" * 65, "a.b"])
async def test_an_avatar_of_no_name_is_not_there(site: Site, name: str) -> None:
    async with site.client.get(f"{site.base}/avatars/{name}") as response:
        assert response.status == 404
