"""Callbacks that are not what they should be."""

import msgspec
import pytest

from schemas.ids import make_id
from schemas.ingest import Heartbeat
from schemas.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER
from tests.web.site import NODE, Site

pytestmark = pytest.mark.services
NAMES = ("publish", "heartbeat", "unpublish", "keys")


def beat() -> Heartbeat:
    return Heartbeat(make_id(), NODE, "http://10.0.0.1:8082", [])


@pytest.mark.parametrize("name", NAMES)
async def test_unsigned_stale_and_forged_callbacks_are_refused(site: Site, name: str) -> None:
    message = beat()
    body = msgspec.json.encode(message)
    good = site.signature(body)
    for headers in (
        {},
        {SIGNATURE_HEADER: good[SIGNATURE_HEADER]},
        {TIMESTAMP_HEADER: good[TIMESTAMP_HEADER]},
        site.signature(body, age_s=61),
        site.signature(body, age_s=-62),
        site.signature(body + b" "),
        {**good, TIMESTAMP_HEADER: str(int(good[TIMESTAMP_HEADER]) + 1)},
    ):
        status, envelope = await site.callback(name, message, headers=headers)
        assert (status, envelope["error"]["code"]) == (401, "UNAUTHORIZED")


async def test_a_callback_is_good_once(site: Site) -> None:
    message = beat()
    headers = site.signature(msgspec.json.encode(message))
    assert (await site.callback("heartbeat", message, headers=headers))[0] == 200
    status, envelope = await site.callback("heartbeat", message, headers=headers)
    assert (status, envelope["error"]["code"]) == (401, "UNAUTHORIZED")


async def test_a_refused_callback_does_not_use_up_its_signature(site: Site) -> None:
    message = beat()
    headers = site.signature(msgspec.json.encode(message))
    stale = {**headers, TIMESTAMP_HEADER: "1"}
    assert (await site.callback("heartbeat", message, headers=stale))[0] == 401
    assert (await site.callback("heartbeat", message, headers=headers))[0] == 200


@pytest.mark.parametrize("name", NAMES)
async def test_signed_nonsense_names_the_field(site: Site, name: str) -> None:
    status, envelope = await site.callback(name, {"requestId": 1})
    assert (status, envelope["error"]["code"]) == (400, "INVALID_REQUEST")
    assert list(envelope["error"]["fields"]) == ["requestId"]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"sessions":[{"x":' + b"[" * 100_000])
async def test_signed_non_json_is_a_parse_error(site: Site, body: bytes) -> None:
    url = f"{site.internal}/internal/ingest/heartbeat"
    async with site.client.post(url, data=body, headers=site.signature(body)) as response:
        assert (response.status, (await response.json())["error"]["code"]) == (400, "PARSE_ERROR")


async def test_internal_routes_are_not_on_the_public_port(site: Site) -> None:
    message = beat()
    headers = site.signature(msgspec.json.encode(message))
    for path in ("/internal/ingest/heartbeat", "/internal/ingest/publish", "/metrics", "/readyz"):
        async with site.client.get(site.base + path) as response:
            assert response.status == 404
    async with site.client.post(
        f"{site.base}/internal/ingest/heartbeat", data=msgspec.json.encode(message), headers=headers
    ) as response:
        assert response.status == 404
    async with site.client.get(f"{site.internal}/api/channels") as response:
        assert response.status == 404


async def test_refusals_are_counted(site: Site) -> None:
    await site.callback("heartbeat", beat(), headers={})
    async with site.client.get(f"{site.internal}/metrics") as response:
        text = await response.text()
    assert 'tally_web_callbacks_refused_total{verdict="unsigned"} 1.0' in text
