"""One restream: a live session's packets, read from ingest and sent to another server until one of the two ends."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from config.addresses import Forbidden
from config.sealing import CannotOpen
from media.links.client import Feed, FeedLost, NoSuchFeed, open_feed
from media.links.messages import Ended
from media.publication import Unavailable
from media.relay.job import Job, Setback
from media.relay.racing import race
from media.relay.restream.backlog import Backlog
from media.relay.restream.rtmp import RtmpWay
from media.relay.restream.srt import SrtWay
from media.relay.restream.target import BadTarget, Target, read_target
from media.relay.workplace import Workplace
from schemas.relay import RestreamOrder

FORBIDDEN = "The address leads to a network that streams may not be sent to; an operator may allow it."
NOT_REACHED = "The other server cannot be reached."
SOURCE_AWAY = "The stream cannot be read right now."
OVER = "The stream is over."
LAST_WORDS_S = 5.0
"""How long the other server has for what was sent before the end."""


class Way(Protocol):
    """How it goes out."""

    @property
    def tracks(self) -> tuple[str, ...]:
        """What is to be read of the session."""

    async def run(self, backlog: Backlog, works: Callable[[], None], count: Callable[[int], None]) -> None:
        """Send what comes out of the backlog until its end. Raises `Setback`, `OSError`."""


class Restream(Job):
    """The job of a `RestreamOrder`."""

    kind = "restream"

    def __init__(self, workplace: Workplace, order: RestreamOrder) -> None:
        super().__init__(order.id, order.channel_name)
        self._workplace = workplace
        self._order = order

    async def attempt(self) -> None:
        """Connect both sides and send. Raises `Setback`."""
        target, order = self._target(), self._order
        way: Way = SrtWay(target, self._workplace.reach)
        if target.kind != "srt":
            way = RtmpWay(target, self._workplace.reach)
        backlog = Backlog()
        try:
            async with open_feed(self._workplace.http, order.origin_url, order.session_id, way.tracks) as feed:
                await race(_read(feed, backlog), way.run(backlog, self.works, self.count))
        except NoSuchFeed as error:
            raise Setback(OVER) from error
        except (FeedLost, Unavailable) as error:
            raise Setback(SOURCE_AWAY) from error
        except Forbidden as error:
            raise Setback(FORBIDDEN, is_lasting=True) from error
        except OSError as error:
            raise Setback(NOT_REACHED) from error
        finally:
            if backlog.dropped_packets:
                self._log.warning("target too slow", dropped_packets=backlog.dropped_packets)
        raise Setback(OVER)

    def _target(self) -> Target:
        try:
            return read_target(self._workplace.seal.open(self._order.url))
        except CannotOpen as error:
            raise Setback("The address cannot be read any more: set it again.", is_lasting=True) from error
        except BadTarget as error:
            raise Setback(str(error), is_lasting=True) from error


async def _read(feed: Feed, backlog: Backlog) -> None:
    """Take what ingest says, at once: it waits for nobody. Raises `FeedLost`."""
    async for message in feed:
        backlog.put(message)
        if isinstance(message, Ended):
            await asyncio.sleep(LAST_WORDS_S)
            return
