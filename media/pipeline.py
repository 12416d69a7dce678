"""From one media time to all renditions: what passes through, what the ladder makes, what is shown meanwhile.

`Session` feeds it what its publisher sends and ticks it while there is none.
"""

from media.live import LiveStream
from media.packets import Cue, MediaEvent
from media.publication import Description
from schemas.ingest import RungHealth, TranscoderHealth


class Pipeline:
    """The renditions of one session. All methods but `run` are for the loop's thread and never wait."""

    def __init__(self, live: LiveStream) -> None:
        self.live = live

    async def run(self) -> None:
        """Keep the children running until cancelled."""

    def feed(self, event: MediaEvent, now: float) -> None:
        """Take the next event of the timeline; `now` is wall clock time in seconds. Raises `UnsupportedCodec`."""
        self.live.feed(event, now)

    def describe(self, description: Description) -> None:
        """Take what the publisher says of its stream."""

    def interrupt(self, media_s: float) -> None:
        """The publisher is gone: from this media time on there is a slate, or a gap, as `tick` lets it grow."""

    def tick(self, media_s: float) -> None:
        """While the publisher is gone: let the renditions reach this media time."""

    def annotate(self, cue: Cue) -> None:
        """Show this to players."""

    def rungs(self) -> list[RungHealth]:
        """How each rung of the ladder is, refused ones too."""
        return []

    def transcoder(self) -> TranscoderHealth | None:
        """How the child that makes the rungs is, if there is one."""
        return None

    def end(self) -> None:
        """The session is over."""
        self.live.end()
