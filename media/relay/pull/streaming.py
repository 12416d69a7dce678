"""From a source's bytes to the intake, through a demuxing child."""

from collections.abc import Callable

from media.relay.job import Setback
from media.relay.pull.demuxing import Demuxing
from media.relay.pull.intake import Intake
from media.relay.pull.messages import Finished
from media.relay.racing import Work, together

Feed = Callable[[Demuxing], Work]
"""Opens containers, writes their bytes and returns at the end of the last."""


async def demux(intake: Intake, feed: Feed) -> None:
    """Run `feed` and take all that its containers hold. Raises what `feed` raises, and `Setback`."""
    async with Demuxing() as demuxing:
        await together(_feed(demuxing, feed), _drain(demuxing, intake))


async def _feed(demuxing: Demuxing, feed: Feed) -> None:
    await feed(demuxing)
    await demuxing.complete()


async def _drain(demuxing: Demuxing, intake: Intake) -> None:
    while (unit := await demuxing.read()) is not None:
        if not isinstance(unit, Finished):
            await intake.take(unit)
        elif unit.reason:
            raise Setback(unit.reason)
