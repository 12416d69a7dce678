"""The pictures of emotes: uploaded ones are painted anew, and all are served for ever, for a message keeps its emotes.

GET emotes/{id}/{1,2,4}.webp.
"""

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec
from aiohttp import hdrs, web

from chat.believed import Believed
from chat.emotes import defaults
from chat.store import emotes
from schemas.api import ID_PATTERN
from schemas.errors import ApiError, ErrorCode
from web import repaint
from web.failures import AWAY
from web.repaint import Outcome
from web.services import SERVICES

ROUTE: Final = "/emotes/{emote}/{scale}.webp"
HEADERS: Final = {
    hdrs.CACHE_CONTROL: "public, max-age=31536000, immutable",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
KEPT_MAX: Final = 500
"""Pictures in memory, of a few KB mostly and `repaint.SIZE_MAX` at most."""
BELIEVED_S: Final = 3600.0
PAINTERS: Final = 2
"""Pictures that are painted at once: each takes a core."""
WAITING_MAX: Final = 8
"""Pictures that wait for it; beyond it people are asked to come back."""
PAINT_S: Final = 10.0
RETRY_AFTER_MS: Final = 5_000
PROGRAM: Final = Path(repaint.__file__)
_ID: Final = re.compile(ID_PATTERN)

Wanted = tuple[str, int]
"""The id of an emote, and a scale."""


class Painter:
    """Has uploaded pictures painted anew, each by a process of its own (`web/repaint.py`)."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(PAINTERS)
        self._waiting = 0

    async def paint(self, content: bytes) -> Outcome:
        """Return the sizes of a picture. Raises INVALID_REQUEST, UNAVAILABLE."""
        if self._waiting >= WAITING_MAX:
            message = "Too many pictures at once. Try again."
            raise ApiError(ErrorCode.UNAVAILABLE, message, retry_after_ms=RETRY_AFTER_MS)
        self._waiting += 1
        try:
            async with asyncio.timeout(PAINT_S), self._turns:
                outcome = await _run(content)
        except TimeoutError:
            outcome = Outcome(refusal="takes too long to read")
        finally:
            self._waiting -= 1
        if outcome.refusal:
            raise ApiError(ErrorCode.INVALID_REQUEST, f"image: {outcome.refusal}.", fields={"image": outcome.refusal})
        return outcome


async def _run(content: bytes) -> Outcome:
    async with _process() as process:
        answer, _ = await process.communicate(content)
    try:
        return msgspec.msgpack.decode(answer, type=Outcome)
    except msgspec.DecodeError:  # it ran out of memory or time, or crashed
        return Outcome(refusal="can't be read: the picture is broken, or too much for an emote")


@asynccontextmanager
async def _process() -> AsyncIterator[asyncio.subprocess.Process]:
    """A painting process, dead at the end of the block."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", str(PROGRAM)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


PAINTER = web.AppKey("painter", Painter)
PICTURES: "web.AppKey[Believed[Wanted, bytes]]" = web.AppKey("pictures", Believed)


def add_to(app: web.Application) -> None:
    """Add the route, and what it needs while the application runs; see that the default emotes are there."""

    async def context(app: web.Application) -> AsyncIterator[None]:
        services = app[SERVICES]

        async def read(wanted: list[Wanted]) -> Mapping[Wanted, bytes]:
            return await emotes.pictures(services.pool, wanted)

        app[PAINTER] = Painter()
        pictures = app[PICTURES] = Believed(
            "emote pictures",
            read,
            services.troubles.note,
            believed_s=BELIEVED_S,
            kept_max=KEPT_MAX,
            keeps_absent=False,
        )
        try:
            await defaults.load(services.pool)
        except AWAY as error:
            services.troubles.note("default emotes", error)  # the next start does it
        yield
        await pictures.close()

    app.cleanup_ctx.append(context)
    app.router.add_get(ROUTE, picture, name="emotePicture")


def url_of(emote: str, scale: int = 2) -> str:
    """Return where a picture of an emote is."""
    return f"/emotes/{emote}/{scale}.webp"


async def picture(request: web.Request) -> web.Response:
    """GET emotes/{emote}/{scale}.webp."""
    emote, scale = request.match_info["emote"], request.match_info["scale"]
    content = None
    if _ID.match(emote) and scale in ("1", "2", "4"):
        content = await request.app[PICTURES].of((emote, int(scale)))
    if content is None:
        raise ApiError(ErrorCode.NOT_FOUND, "There is no such emote.")
    return web.Response(body=content, content_type="image/webp", headers=HEADERS)
