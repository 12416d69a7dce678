"""One pull: the order's source is opened and read until it fails, and opened again after a pause.

Kinds of sources are in their own files and have one shape: an object made of the address, with `run(intake)`, which
returns when the source has ended properly and raises `Setback` otherwise.
"""

from typing import Protocol

from config.addresses import Forbidden
from config.sealing import CannotOpen
from media.publication import PublishAttempt
from media.relay.job import Job, Setback
from media.relay.pull.address import BadSource, SourceAddress, read_source
from media.relay.pull.file import FileSource
from media.relay.pull.http import HttpSource
from media.relay.pull.intake import Intake
from media.relay.pull.played import Played
from media.relay.pull.rtmp import RtmpSource
from media.relay.pull.rtsp import RtspSource
from media.relay.pull.srt import SrtSource
from media.relay.pull.udp import UdpSource
from media.relay.racing import race
from media.relay.workplace import Workplace
from schemas.relay import PullOrder, RestreamOrder

FORBIDDEN = "The address leads to a network that streams may not be fetched from; an operator may allow it."
PRIORITY = -1
"""Of what is fetched: a person who publishes to the channel takes over, and gives it back by leaving."""
TURNED_OFF = "The stream is no longer fetched."


class Source(Protocol):
    """What is pulled."""

    async def run(self, intake: Intake) -> None:
        """Give everything to `intake.take`; return at the end. Raises `Setback`, `Forbidden`."""


class Pull(Job):
    """The job of a `PullOrder`."""

    kind = "pull"

    def __init__(self, workplace: Workplace, order: PullOrder) -> None:
        super().__init__(order.id, order.channel_name)
        self._workplace = workplace
        self._order = order
        self._played = Played()

    def renew(self, order: PullOrder | RestreamOrder) -> None:
        """Publish with the newest ticket from the next try on."""
        assert isinstance(order, PullOrder)
        self._order = order

    async def attempt(self) -> None:
        """Open the source and read it. Raises `Setback`."""
        address = self._address()
        attempt = PublishAttempt(
            protocol="pull",
            key=self._order.ticket,
            params={"priority": str(PRIORITY)},
            remote_address="127.0.0.1",
            encoder=f"pull of {address.kind}",
        )
        intake = Intake(self, self._workplace.http, self._workplace.origin_url, attempt)
        reason, is_lost = TURNED_OFF, not self.is_over
        try:
            await race(self._source(address).run(intake), intake.watch())
            reason, is_lost = "The source has ended.", False
        except Forbidden as error:
            reason, is_lost = FORBIDDEN, True
            raise Setback(FORBIDDEN, is_lasting=True) from error
        except Setback as setback:
            reason, is_lost = setback.reason, True
            raise
        finally:
            await intake.end(reason, is_lost=is_lost and not self.is_over)
        raise Setback("The source has ended.", is_lasting=True)

    def _address(self) -> SourceAddress:
        try:
            return read_source(self._workplace.seal.open(self._order.url), is_trusted=self._order.is_trusted)
        except CannotOpen as error:
            raise Setback("The address cannot be read any more: set it again.", is_lasting=True) from error
        except BadSource as error:
            raise Setback(str(error), is_lasting=True) from error

    def _source(self, address: SourceAddress) -> Source:
        reach = self._workplace.reach
        match address.kind:
            case "http" | "https":
                return HttpSource(address, reach, self._played)
            case "rtmp" | "rtmps":
                return RtmpSource(address, reach)
            case "rtsp" | "rtsps":
                return RtspSource(address, reach)
            case "srt":
                return SrtSource(address, reach)
            case "udp":
                return UdpSource(address)
            case _:
                return FileSource(address, self._workplace.files)
