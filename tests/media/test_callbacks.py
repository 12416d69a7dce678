"""Claims of media.callbacks against a web service that fails in every way one does."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import msgspec
import pytest
from aiohttp import web

from media import callbacks
from media.callbacks import Callbacks
from media.publication import PublishAttempt, Refused, Unavailable
from media.signed import CallbackRefused
from schemas.errors import ErrorCode, failure
from schemas.ids import ChannelId, NodeId, SessionId
from schemas.ingest import PublishGrant, PublishRequest
from schemas.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, Verdict, verify

pytestmark = pytest.mark.services

SECRET = "a secret that both know"
ATTEMPT = PublishAttempt("rtmp", "live_abc", {"a": "b"}, "192.0.2.7", "OBS")
GRANT = PublishGrant(ChannelId("c1"), "demo", SessionId("s1"))

Handler = Callable[[web.Request], Awaitable[web.Response]]


class Web:
    """Answers callbacks as the test says, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: list[Handler] = []
        self.bodies: list[bytes] = []
        self.verdicts: list[Verdict] = []

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.bodies.append(body)
        headers = request.headers
        self.verdicts.append(
            verify(SECRET, headers.get(TIMESTAMP_HEADER), headers.get(SIGNATURE_HEADER), body, now_s=time.time())
        )
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await answer(request)


def data(value: object) -> Handler:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=msgspec.json.encode({"success": True, "data": value}))

    return answer


def refusal(code: ErrorCode, message: str, status: int) -> Handler:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, body=failure(code, message))

    return answer


async def hang(_request: web.Request) -> web.Response:
    await asyncio.sleep(30)
    raise AssertionError("the client waited too long")


@pytest.fixture
async def served() -> AsyncIterator[tuple[Web, Callbacks]]:
    fake = Web()
    app = web.Application()
    app.router.add_post("/internal/ingest/{what}", fake.handle)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    async with aiohttp.ClientSession() as http:
        yield fake, Callbacks(f"http://127.0.0.1:{port}", SECRET, NodeId("n1"), http)
    await runner.cleanup()


async def test_a_grant_comes_back_for_a_signed_question(served: tuple[Web, Callbacks]) -> None:
    fake, asks = served
    fake.answers = [data(GRANT)]
    assert await asks.publish(ATTEMPT) == GRANT
    assert fake.verdicts == [Verdict.GOOD]
    asked = msgspec.json.decode(fake.bodies[0], type=PublishRequest)
    assert (asked.key, asked.node_id, asked.params) == ("live_abc", "n1", {"a": "b"})


async def test_a_wrong_key_is_refused_with_webs_words(served: tuple[Web, Callbacks]) -> None:
    fake, asks = served
    fake.answers = [refusal(ErrorCode.FORBIDDEN, "This stream key is not valid.", 403)]
    with pytest.raises(Refused, match="This stream key is not valid"):
        await asks.publish(ATTEMPT)


async def test_a_failing_web_is_asked_again_with_the_same_request_id(served: tuple[Web, Callbacks]) -> None:
    fake, asks = served
    fake.answers = [
        refusal(ErrorCode.UNAVAILABLE, "not now", 503),
        refusal(ErrorCode.INTERNAL_ERROR, "", 500),
        data(GRANT),
    ]
    assert await asks.publish(ATTEMPT) == GRANT
    asked = [msgspec.json.decode(body, type=PublishRequest).request_id for body in fake.bodies]
    assert len(asked) == 3
    assert len(set(asked)) == 1


async def test_a_silent_web_makes_publishers_come_back(
    served: tuple[Web, Callbacks], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake, asks = served
    fake.answers = [hang]
    monkeypatch.setattr(callbacks, "GRANT_TIMEOUT_S", 0.3)
    with pytest.raises(Unavailable):
        await asks.publish(ATTEMPT)


async def test_a_web_that_is_not_there_makes_publishers_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callbacks, "GRANT_TIMEOUT_S", 0.3)
    async with aiohttp.ClientSession() as http:
        with pytest.raises(Unavailable):
            await Callbacks("http://127.0.0.1:9", SECRET, NodeId("n1"), http).publish(ATTEMPT)


async def test_an_answer_that_is_no_envelope_is_no_answer(
    served: tuple[Web, Callbacks], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake, asks = served

    async def proxy_page(_request: web.Request) -> web.Response:
        return web.Response(text="<html>Bad gateway</html>")

    fake.answers = [proxy_page]
    monkeypatch.setattr(callbacks, "GRANT_TIMEOUT_S", 0.3)
    with pytest.raises(Unavailable):
        await asks.publish(ATTEMPT)


async def test_the_end_of_a_session_is_told_until_it_is_heard(served: tuple[Web, Callbacks]) -> None:
    fake, asks = served
    fake.answers = [refusal(ErrorCode.UNAVAILABLE, "", 503), data({})]
    await asks.unpublish(SessionId("s1"), "connection closed")
    assert len(fake.bodies) == 2


async def test_a_wrong_secret_is_an_error_of_ours_and_not_of_the_publisher(served: tuple[Web, Callbacks]) -> None:
    fake, asks = served
    fake.answers = [refusal(ErrorCode.UNAUTHORIZED, "The signature is wrong.", 401)]
    with pytest.raises(Unavailable):
        await asks.publish(ATTEMPT)
    with pytest.raises(CallbackRefused):
        await asks.heartbeat("http://origin", [])
