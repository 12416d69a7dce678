"""Where a source's packets go: in time to ingest, as those of any publisher; and who notices when no more come.

The publication begins with the first packet, so that a source which gives nothing opens no session.
"""

import asyncio
import time

import aiohttp
import structlog

from media.links.client import RemotePublication, publish
from media.packets import CodecConfig, Packet, TrackKind
from media.publication import PublishAttempt, Refused, Unavailable
from media.relay.job import Job, Setback
from media.relay.pull.pacing import Pacer

log = structlog.get_logger()

FIRST_MEDIA_S = 25.0
"""From the beginning of a try to the first packet: connecting, redirects and the first segment take their time."""
STALL_S = 10.0
"""Without a packet after that, unless the source says that it may take longer."""
WATCH_S = 0.5
NOTHING_CAME = "The source sends nothing that can be played."
STALLED = "The source has stopped sending."
NOBODY_TAKES_IT = "The stream cannot be taken right now."
LOCAL_ADDRESS = "127.0.0.1"
"""Of the publisher, as ingest and web see it: it is us."""


class Intake:
    """One try's way to ingest. `take` may be called by several tasks: sound and pictures may come apart."""

    def __init__(self, job: Job, http: aiohttp.ClientSession, origin_url: str, attempt: PublishAttempt) -> None:
        self.pacer: Pacer | None = None
        """Given by the source: None sends everything at once."""
        self.stall_s = STALL_S
        self.count = job.count
        self._job = job
        self._http, self._origin_url, self._attempt = http, origin_url, attempt
        self._configs: dict[TrackKind, CodecConfig] = {}
        self._publication: RemotePublication | None = None
        self._opening = asyncio.Lock()
        self._last_at = time.monotonic()
        self._waiting = 0  # tasks that hold a packet until it is due
        self._cut = ""

    async def take(self, unit: CodecConfig | Packet) -> None:
        """Send a configuration, or a packet when it is due. Raises `Setback` when nobody takes it."""
        self._last_at = time.monotonic()
        if isinstance(unit, CodecConfig):
            self._configs[unit.kind] = unit
            if self._publication is not None:
                self._publication.configure(unit)
            return
        await self._until_due(unit)
        if self._publication is None:
            async with self._opening:
                await self._open()
        assert self._publication is not None
        self._publication.push(unit)

    async def watch(self) -> None:
        """Raise `Setback` when packets stop coming, or the platform or ingest ends the publication."""
        while True:
            await asyncio.sleep(WATCH_S)
            if self._cut:
                raise Setback(self._cut)
            silent_s = time.monotonic() - self._last_at
            if self._publication is None and silent_s > FIRST_MEDIA_S:
                raise Setback(NOTHING_CAME)
            if self._publication is not None and not self._waiting and silent_s > self.stall_s:
                raise Setback(STALLED)

    async def end(self, reason: str, *, is_lost: bool) -> None:
        """Leave ingest, if there was anything."""
        publication, self._publication = self._publication, None
        if publication is not None:
            await publication.end(reason, is_lost=is_lost)

    async def _until_due(self, packet: Packet) -> None:
        wait_s = self.pacer.wait_s(packet.dts, time.monotonic()) if self.pacer is not None else 0.0
        if wait_s > 0:
            self._waiting += 1
            try:
                await asyncio.sleep(wait_s)
            finally:
                self._waiting -= 1
                self._last_at = time.monotonic()

    async def _open(self) -> None:
        if self._publication is not None:
            return  # the other track's packet was first
        try:
            publication = await publish(
                self._http, self._origin_url, self._attempt, on_cut=self._is_cut, on_lost=self._is_cut
            )
        except Refused as error:
            raise Setback(error.reason) from error
        except Unavailable as error:
            log.info("pull not taken", error=str(error))
            raise Setback(NOBODY_TAKES_IT) from error
        for config in self._configs.values():
            publication.configure(config)
        self._publication = publication
        self._last_at = time.monotonic()
        self._job.works()

    def _is_cut(self, reason: str) -> None:
        self._cut = reason or NOBODY_TAKES_IT
