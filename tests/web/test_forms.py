"""Multipart bodies: fields and files, and that no bytes do harm."""

import asyncio
from unittest.mock import Mock

import pytest
from aiohttp import StreamReader
from aiohttp.test_utils import make_mocked_request
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import ApiError, ErrorCode
from web.forms import FILE_MAX, PARTS_MAX, TEXT_MAX, read_form

HEAD = b'Content-Disposition: form-data; name="%s"'


def part(name: bytes, content: bytes, more: bytes = b"") -> bytes:
    return b"--edge\r\n" + HEAD % name + more + b"\r\n\r\n" + content + b"\r\n"


async def read(body: bytes, content_type: str = "multipart/form-data; boundary=edge") -> dict[str, str | bytes]:
    stream = StreamReader(Mock(_reading_paused=False), 2**20, loop=asyncio.get_running_loop())
    stream.feed_data(body)
    stream.feed_eof()
    return await read_form(make_mocked_request("POST", "/", headers={"Content-Type": content_type}, payload=stream))


async def refusal(body: bytes, content_type: str = "multipart/form-data; boundary=edge") -> ErrorCode:
    with pytest.raises(ApiError) as caught:
        await read(body, content_type)
    return caught.value.body.code


async def test_text_and_files_come_by_name() -> None:
    body = (
        part(b"name", "tällyHi".encode()) + part(b"image", b"\x89PNG\r\n\x00", b'; filename="a.png"') + b"--edge--\r\n"
    )
    assert await read(body) == {"name": "tällyHi", "image": b"\x89PNG\r\n\x00"}


async def test_parts_have_a_largest_size() -> None:
    most = part(b"image", b"x" * FILE_MAX, b'; filename="a"') + part(b"name", b"x" * TEXT_MAX) + b"--edge--"
    assert {name: len(content) for name, content in (await read(most)).items()} == {"image": FILE_MAX, "name": TEXT_MAX}
    assert await refusal(part(b"image", b"x" * (FILE_MAX + 1), b'; filename="a"')) is ErrorCode.PAYLOAD_TOO_LARGE
    assert await refusal(part(b"name", b"x" * (TEXT_MAX + 1))) is ErrorCode.PAYLOAD_TOO_LARGE
    many = b"".join(part(b"n%d" % n, b"x") for n in range(PARTS_MAX + 1)) + b"--edge--"
    assert await refusal(many) is ErrorCode.PARSE_ERROR


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"--edge\r\nnonsense",
        b"--edge\r\n: \r\n\r\nx\r\n--edge--",
        b"--edge\r\nContent-Disposition: form-data\r\n\r\nno name\r\n--edge--",
        part(b"no good name", b"x") + b"--edge--",
        part(b"name", b"x") + part(b"name", b"twice") + b"--edge--",
        part(b"name", b"\xff\xfe") + b"--edge--",
        b"--edge\r\nContent-Type: multipart/mixed; boundary=in\r\n\r\n--in\r\n\r\nx\r\n--in--\r\n--edge--",
        part(b"name", b"x", b"\r\nContent-Transfer-Encoding: base64\r\nContent-Encoding: nonsense"),
        part(b"name", b"x", b"\r\nX: " + b"y" * 100_000),
    ],
)
async def test_what_is_no_form_is_refused(body: bytes) -> None:
    assert await refusal(body) is ErrorCode.PARSE_ERROR


async def test_only_forms_are_read() -> None:
    assert await refusal(b"{}", "application/json") is ErrorCode.INVALID_REQUEST
    assert await refusal(b"x", "multipart/form-data") is ErrorCode.PARSE_ERROR


PIECES = st.sampled_from(
    [
        b"--edge",
        b"--edge--",
        b"\r\n",
        b"\r\n\r\n",
        HEAD % b"name",
        b'; filename="a"',
        b"Content-Length: 9",
        b":",
        b"x",
        b"\0",
    ]
)


@settings(deadline=None)
@given(st.lists(PIECES | st.binary(max_size=20), max_size=30).map(b"".join))
def test_any_bytes_are_a_form_or_refused(body: bytes) -> None:
    async def run() -> None:
        try:
            await read(body)
        except ApiError:
            return

    asyncio.run(run())
