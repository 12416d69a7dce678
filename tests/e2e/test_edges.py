"""nginx and Varnish in front of the product, and Caddy, each with what `tally edge` prints for it."""

import asyncio
import datetime
import gzip
import http.client
import ipaddress
import json
import re
import socket
import ssl
import time
from collections.abc import Iterator
from functools import partial
from os import kill
from pathlib import Path
from signal import SIGKILL

import aiohttp
import asyncpg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from config.embedded import running_urls
from config.settings import load
from schemas.access import sign
from tests.crowd import Crowd
from tests.e2e.account import Account
from tests.e2e.streaming import PLAYLIST, streaming
from tests.edges import EdgeServer, Kind, answered
from tests.product import Product, free_ports, wait_until
from tests.viewing import rendition_uris
from web.store import access_keys

pytestmark = [pytest.mark.services, pytest.mark.timeout(150)]

CACHES: tuple[Kind, ...] = ("nginx", "varnish")
VIEWERS = 40
WATCH_S = 4.0
PATIENCE_S = 40.0
Answer = tuple[int, dict[str, str], bytes]


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    made = Product(tmp_path_factory.mktemp("product"), TALLY_LADDER="off", TALLY_EMBED_ALLOW="friends.example")
    try:
        yield made.start()
    finally:
        made.stop()


@pytest.fixture(scope="module")
def video(product: Product, clip: Path) -> Iterator[str]:
    """The path of the video's playlist, while it is published."""
    with streaming(product, clip):
        uri = rendition_uris(product)["video"]
        wait_until(lambda: "#EXTINF" in product.get(uri)[2].decode(), 20, "the first segment")
        yield uri


@pytest.fixture(scope="module")
def edges(product: Product) -> Iterator[dict[Kind, EdgeServer]]:
    made = {kind: EdgeServer(kind, product.http_port, TALLY_EMBED_ALLOW="friends.example") for kind in CACHES}
    try:
        for server in made.values():
            server.start()
        yield made
    finally:
        for server in made.values():
            server.stop()


@pytest.fixture(params=CACHES)
def edge(request: pytest.FixtureRequest, edges: dict[Kind, EdgeServer]) -> EdgeServer:
    return edges[request.param]


def fetch(port: int, path: str, method: str = "GET", body: str | None = None, **headers: str) -> Answer:
    """One request, its path sent as it is: nothing is put into order on the way."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body=body, headers=fields)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def newest_segment(product: Product, video: str) -> str:
    """The path of the newest whole segment."""
    name = re.findall(r"^(video-\d+\.m4s)$", product.get(video)[2].decode(), re.MULTILINE)[-1]
    return f"{video.rpartition('/')[0]}/{name}"


def test_a_crowd_costs_the_product_what_one_viewer_does(
    product: Product, video: str, edges: dict[Kind, EdgeServer]
) -> None:
    crowds = [Crowd(server.port, video) for server in edges.values()]
    counts: list[dict[str, float]] = []

    async def watch() -> None:
        await asyncio.gather(
            *(crowd.watch(VIEWERS, WATCH_S, at_ends=lambda sign: counts.append(answered(product))) for crowd in crowds)
        )

    asyncio.run(watch())
    before, after = counts[0], counts[-1]
    for what in ("playlist", "part"):
        different = sum(crowd.seen.kinds()[what] for crowd in crowds)
        assert different >= 2 * 4
        assert after[what] - before[what] <= 2 * different, what
    for crowd in crowds:
        assert crowd.seen.errors == 0, crowd.seen.statuses
        assert crowd.seen.answers >= 8 * VIEWERS


def at_rest(product: Product) -> dict[str, float]:
    """What the product has answered once nobody is left who waits from a test before."""
    seen: dict[str, float] = {}

    def is_quiet() -> bool:
        before = dict(seen)
        seen.update(answered(product))
        return seen == before

    wait_until(is_quiet, 20, "nobody asks any more", pause_s=1.0)
    return seen


def test_what_comes_through_is_what_the_product_gives(product: Product, video: str, edge: EdgeServer) -> None:
    path = newest_segment(product, video)
    _, headers, media = product.get(path)
    status, through, body = fetch(edge.port, path)
    assert (status, body) == (200, media)
    for name in ("content-type", "cache-control", "etag", "access-control-allow-origin"):
        assert through[name] == headers[name]
    assert fetch(edge.port, path, Range="bytes=10-19")[::2] == (206, media[10:20])
    assert fetch(edge.port, path, If_None_Match=headers["etag"])[0] == 304
    status, through, body = fetch(edge.port, PLAYLIST, Accept_Encoding="gzip, br")
    assert through["content-encoding"] == "gzip"
    assert fetch(edge.port, PLAYLIST)[2] == gzip.decompress(body), "unpacked for who takes no gzip"


def test_only_delivery_directives_make_another_copy(product: Product, video: str, edge: EdgeServer) -> None:
    text = product.get(video)[2].decode()
    first = int(re.findall(r"#EXT-X-MEDIA-SEQUENCE:(\d+)", text)[0])
    path = f"{video}?_HLS_msn={first}&_HLS_part=0"
    before = at_rest(product)["playlist"]
    wanted = [path, f"{video}?_HLS_part=0&utm=x&_HLS_msn={first}", f"{path}&session=abc", path]
    bodies = {fetch(edge.port, each)[2] for each in wanted}
    assert fetch(edge.port, path, Accept_Encoding="gzip")[0] == 200
    assert len(bodies) == 1
    assert answered(product)["playlist"] - before == 1
    assert fetch(edge.port, f"{video}?_HLS_skip=YES")[0] == 200
    assert fetch(edge.port, f"{video}?_HLS_part=1")[0] == 400, "directives are the product's to judge"
    assert fetch(edge.port, f"{video}?_HLS_msn=99999999")[0] == 400


def test_what_is_not_there_is_asked_for_once_a_second(product: Product, video: str, edge: EdgeServer) -> None:
    path = f"{video.rpartition('/')[0]}/video-9999999.m4s"
    before = answered(product, "4xx").get("segment", 0.0)
    began = time.monotonic()
    answers = [fetch(edge.port, path) for _ in range(40)]
    elapsed_s = time.monotonic() - began
    assert {status for status, _, _ in answers} == {404}
    assert answers[0][1]["access-control-allow-origin"] == "*"
    # nginx counts in whole seconds
    assert 1 <= answered(product, "4xx")["segment"] - before <= 2 + 2 * elapsed_s


def test_pages_that_may_not_play_from_here_are_kept_off(product: Product, video: str, edge: EdgeServer) -> None:
    path = newest_segment(product, video)
    assert fetch(edge.port, path)[0] == 200, "programs name no page, and it is kept here now"
    for name in ("Referer", "Origin"):
        refused = fetch(edge.port, path, **{name: "https://evil.example"})
        assert refused[0] == 403
        assert refused[1]["access-control-allow-origin"] == "*"
        for page in ("https://friends.example", f"http://127.0.0.1:{edge.port}"):
            assert fetch(edge.port, path, **{name: page})[0] == 200, (name, page)


def test_an_odd_path_spoils_no_good_one(product: Product, video: str, edge: EdgeServer) -> None:
    path = newest_segment(product, video)
    folder, _, name = path.rpartition("/")
    for odd in (f"{folder}/./{name}", f"{folder}/x/../{name}", path.replace("video", "%76ideo"), f"/{path}"):
        fetch(edge.port, odd)
        assert fetch(edge.port, path)[0] == 200, odd


def test_api_and_cookies_pass_and_are_not_kept(product: Product, edge: EdgeServer) -> None:
    first_run = product.first_run()
    login = {"username": first_run["adminUser"], "password": first_run["adminPassword"]}
    status, headers, body = fetch(
        edge.port, "/api/auth/login", "POST", json.dumps(login), Content_Type="application/json"
    )
    assert status == 200, body
    cookie = headers["set-cookie"].partition(";")[0]
    assert (
        json.loads(fetch(edge.port, "/api/me", Cookie=cookie)[2])["data"]["user"]["username"] == first_run["adminUser"]
    )
    assert fetch(edge.port, "/api/me")[0] == 401
    assert fetch(edge.port, "/demo")[1]["content-type"].startswith("text/html")


async def test_the_chat_socket_works_through_it(product: Product, edge: EdgeServer) -> None:
    channel = product.first_run()["channelId"]
    async with (
        asyncio.timeout(20),
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{edge.url}/ws/chat") as socket,
    ):
        await socket.send_json({"type": "join", "channelId": channel})
        while (message := await socket.receive_json())["type"] != "joined":
            pass
        assert message["channelId"] == channel


def test_only_good_tokens_open_what_is_not_public(product: Product, video: str, edges: dict[Kind, EdgeServer]) -> None:
    first_run = product.first_run()
    channel = first_run["channelId"]
    account = Account.admin(product)
    # By the channel's id, of which no edge has heard: that its name is public is believed for some seconds yet.
    file = newest_segment(product, video).removeprefix(f"/hls/{first_run['channel']}/")
    assert account.call("PATCH", f"channels/{channel}", {"visibility": "private"})[0] == 200
    try:
        wait_until(lambda: product.get(f"/hls/{channel}/{file}")[0] == 403, 20, "the stream is private")
        now_s = int(time.time())
        over, brief, *good = asyncio.run(signed(product, channel, now_s - 1, now_s + 5, now_s + 90, now_s + 91))
        before = answered(product)["segment"]
        for token in (brief, *good):
            for server in edges.values():
                assert fetch(server.port, f"/hls/~{token}/{channel}/{file}")[0] == 200
        assert answered(product)["segment"] - before == len(edges), "all tokens share one copy"
        for server in edges.values():
            for refused in ("", f"~{over}/", f"~{good[0][:-3]}abc/", "~x/", f"~{good[0]}x/"):
                assert fetch(server.port, f"/hls/{refused}{channel}/{file}")[0] == 403, refused
            assert fetch(server.port, f"/hls/~{good[0]}/{channel}x/{file}")[0] == 403, "it opens nothing else"
        for server in edges.values():
            wait_until(partial(is_refused, server, f"/hls/~{brief}/{channel}/{file}"), 25, "the token is over")
            assert fetch(server.port, f"/hls/~{good[0]}/{channel}/{file}")[0] == 200
    finally:
        account.call("PATCH", f"channels/{channel}", {"visibility": "public"})
    wait_until(lambda: product.get(video)[0] == 200, 20, "the stream is public again")


def is_refused(server: EdgeServer, path: str) -> bool:
    return fetch(server.port, path)[0] == 403


async def signed(product: Product, channel: str, *expiries_s: int) -> list[str]:
    """Sign tokens of a channel with the product's own key."""
    urls = running_urls(load({"TALLY_DATA": str(product.data)}, bare=True).settings)
    assert urls is not None
    connection = await asyncpg.connect(urls.database_url)
    try:
        (key,) = await access_keys.valid(connection)
    finally:
        await connection.close()
    return [sign(key.id, key.key, f"channel:{channel}", expires_s) for expires_s in expiries_s]


def test_viewers_go_on_while_the_product_is_killed_and_comes_back(
    product: Product, video: str, edges: dict[Kind, EdgeServer]
) -> None:
    kept = newest_segment(product, video)
    crowds = [Crowd(server.port, video) for server in edges.values()]
    for server in edges.values():
        assert fetch(server.port, kept)[0] == fetch(server.port, video)[0] == 200

    async def watch() -> None:
        async with asyncio.TaskGroup() as tasks:
            watching = [tasks.create_task(crowd.watch(8, PATIENCE_S, join_s=0.2)) for crowd in crowds]
            await asyncio.sleep(1.0)
            (web,) = product.pids("web")
            kill(web, SIGKILL)
            for server in edges.values():
                # The product is away for longer than this takes.
                for path in (kept, video):
                    assert (await asyncio.to_thread(fetch, server.port, path))[0] == 200, (server.kind, path)
            marks = [crowd.newest[0] for crowd in crowds]
            while any(crowd.newest[0] < mark + 2 for crowd, mark in zip(crowds, marks, strict=True)):
                await asyncio.sleep(0.2)
            for task in watching:
                task.cancel()

    asyncio.run(asyncio.wait_for(watch(), PATIENCE_S))


@pytest.mark.parametrize("kind", ["nginx", "caddy"])
def test_tls_and_http_2(
    kind: Kind, product: Product, video: str, edges: dict[Kind, EdgeServer], tmp_path: Path
) -> None:
    chain, key = certificate(tmp_path)
    origin = edges["varnish"].port if kind == "caddy" else product.http_port
    port = free_ports(1)[0]
    settings = {"TALLY_PUBLIC_URL": f"https://127.0.0.1:{port}"}
    server = EdgeServer(kind, origin, "--certificate", str(chain), "--key", str(key), **settings)
    try:
        server.start()
        trust = ssl.create_default_context(cafile=str(chain))
        trust.set_alpn_protocols(["h2", "http/1.1"])
        plain = socket.create_connection(("127.0.0.1", server.port), 20)
        with trust.wrap_socket(plain, server_hostname="127.0.0.1") as sealed:
            assert sealed.selected_alpn_protocol() == "h2"
        connection = http.client.HTTPSConnection(
            "127.0.0.1", server.port, timeout=20, context=ssl.create_default_context(cafile=str(chain))
        )
        connection.request("GET", newest_segment(product, video))
        assert connection.getresponse().status == 200
        connection.close()
    finally:
        server.stop()


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for 127.0.0.1 that signs itself: its file, and its key's."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "edge")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain_path, key_path = folder / "chain.pem", folder / "key.pem"
    chain_path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    key_path.write_bytes(key.private_bytes(pem, pkcs8, serialization.NoEncryption()))
    return chain_path, key_path
