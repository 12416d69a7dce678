"""WHIP and WHEP through the public port, with a real server behind it in place of a webrtc process."""

import json
import time

import aiohttp
import msgspec
import pytest

from schemas import webrtc
from schemas.access import Visibility
from schemas.ids import ChannelId, NodeId, SessionId
from schemas.ingest import LiveEntry, live_key
from tests.web.site import Site
from tests.web.webrtc.process import ANSWER, OFFER, STUN, TURN, Process
from web.access import scope_of_channel
from web.calls import BODY_MAX

pytestmark = pytest.mark.services
SDP = {"Content-Type": "application/sdp"}
KEY = {**SDP, "Authorization": "Bearer live_key"}
PAGE = "https://page.example"


async def go_live(site: Site, visibility: Visibility = "public") -> ChannelId:
    """Make `news` live as ingest does: by its entries in the registry."""
    alice = await site.person("alice")
    channel = ChannelId((await site.channel("news", alice))["id"])
    live = LiveEntry(channel, "news", SessionId("s1"), NodeId("n1"), "http://10.0.0.1:8082", 1, visibility)
    for name in (channel, "news"):
        await site.running.services.redis.set(live_key(name), msgspec.json.encode(live))
    return channel


async def error_of(response: aiohttp.ClientResponse) -> tuple[int, str]:
    return response.status, json.loads(await response.read())["error"]["code"]


async def test_a_publisher_is_handed_on_and_gets_the_process_answer(site: Site, process: Process) -> None:
    async with site.client.post(f"{site.base}/whip", data=OFFER, headers=KEY) as response:
        assert response.status == 201
        assert await response.text() == ANSWER
        assert response.headers["Content-Type"].startswith("application/sdp")
        assert response.headers["Location"] == f"{site.base}/whip/session/w1.1"
        assert response.headers["ETag"] == '"1"'
        assert response.headers.getall("Link") == [STUN, TURN]
        assert response.headers["Accept-Patch"] == "application/trickle-ice-sdpfrag"
        assert "Set-Cookie" not in response.headers
        assert response.headers["Cache-Control"] == "no-store"
    (asked,) = process.asked
    assert (asked.method, asked.path, asked.body) == ("POST", "/whip", OFFER)
    assert asked.headers["Authorization"] == "Bearer live_key"
    assert asked.headers["Content-Type"] == "application/sdp"
    assert asked.headers[webrtc.CHANNEL_HEADER] == ""
    assert asked.headers[webrtc.ADDRESS_HEADER] == "127.0.0.1"


async def test_the_channel_of_the_address_is_told_by_its_id(site: Site, process: Process) -> None:
    alice = await site.person("alice")
    channel = (await site.channel("news", alice))["id"]
    headers = {**KEY, webrtc.CHANNEL_HEADER: "another", webrtc.ADDRESS_HEADER: "192.0.2.1"}
    for name in ("news", "NEWS", channel):
        async with site.client.post(f"{site.base}/whip/{name}", data=OFFER, headers=headers) as response:
            assert response.status == 201
    assert {asked.headers[webrtc.CHANNEL_HEADER] for asked in process.asked} == {channel}
    assert {asked.headers[webrtc.ADDRESS_HEADER] for asked in process.asked} == {"127.0.0.1"}
    async with site.client.post(f"{site.base}/whip/nobody", data=OFFER, headers=KEY) as response:
        assert await error_of(response) == (404, "NOT_FOUND")


async def test_what_a_publisher_says_behind_the_address_is_handed_on(site: Site, process: Process) -> None:
    async with site.client.post(f"{site.base}/whip?priority=1&takeover=1", data=OFFER, headers=KEY) as response:
        assert response.status == 201
    assert process.asked[0].path == "/whip?priority=1&takeover=1"


async def test_what_the_process_refuses_is_refused_with_its_words(site: Site, process: Process) -> None:
    process.refusal = aiohttp.web.Response(
        status=503, text="full", headers={"Retry-After": "9", "WWW-Authenticate": "Bearer"}
    )
    async with site.client.post(f"{site.base}/whip", data=OFFER, headers=KEY) as response:
        assert (response.status, await response.text()) == (503, "full")
        assert (response.headers["Retry-After"], response.headers["WWW-Authenticate"]) == ("9", "Bearer")


async def test_a_resource_is_found_by_the_node_in_its_name(site: Site, process: Process) -> None:
    async with Process.started(site, "w2") as other:
        await other.beat()
        headers = {"Content-Type": "application/trickle-ice-sdpfrag", "If-Match": '"1"', "Authorization": "Bearer k"}
        url = f"{site.base}/whip/session/w2.abc"
        async with site.client.patch(url, data=b"a=ice-ufrag:x", headers=headers) as response:
            assert response.status == 204
        async with site.client.delete(f"{site.base}/whep/session/w2.abc") as response:
            assert response.status == 204
    patch, delete = other.asked
    assert (patch.method, patch.path, patch.body) == ("PATCH", "/whip/session/w2.abc", b"a=ice-ufrag:x")
    assert (patch.headers["If-Match"], patch.headers["Authorization"]) == ('"1"', "Bearer k")
    assert (delete.method, delete.path) == ("DELETE", "/whep/session/w2.abc")
    assert process.asked == []


@pytest.mark.parametrize("path", ["whip/session/w9.abc", "whip/session/abc", "whep/session/w9.abc", "whep/session/.x"])
async def test_a_resource_of_an_unknown_node_is_not_found(site: Site, process: Process, path: str) -> None:
    async with site.client.delete(f"{site.base}/{path}") as response:
        assert await error_of(response) == (404, "NOT_FOUND")
    assert process.asked == []


async def test_without_a_process_the_client_is_told_to_come_back(site: Site) -> None:
    await go_live(site)
    for path in ("whip", "whip/news", "whep/news"):
        async with site.client.post(f"{site.base}/{path}", data=OFFER, headers=KEY) as response:
            assert await error_of(response) == (503, "UNAVAILABLE")
            assert int(response.headers["Retry-After"]) >= 1
            assert response.headers["Access-Control-Allow-Origin"] == "*"


async def test_a_process_that_is_gone_is_passed_over(site: Site, process: Process, unused_url: str) -> None:
    async with Process.started(site, "w0") as gone:
        await gone.beat(url=unused_url)
        await process.beat(publishers=1)  # so that the other one is asked first
        async with site.client.post(f"{site.base}/whip", data=OFFER, headers=KEY) as response:
            assert response.status == 201
        async with site.client.delete(f"{site.base}/whip/session/w0.1") as response:
            assert await error_of(response) == (503, "UNAVAILABLE")
            assert "Retry-After" in response.headers
    assert len(process.asked) == 1


@pytest.mark.parametrize("method", ["GET", "PUT", "HEAD"])
@pytest.mark.parametrize("path", ["/whip", "/whip/news", "/whip/session/w1.1", "/whep/news"])
async def test_other_methods_are_not_allowed(site: Site, process: Process, method: str, path: str) -> None:
    async with site.client.request(method, f"{site.base}{path}") as response:
        assert response.status == 405
        assert "OPTIONS" in response.headers["Allow"]
    assert process.asked == []


async def test_a_body_that_is_too_large_goes_no_further(site: Site, process: Process) -> None:
    async with site.client.post(f"{site.base}/whip", data=b"a" * (BODY_MAX + 1), headers=KEY) as response:
        assert await error_of(response) == (413, "PAYLOAD_TOO_LARGE")
    assert process.asked == []


@pytest.mark.parametrize("path", ["/whip", "/whip/news", "/whip/session/w1.1", "/whep/news", "/whep/~t/news"])
async def test_any_page_may_ask_before_it_sends(site: Site, path: str) -> None:
    headers = {
        "Origin": PAGE,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    async with site.client.options(f"{site.base}{path}", headers=headers) as response:
        assert response.status == 200
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert {"POST", "PATCH", "DELETE"} <= set(response.headers["Access-Control-Allow-Methods"].split(", "))
        assert {"Authorization", "If-Match"} <= set(response.headers["Access-Control-Allow-Headers"].split(", "))
        assert response.headers["Accept-Post"] == "application/sdp"


async def test_pages_of_other_sites_may_read_answers_and_errors(site: Site, process: Process) -> None:
    async with site.client.post(f"{site.base}/whip", data=OFFER, headers={**KEY, "Origin": PAGE}) as response:
        assert response.status == 201
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        exposed = set(response.headers["Access-Control-Expose-Headers"].split(", "))
        assert {"Location", "Link", "ETag", "Retry-After"} <= exposed
    for path in ("/whep/nobody", "/whip/session/no.1"):
        async with site.client.post(f"{site.base}{path}", headers={"Origin": PAGE}) as response:
            assert response.status in {404, 405}
            assert response.headers["Access-Control-Allow-Origin"] == "*"
    async with site.client.get(f"{site.base}/api/channels", headers={"Origin": PAGE}) as response:
        assert "Access-Control-Allow-Origin" not in response.headers


async def test_a_viewer_is_told_of_with_all_that_the_process_needs(site: Site, process: Process) -> None:
    channel = await go_live(site)
    headers = {**SDP, "Cookie": "viewer=abc", "Authorization": "Bearer nothing"}
    async with site.client.post(f"{site.base}/whep/news", data=OFFER, headers=headers) as response:
        assert response.status == 201
        assert response.headers["Location"] == f"{site.base}/whep/session/w1.1"
    (asked,) = process.asked
    assert (asked.path, asked.body) == ("/whep", OFFER)
    assert asked.headers[webrtc.CHANNEL_HEADER] == channel
    assert asked.headers[webrtc.SESSION_HEADER] == "s1"
    assert asked.headers[webrtc.ORIGIN_HEADER] == "http://10.0.0.1:8082"
    assert asked.headers[webrtc.ADMITTED_HEADER] == "public"
    viewers = site.running.services.viewers
    assert asked.headers[webrtc.VIEWER_HEADER] == viewers.token("viewer=abc", "another address", None)
    assert "Cookie" not in asked.headers


async def test_who_is_not_live_cannot_be_watched(site: Site, process: Process) -> None:
    await site.channel("news", await site.person("alice"))
    for name in ("news", "nobody", "no*"):
        async with site.client.post(f"{site.base}/whep/{name}", data=OFFER, headers=SDP) as response:
            assert await error_of(response) == (404, "NOT_FOUND")
    assert process.asked == []


async def test_what_is_not_public_is_opened_by_its_own_token_only(site: Site, process: Process) -> None:
    channel = await go_live(site, "private")
    access = site.running.services.access
    good = access.sign(scope_of_channel(channel)).text
    other = access.sign(scope_of_channel(ChannelId("another"))).text
    for path in ("/whep/news", f"/whep/~{other}/news", "/whep/~nonsense/news"):
        async with site.client.post(f"{site.base}{path}", data=OFFER, headers=SDP) as response:
            assert await error_of(response) == (403, "FORBIDDEN")
    assert process.asked == []
    as_players_do = {**SDP, "Authorization": f"Bearer {good}"}
    for path, headers in (
        (f"/whep/~{good}/news", SDP),
        (f"/whep/~{good}/{channel}", SDP),
        ("/whep/news", as_players_do),
    ):
        async with site.client.post(f"{site.base}{path}", data=OFFER, headers=headers) as response:
            assert response.status == 201
    assert {asked.headers[webrtc.ADMITTED_HEADER] for asked in process.asked} == {"signed"}
    assert all(good not in asked.path for asked in process.asked)


@pytest.mark.parametrize("more_settings", [{"embed_allow": "friend.example"}])
async def test_only_pages_that_may_show_it_get_it(site: Site, process: Process) -> None:
    await go_live(site)
    for page, status in ((PAGE, 403), ("https://friend.example", 201), ("http://localhost:8080", 201), ("null", 403)):
        async with site.client.post(f"{site.base}/whep/news", data=OFFER, headers={**SDP, "Origin": page}) as response:
            assert response.status == status, page
    async with site.client.post(f"{site.base}/whep/news", data=OFFER, headers=SDP) as response:
        assert response.status == 201


async def test_when_all_places_are_taken_viewers_are_told_so(site: Site, process: Process) -> None:
    channel = await go_live(site)
    process.refusal = aiohttp.web.Response(status=503, text="full")
    await process.beat({channel: ["a", "b"]}, most=2)
    async with site.client.post(f"{site.base}/whep/news", data=OFFER, headers=SDP) as response:
        assert (response.status, await response.text()) == (503, "full")


async def test_a_process_that_is_full_hands_its_viewer_to_another(site: Site, process: Process) -> None:
    channel = await go_live(site)
    process.refusal = aiohttp.web.Response(status=503, text="full")
    await process.beat()
    async with Process.started(site, "w2") as other:
        await other.beat({channel: ["a", "b"]}, most=2)  # so it was; one has left since
        async with site.client.post(f"{site.base}/whep/news", data=OFFER, headers=SDP) as response:
            assert response.status == 201
    assert (len(process.asked), len(other.asked)) == (1, 1)


async def test_viewers_of_webrtc_are_counted_with_those_of_hls(site: Site, process: Process) -> None:
    channel = await go_live(site)
    viewers = site.running.services.viewers
    viewers.saw(channel, "b")
    await process.beat({channel: ["a", "b"]})
    now = time.time()
    await viewers.flush(now)
    assert await viewers.count([channel], now) == {channel: 2}


@pytest.mark.parametrize("more_settings", [{"public_url": "https://live.example/", "trusted_proxies": "127.0.0.0/8"}])
async def test_behind_a_proxy_resources_have_public_addresses(site: Site, process: Process) -> None:
    headers = {**KEY, "X-Forwarded-For": "198.51.100.7"}
    async with site.client.post(f"{site.base}/whip", data=OFFER, headers=headers) as response:
        assert response.headers["Location"] == "https://live.example/whip/session/w1.1"
    assert process.asked[0].headers[webrtc.ADDRESS_HEADER] == "198.51.100.7"


async def test_the_second_door_is_open_too(site: Site, process: Process) -> None:
    """A page's connection carries requests of both kinds: what delivery has answered goes on with a publisher."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as client:
        async with client.get(f"{site.base}/hls/news/playlist.m3u8") as response:
            assert response.status == 404
            await response.read()
        async with client.post(f"{site.base}/whip", data=OFFER, headers=KEY) as response:
            assert response.status == 201


async def test_keys_and_tokens_are_in_no_log(site: Site, process: Process, capsys: pytest.CaptureFixture[str]) -> None:
    channel = await go_live(site, "private")
    token = site.running.services.access.sign(scope_of_channel(channel)).text
    async with site.client.post(f"{site.base}/whip", data=OFFER, headers=KEY):
        pass
    async with site.client.post(f"{site.base}/whep/~{token}/news", data=OFFER, headers=SDP):
        pass
    said = capsys.readouterr()
    for secret in ("live_key", token):
        assert secret not in said.out + said.err


async def test_owners_and_viewers_are_told_of_webrtc_while_there_is_a_process(site: Site) -> None:
    alice = await site.person("alice")
    await site.channel("news", alice)
    channel, _ = await site.go_live(await site.key("news", alice))

    async def told() -> tuple[str | None, str | None]:
        publish = (await site.data("GET", "/channels/news/stream-key", who=alice))["publish"]
        return publish["whip"], (await site.data("GET", "/channels/news/playback"))["whepUrl"]

    assert await told() == (None, None)
    async with Process.started(site) as process:
        await process.beat()
        assert await told() == ("http://localhost:8080/whip/news", f"/whep/{channel}")
        await site.data("PATCH", "/channels/news", {"visibility": "private"}, who=alice)
        assert (await site.data("GET", "/channels/news/playback"))["whepUrl"] is None
        playback = await site.data("GET", "/channels/news/playback", who=alice)
        assert playback["whepUrl"] == playback["playlistUrl"].replace("/hls/", "/whep/").removesuffix("/playlist.m3u8")
