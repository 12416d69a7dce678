"""A source that is called over SRT: `srt://HOST:PORT?streamid=…&passphrase=…&latency=…` (latency in milliseconds)."""

import asyncio
import socket
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TypeVar
from urllib.parse import parse_qsl, urlsplit

from config.addresses import Reach
from media.relay.job import Setback
from media.relay.pull.address import SourceAddress
from media.relay.pull.demuxing import Demuxing
from media.relay.pull.intake import Intake
from media.relay.pull.messages import Open
from media.relay.pull.streaming import demux
from media.srt.caller import LATENCY_MS, Caller, CallFailed
from media.srt.lib import NoLibrary

MOST_LATENCY_MS = 8_000
"""More is meant in microseconds, as FFmpeg has it."""
RECEIVE_S = 2.0
"""A call that waits for data ends after this and is made again; the intake's patience ends the source."""
MAX_PARAMS = 20

T = TypeVar("T")


class SrtSource:
    """One listener elsewhere."""

    def __init__(self, address: SourceAddress, reach: Reach) -> None:
        self._address = address
        self._reach = reach

    async def run(self, intake: Intake) -> None:
        """Call and receive until the other side ends. Raises `Setback`, `Forbidden`."""
        address = await self._resolved()
        thread = ThreadPoolExecutor(1, "srt pull")
        connecting = thread.submit(partial(self._connect, address))
        try:
            caller = await _answer(connecting)

            async def feed(demuxing: Demuxing) -> None:
                await demuxing.open(Open())
                while True:
                    data = await _answer(thread.submit(_receive, caller))
                    intake.count(len(data))
                    if data:
                        await demuxing.write(data)

            await demux(intake, feed)
        finally:
            connecting.add_done_callback(_hang_up)  # also of a call that is answered after we gave it up
            thread.shutdown(wait=False)

    async def _resolved(self) -> str:
        try:
            infos = await self._reach.resolve(self._address.host, self._address.port, kind=socket.SOCK_DGRAM)
        except socket.gaierror as error:
            raise Setback("There is no server of that name.") from error
        except TimeoutError as error:
            raise Setback("The server's name cannot be looked up.") from error
        return infos[0][4][0]

    def _connect(self, address: str) -> Caller:
        params = _params(self._address.url)
        return Caller.connect(
            address,
            self._address.port,
            streamid=params.get("streamid", ""),
            passphrase=params.get("passphrase", ""),
            latency_ms=_latency_ms(params.get("latency", "")),
            wait_s=RECEIVE_S,
        )


async def _answer(call: Future[T]) -> T:
    """Wait for a call in the thread. Raises `Setback`."""
    try:
        return await asyncio.wrap_future(call)
    except CallFailed as error:
        raise Setback(f"SRT: {error}.") from error
    except ValueError as error:
        raise Setback(f"SRT: {error}.", is_lasting=True) from error
    except NoLibrary as error:
        raise Setback("SRT is not available on this server.", is_lasting=True) from error


def _receive(caller: Caller) -> bytes:
    try:
        return caller.receive()
    except TimeoutError:
        return b""


def _hang_up(connecting: Future[Caller]) -> None:
    if not connecting.cancelled() and connecting.exception() is None:
        connecting.result().close()


def _params(url: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(urlsplit(url).query, max_num_fields=MAX_PARAMS))
    except ValueError:
        return {}


def _latency_ms(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else LATENCY_MS
    return number if number <= MOST_LATENCY_MS else min(number // 1000, MOST_LATENCY_MS)
