"""What operators get wrong with a bucket, and servers that fail."""

import datetime
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from config.objects import s3
from config.objects.address import read_address
from config.objects.faults import translated
from config.objects.s3 import S3Store
from config.objects.store import IMMUTABLE, NoSuchObject, StoreRefused, StoreUnavailable
from tests.faulty import Faulty
from tests.rclone import S3Server

pytestmark = pytest.mark.services

Open = Callable[[str], "S3Store"]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """One try, and not a long one."""
    monkeypatch.setattr(s3, "ATTEMPTS", 1)
    monkeypatch.setattr(s3, "READ_S", 0.5)
    monkeypatch.setattr(s3, "CONNECT_S", 0.5)


@pytest.fixture
async def opened() -> AsyncIterator[list[S3Store]]:
    stores: list[S3Store] = []
    yield stores
    for store in stores:
        await store.close()


async def trouble(opened: list[S3Store], url: str) -> str:
    """Return the class of the error of a put, and its sentence."""
    store = await S3Store.open(read_address(url), "TALLY_S3_URL")
    opened.append(store)
    with pytest.raises((StoreRefused, StoreUnavailable)) as caught:
        await store.put("live/a.m4s", b"1", content_type="video/mp4")
    with pytest.raises((StoreRefused, StoreUnavailable)):
        await store.check()
    return f"{caught.type.__name__}: {caught.value}"


@pytest.mark.usefixtures("quick")
async def test_mistakes_are_named(s3_server: S3Server, opened: list[S3Store], free_port: Callable[[], int]) -> None:
    port = s3_server.port
    assert await trouble(opened, s3_server.url_at(port, secret="wrong")) == (
        "StoreRefused: 127.0.0.1 does not take the secret: correct it, percent-encoded (TALLY_S3_URL)"
    )
    assert await trouble(opened, s3_server.url_at(port, bucket="nothing")) == (
        "StoreRefused: there is no bucket nothing on 127.0.0.1: make it, or correct its name (TALLY_S3_URL)"
    )
    assert (await trouble(opened, s3_server.url_at(port).replace("tallykey", "nobody"))).startswith(
        "StoreRefused: 127.0.0.1 does not know the key"
    )
    assert await trouble(opened, s3_server.url_at(closed := free_port())) == (
        f"StoreUnavailable: http://127.0.0.1:{closed} cannot be reached"
    )
    assert await trouble(opened, s3_server.url_at(port).replace("127.0.0.1", "nobody.invalid")) == (
        "StoreUnavailable: the name nobody.invalid cannot be resolved: is it right? (TALLY_S3_URL)"
    )
    assert (await trouble(opened, s3_server.url_at(port).replace("secure=0", "secure=1"))).startswith(
        "StoreRefused: 127.0.0.1 cannot be trusted"
    )


@pytest.mark.usefixtures("quick")
async def test_a_clock_that_is_off_is_named(
    s3_server: S3Server, opened: list[S3Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(remove_tzinfo: bool = True) -> datetime.datetime:
        return datetime.datetime(2026, 1, 1, tzinfo=None if remove_tzinfo else datetime.UTC)

    monkeypatch.setattr("botocore.auth.get_current_datetime", late)
    monkeypatch.setattr("config.objects.faults.time.time", lambda: late(remove_tzinfo=False).timestamp())
    assert (await trouble(opened, s3_server.url)).startswith(
        "StoreRefused: the clock of this machine is too far from that of 127.0.0.1"
    )


async def test_headers_are_kept(s3_server: S3Server, opened: list[S3Store]) -> None:
    store = await S3Store.open(read_address(s3_server.url), "TALLY_S3_URL")
    opened.append(store)
    await store.put("live/a.m4s", b"123", content_type="video/mp4")
    url = store.presigned_url("live/a.m4s", 60)
    assert url is not None
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"123"
        assert answer.headers["Cache-Control"] == IMMUTABLE
        assert answer.headers["Content-Type"] == "video/mp4"
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(url.replace("a.m4s", "b.m4s"))


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("mode", ["error", "stall", "cut"])
async def test_a_server_that_fails_is_unavailable_and_can_be_used_afterwards(
    s3_server: S3Server, opened: list[S3Store], mode: str
) -> None:
    with Faulty(s3_server.port) as faulty:
        store = await S3Store.open(read_address(s3_server.url_at(faulty.port)), "TALLY_S3_URL")
        opened.append(store)
        await store.put("live/a.m4s", b"1" * 100_000, content_type="video/mp4")
        faulty.mode = mode  # type: ignore[assignment]  # one of its modes
        with pytest.raises(StoreUnavailable):
            await store.put("live/b.m4s", b"1" * 100_000, content_type="video/mp4")
        with pytest.raises(StoreUnavailable):
            await store.get("live/a.m4s")
        assert faulty.faults >= 2
        faulty.mode = "pass"
        assert await store.get("live/a.m4s") == b"1" * 100_000
    assert list(s3_server.stored()) == ["live/a.m4s"]


async def test_one_fault_is_tried_again_without_a_word(
    s3_server: S3Server, opened: list[S3Store], tmp_path: Path
) -> None:
    store = await S3Store.open(read_address(s3_server.url), "TALLY_S3_URL")
    opened.append(store)
    await store.put("live/a.m4s", b"1", content_type="video/mp4")
    s3_server.stop()  # the kept connection is dead
    s3_server.start()
    assert await store.get("live/a.m4s") == b"1"


def error(status: int, code: str, message: str = "") -> ClientError:
    answer = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "PutObject")


@pytest.mark.parametrize(
    ("status", "code", "kind", "words"),
    [
        (403, "RequestTimeTooSkewed", StoreRefused, "the clock of this machine"),
        (403, "SignatureDoesNotMatch", StoreRefused, "does not take the secret"),
        (403, "InvalidAccessKeyId", StoreRefused, "does not know the key"),
        (403, "AccessDenied", StoreRefused, "let the key read, write and delete objects in live"),
        (301, "PermanentRedirect", StoreRefused, "not in the region eu-1"),
        (404, "NoSuchBucket", StoreRefused, "there is no bucket live"),
        (400, "Odd", StoreRefused, "refuses with 400 Odd: because"),
        (404, "NoSuchKey", NoSuchObject, "no such object"),
        (503, "SlowDown", StoreUnavailable, "busy or not well"),
        (429, "TooManyRequests", StoreUnavailable, "busy or not well"),
        (500, "InternalError", StoreUnavailable, "busy or not well"),
        (507, "XMinioStorageFull", StoreUnavailable, "507 XMinioStorageFull"),
    ],
)
def test_answers_become_sentences(status: int, code: str, kind: type[Exception], words: str) -> None:
    address = read_address("s3://k:hunter2@host/live?region=eu-1")
    found = translated(error(status, code, "because"), address, "TALLY_S3_URL")
    assert type(found) is kind
    assert words in str(found)
    assert "hunter2" not in str(found)
    assert kind is not StoreRefused or "TALLY_S3_URL" in str(found)
