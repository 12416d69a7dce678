"""Multipart bodies (RFC 7578), read part by part and never more than is allowed."""

import re
from typing import Final

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from schemas.chat_api import EMOTE_IMAGE_MAX
from schemas.errors import ApiError, ErrorCode

FILE_MAX: Final = EMOTE_IMAGE_MAX
"""Bytes of a part that has a file."""
TEXT_MAX: Final = 1024
"""Bytes of a part that has none."""
PARTS_MAX: Final = 8
CHUNK: Final = 64 * 1024
BROKEN: Final = (ValueError, LookupError, AssertionError, RuntimeError, HttpProcessingError)
"""What aiohttp raises at bodies that are no form."""
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9]{0,31}")


async def read_form(request: web.Request) -> dict[str, str | bytes]:
    """Return the fields by name: text as it is, files as their bytes.

    Raises PARSE_ERROR, INVALID_REQUEST, PAYLOAD_TOO_LARGE.
    """
    if request.content_type != "multipart/form-data":
        raise ApiError(ErrorCode.INVALID_REQUEST, "Send a form with the content type multipart/form-data.")
    fields: dict[str, str | bytes] = {}
    try:
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if not isinstance(part, BodyPartReader) or len(fields) >= PARTS_MAX:
                raise ValueError("not a form of this API")
            name = part.name or ""
            if not _NAME.fullmatch(name) or name in fields:
                raise ValueError("a part without a name of its own")
            fields[name] = await _content(part, name)
    except BROKEN:
        raise ApiError(ErrorCode.PARSE_ERROR, "The body is not a form.") from None
    return fields


async def _content(part: BodyPartReader, name: str) -> str | bytes:
    is_file = part.filename is not None
    most = FILE_MAX if is_file else TEXT_MAX
    content = bytearray()
    while chunk := await part.read_chunk(CHUNK):
        content += chunk
        if len(content) > most:
            message = f"{name}: must have at most {most} bytes."
            raise ApiError(ErrorCode.PAYLOAD_TOO_LARGE, message, fields={name: f"must have at most {most} bytes"})
    return bytes(content) if is_file else content.decode()
