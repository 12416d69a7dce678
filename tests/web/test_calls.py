"""Bodies that are not what they should be."""

import asyncio

import msgspec
import pytest
from structlog.testing import capture_logs

from schemas import api
from tests.web.site import PASSWORD, Site
from web import calls
from web.app import ENDPOINTS

LOGIN = "/auth/login"


def test_the_error_names_the_field_that_msgspec_names() -> None:
    for content, kind, field in (
        (b'{"title":3}', api.PatchChannel, "title"),
        (b'{"tags":["a",3]}', api.PatchChannel, "tags[1]"),
        (b'{"foo":1}', api.PatchChannel, "foo"),
        (b"{}", api.Login, "username"),
    ):
        with pytest.raises(msgspec.ValidationError) as caught:
            msgspec.json.decode(content, type=kind)
        assert list(calls.invalid(caught.value).body.fields or {}) == [field]


def test_an_error_of_the_whole_body_names_no_field() -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(b"[]", type=api.Login)
    assert calls.invalid(caught.value).body.fields is None


def test_handlers_take_what_the_table_says() -> None:
    for endpoint in ENDPOINTS:
        taken = endpoint.handler.__annotations__["call"].__args__[0]
        assert taken is (endpoint.body or endpoint.form or endpoint.query or type(None)), endpoint.name


def test_names_and_routes_of_the_table_are_there_once() -> None:
    assert len({e.name for e in ENDPOINTS}) == len(ENDPOINTS)
    assert len({(e.method, e.path) for e in ENDPOINTS}) == len(ENDPOINTS)


@pytest.mark.services
@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b'{"username":"\xff"}', b'"\\ud800"', b"nonsense"])
async def test_what_is_no_json_is_a_parse_error(site: Site, body: bytes) -> None:
    status, envelope = await site.call("POST", LOGIN, data=body, headers={"Content-Type": "application/json"})
    assert (status, envelope["error"]["code"]) == (400, "PARSE_ERROR")


@pytest.mark.services
async def test_other_content_types_are_refused(site: Site) -> None:
    body = msgspec.json.encode({"username": "alice", "password": PASSWORD})
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        status, envelope = await site.call("POST", LOGIN, data=body, headers={"Content-Type": content_type})
        assert (status, envelope["error"]["code"]) == (400, "INVALID_REQUEST")
    status, _ = await site.call("POST", LOGIN, data=body, headers={"Content-Type": "application/json; charset=utf-8"})
    assert status == 401


@pytest.mark.services
async def test_a_body_beyond_the_limit_is_refused(site: Site) -> None:
    body = b'{"username":"' + b"x" * calls.BODY_MAX + b'"}'
    status, envelope = await site.call("POST", LOGIN, data=body, headers={"Content-Type": "application/json"})
    assert (status, envelope["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")


@pytest.mark.services
async def test_what_goes_wrong_inside_is_told_without_details(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "hunter" + str(2)

    async def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError(secret)

    monkeypatch.setattr("web.store.channels.find", fail)
    with capture_logs() as logs:
        status, envelope = await site.call("GET", "/channels/news")
    assert (status, envelope["error"]["code"]) == (500, "INTERNAL_ERROR")
    assert secret not in str(envelope) + str(logs)
    (failed,) = [entry for entry in logs if entry["event"] == "request failed"]
    assert (failed["error"], "calls.py" in failed["stack"]) == ("ZeroDivisionError", True)


@pytest.mark.services
async def test_a_database_that_is_away_is_unavailable_and_comes_back(site: Site) -> None:
    pool = site.running.services.pool
    async with pool.acquire() as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    answers = await asyncio.gather(*(site.call("GET", "/channels") for _ in range(5)))
    assert {status for status, _ in answers} <= {200, 503}
    assert {e["error"]["code"] for status, e in answers if status == 503} <= {"UNAVAILABLE"}
    async with asyncio.timeout(10):
        while (await site.call("GET", "/channels"))[0] != 200:
            await asyncio.sleep(0.05)


@pytest.mark.services
async def test_a_wait_carries_its_length_in_a_header_too(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise TimeoutError

    monkeypatch.setattr("web.store.channels.find", fail)
    async with site.client.get(f"{site.base}/api/channels/news") as response:
        body = await response.json()
        assert (response.status, body["error"]["code"], response.headers["Retry-After"]) == (503, "UNAVAILABLE", "2")
        assert body["error"]["retryAfterMs"] == 2000


def test_the_reason_is_said_in_words() -> None:
    for content, kind, field, words in (
        (b'{"username":"A b","password":"long enough"}', api.Register, "username", "must be 3 to 25 of a-z, 0-9 and _"),
        (b'{"username":"anna","password":"short"}', api.Register, "password", "must have at least 10 characters"),
        (b'{"tags":["","b"]}', api.PatchChannel, "tags[0]", "must have at least 1 characters"),
        (b'{"tags":[' + b'"a",' * 10 + b'"a"]}', api.PatchChannel, "tags", "must have at most 10 entries"),
        (b'{"title":"two\\nlines"}', api.PatchChannel, "title", "must be one line of text"),
        (b'{"language":"English"}', api.PatchChannel, "language", "must be a language code such as en or pt-BR"),
    ):
        with pytest.raises(msgspec.ValidationError) as caught:
            msgspec.json.decode(content, type=kind)
        assert calls.invalid(caught.value).body.fields == {field: words}


def test_every_pattern_of_the_api_has_its_words() -> None:
    patterns = {value for name, value in vars(api).items() if name.endswith("_PATTERN")}
    assert patterns == set(api.PATTERN_WORDS)
