"""A session with media in storage, as the storage process would have told of it."""

from dataclasses import dataclass

from schemas.ids import ChannelId, SessionId
from schemas.storage import FileStored
from tests.web.site import Person, Site
from tests.web.store.events import init, segment, started, stored
from web.store import arrivals
from web.store.arrivals import SessionEvent

SEGMENTS = 100


@dataclass
class Stored:
    """`alice` publishes to `news`; 100 segments of 2 s are stored of it."""

    site: Site
    alice: Person
    channel: ChannelId
    session: SessionId
    key: str

    async def tell(self, *events: SessionEvent) -> None:
        async with self.site.running.services.pool.acquire() as connection, connection.transaction():
            await arrivals.write(connection, events)

    async def end(self, segments: int = SEGMENTS) -> str:
        """End the session with everything stored, and return its recording's id."""
        await self.site.heartbeat()
        await self.site.unpublish(self.session)
        await self.tell(stored(self.session, {"video": segments, "audio": segments}, total_bytes=200_000))
        return await self.vod()

    async def vod(self) -> str:
        (listed,) = await self.site.data("GET", "/vods?channel=news", who=self.alice)
        return str(listed["id"])


async def publish(site: Site, *, gaps: range = range(0), breaks: tuple[int, ...] = (), **settings: object) -> Stored:
    """Publish to a new channel with these settings, of which everything up to now is stored."""
    alice = await site.person("alice")
    await site.channel("news", alice, title="The news")
    key = await site.key("news", alice)
    if settings:
        await site.data("PATCH", "/channels/news", settings, who=alice)
    channel, session = await site.go_live(key)
    made = Stored(site, alice, ChannelId(channel), session, key)
    await made.tell(
        started(session, made.channel, is_recorded=settings.get("recording") is not False),
        init(session),
        init(session, "audio"),
        *(
            segment(session, msn, rendition, is_gap=msn in gaps, is_discontinuous=msn in breaks)
            for rendition in ("video", "audio")
            for msn in range(SEGMENTS)
        ),
        FileStored(session, "thumbnail", 0, "thumbnail-3.jpg", 300),
        FileStored(session, "storyboard", 0, "storyboard-v1.vtt", 50),
    )
    return made
