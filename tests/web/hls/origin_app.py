"""An origin for tests and benchmarks: the routes and the blocking of a real one, with media that is just bytes.

A session has one rendition `video`. `advance` publishes its next part and wakes who waits for it. Run as a program
(`python -m tests.web.hls.origin_app [PORT]`), it prints its address and obeys `POST /control/advance/{session}`.
"""

import asyncio
import random
import sys
from collections import Counter

from aiohttp import web

from schemas.ids import ChannelId, NodeId, SessionId
from schemas.ingest import LiveEntry, live_key, session_key

PARTS_PER_SEGMENT = 6
PART_BYTES = 60_000
PLAYLIST_BYTES = 3_000
PLAYLIST_TYPE = "application/vnd.apple.mpegurl"
FOREVER = {"Cache-Control": "public, max-age=31536000, immutable", "Content-Type": "video/mp4"}
BRIEF = {"Cache-Control": "public, max-age=1", "Content-Type": PLAYLIST_TYPE}
DIRECTED = {"Cache-Control": "public, max-age=12", "Content-Type": PLAYLIST_TYPE}


def part_body(session: str, name: str) -> bytes:
    """Return the bytes of a part or segment: different for each, the same each time."""
    return random.Random(f"{session}/{name}").randbytes(PART_BYTES)


def playlist_body(session: str, msn: int, part: int) -> bytes:
    """Return a text of the size of a live playlist that says how far it goes."""
    text = f"#EXTM3U\n#EXT-X-VERSION:9\n#SESSION:{session}\n#NEWEST:{msn}.{part}\n"
    line = '#EXT-X-PART:DURATION=0.33333,URI="video-{}-{}.m4s"\n'
    number = 0
    while len(text) < PLAYLIST_BYTES:
        text += line.format(number // PARTS_PER_SEGMENT, number % PARTS_PER_SEGMENT)
        number += 1
    return text.encode()


class OriginApp:
    """Sessions and what was asked of them. `requests` counts paths with their queries; `blocked` who waits now."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.blocked = 0
        self.abandoned = 0
        self.answer_with: int | None = None
        self.extra: dict[str, bytes] = {}
        self.extra_cache_control = FOREVER["Cache-Control"]
        self._newest: dict[str, tuple[int, int]] = {}
        self._moved = asyncio.Condition()
        self._runner: web.AppRunner | None = None
        self.url = ""

    def add_session(self, session: str, msn: int = 10, part: int = 0) -> None:
        """Have a live session whose newest part is this one."""
        self._newest[session] = (msn, part)

    async def advance(self, session: str) -> None:
        """Publish the next part."""
        msn, part = self._newest[session]
        self._newest[session] = (msn + 1, 0) if part + 1 == PARTS_PER_SEGMENT else (msn, part + 1)
        async with self._moved:
            self._moved.notify_all()

    async def start(self, port: int = 0) -> None:
        """Listen on 127.0.0.1."""
        application = web.Application()
        application.router.add_post("/control/advance/{session}", self._advance)
        application.router.add_get("/control/requests", self._requests)
        application.router.add_get("/{session}/{file}", self._file)
        self._runner = web.AppRunner(application, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Listen no more and cut everyone."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def entry(self, session: str, channel_id: str, channel_name: str) -> LiveEntry:
        """Return what the registry would say of this session."""
        return LiveEntry(
            channel_id=ChannelId(channel_id),
            channel_name=channel_name,
            session_id=SessionId(session),
            node_id=NodeId("node"),
            origin_url=self.url,
            started_at_ms=0,
        )

    async def _advance(self, request: web.Request) -> web.Response:
        await self.advance(request.match_info["session"])
        return web.Response()

    async def _requests(self, _request: web.Request) -> web.Response:
        return web.json_response(self.requests)

    async def _file(self, request: web.Request) -> web.Response:
        self.requests[request.path_qs] += 1
        session, file = request.match_info["session"], request.match_info["file"]
        if self.answer_with is not None:
            return web.Response(status=self.answer_with, text="as told")
        if session not in self._newest:
            return web.Response(status=404, text="no session")
        if file in self.extra:
            headers = FOREVER | {"Cache-Control": self.extra_cache_control}
            return web.Response(body=self.extra[file], headers=headers)
        if file == "playlist.m3u8":
            text = f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{session}/video.m3u8\n"
            return web.Response(text=text, headers=BRIEF)
        if file == "video.m3u8":
            return await self._playlist(request, session)
        return await self._media(session, file)

    async def _playlist(self, request: web.Request, session: str) -> web.Response:
        query = request.query
        if "_HLS_msn" not in query:
            return web.Response(body=playlist_body(session, *self._newest[session]), headers=BRIEF)
        position = (int(query["_HLS_msn"]), int(query.get("_HLS_part", PARTS_PER_SEGMENT - 1)))
        if position[0] > self._newest[session][0] + 2:
            return web.Response(status=400, text="too far")
        await self._wait_for(session, position)
        return web.Response(body=playlist_body(session, *self._newest[session]), headers=DIRECTED)

    async def _media(self, session: str, file: str) -> web.Response:
        fields = file.removesuffix(".m4s").split("-")
        if file.endswith(".m4s") and all(field.isdigit() for field in fields[1:]):
            position = (int(fields[1]), int(fields[2]) if len(fields) > 2 else 0)
            newest = self._newest[session]
            if position == (newest[0], newest[1] + 1):
                await self._wait_for(session, position)  # the hinted part
            elif position > newest:
                return web.Response(status=404, text="no such part")
        return web.Response(body=part_body(session, file), headers=FOREVER)

    async def _wait_for(self, session: str, position: tuple[int, int]) -> None:
        self.blocked += 1
        try:
            async with self._moved:
                await self._moved.wait_for(lambda: self._newest[session] >= position)
        except asyncio.CancelledError:
            self.abandoned += 1
            raise
        finally:
            self.blocked -= 1


def registry_writes(entry: LiveEntry, json: bytes) -> dict[str, bytes]:
    """Return the keys and values that ingest would write for this entry."""
    return {
        live_key(entry.channel_id): json,
        live_key(entry.channel_name): json,
        session_key(entry.session_id): json,
    }


async def main() -> None:
    """Serve one session named `s1` until killed."""
    origin = OriginApp()
    origin.add_session("s1")
    await origin.start(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    print(origin.url, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
