"""A pipeline that makes nothing: for tests of what stands before it."""

from media.feeds import Feeds
from media.live import LiveStream
from media.packets import Cue, MediaEvent
from media.pipeline import Pipeline
from media.publication import Description
from schemas.ids import ChannelId, SessionId
from schemas.ingest import RungHealth, TranscoderHealth


class Passthrough(Pipeline):
    """Hands the source to its live stream and remembers nothing."""

    def __init__(self, live: LiveStream) -> None:
        self.live = live
        self.feeds = Feeds(SessionId("session"), ChannelId("c1"), "channel")

    async def run(self) -> None:
        """There is nothing to keep running."""

    def feed(self, event: MediaEvent, now: float) -> None:
        self.live.feed(event, now)

    def describe(self, description: Description) -> None: ...

    def interrupt(self, media_s: float) -> None: ...

    def tick(self, media_s: float) -> None: ...

    def rejoin(self, media_s: float) -> None: ...

    def annotate(self, cue: Cue) -> None: ...

    def rungs(self) -> list[RungHealth]:
        return []

    def transcoder(self) -> TranscoderHealth | None:
        return None

    def end(self, reason: str) -> None:
        self.live.end(reason)
