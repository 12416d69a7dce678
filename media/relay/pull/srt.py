"""A source that is called over SRT: `srt://HOST:PORT?streamid=…&passphrase=…&latency=…` (latency in milliseconds)."""

import socket

from config.addresses import Reach
from media.relay.calling import Call, calling, read_call
from media.relay.job import Setback
from media.relay.pull.address import SourceAddress
from media.relay.pull.demuxing import Demuxing
from media.relay.pull.intake import Intake
from media.relay.pull.messages import Open
from media.relay.pull.streaming import demux
from media.srt.caller import CallFailed
from media.srt.lib import NoLibrary

RECEIVE_S = 2.0
"""A call that waits for data ends after this and is made again; the intake's patience ends the source."""


class SrtSource:
    """One listener elsewhere."""

    def __init__(self, address: SourceAddress, reach: Reach) -> None:
        self._address = address
        self._reach = reach

    async def run(self, intake: Intake) -> None:
        """Call and receive until the other side ends. Raises `Setback`, `Forbidden`."""
        try:
            async with calling(self._reach, read_call(self._address.url), wait_s=RECEIVE_S) as call:
                await _receive(call, intake)
        except CallFailed as error:
            raise Setback(f"SRT: {error}.") from error
        except ValueError as error:
            raise Setback(f"SRT: {error}.", is_lasting=True) from error
        except NoLibrary as error:
            raise Setback("SRT is not available on this server.", is_lasting=True) from error
        except socket.gaierror as error:
            raise Setback("There is no server of that name.") from error
        except TimeoutError as error:
            raise Setback("The server's name cannot be looked up.") from error


async def _receive(call: Call, intake: Intake) -> None:
    async def feed(demuxing: Demuxing) -> None:
        await demuxing.open(Open())
        while True:
            data = await call.receive()
            intake.count(len(data))
            if data:
                await demuxing.write(data)

    await demux(intake, feed)
