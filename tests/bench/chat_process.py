"""The chat process under measurement: event sockets over a real log, without a database.

`python -m tests.bench.chat_process REDIS_URL [TICK_MS]` prints its port. Everybody may read everything. TICK_MS: passes
are not nearer to each other than this.
"""

import asyncio
import sys
from collections.abc import Mapping, Sequence

import uvloop
from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest

from chat.log.listener import Listener
from chat.log.log import ChatLog
from chat.log.recall import Recalled, modes_of
from chat.people import Identity, Person, Standing
from chat.rooms import flusher
from chat.rooms.hub import Hub
from chat.rooms.metrics import ChatMetrics
from chat.rooms.sources import Sources
from chat.rooms.states import ChannelState
from chat.sockets.handler import Doors, SocketServer
from chat.sockets.places import Places
from chat.speaking import Said
from chat.standings import NOBODY
from config.redis import connect
from schemas.chat import ChatSettings, Pinned, You
from schemas.ids import ChannelId
from schemas.socket import Ack, Held

SOCKETS_MAX = 20_000
BACKLOG = 4096


async def _read_states(ids: Sequence[ChannelId]) -> Mapping[ChannelId, ChannelState]:
    return dict.fromkeys(ids, ChannelState(None, None, 0))


async def _may_read(_who: Identity | None, _channel: ChannelId, _key: str | None) -> bool:
    return True


async def _standing_of(_person: Person, _channel: ChannelId) -> Standing:
    return Standing("viewer", [], None, 0, 0, False)


async def _you_of(_person: Person | None, _channel: ChannelId, _banned_until: int | None) -> You:
    return NOBODY


async def _settings_of(_channel: ChannelId) -> ChatSettings:
    return ChatSettings()


async def _pinned_of(_channel: ChannelId) -> Pinned | None:
    return None


async def recall(_channel: ChannelId) -> Recalled:
    """Begin every log anew."""
    return Recalled(0, {}, modes_of(ChatSettings(), 0))


async def _identify(_request: web.Request) -> Identity | None:
    return None


async def _recheck(identity: Identity) -> Identity | None:
    return identity


async def _speak(_identity: Identity | None, said: Said) -> Ack | Held:
    return Ack(said.channel_id, said.key)


def _trouble(subject: str, error: BaseException) -> None:
    print(subject, repr(error), file=sys.stderr, flush=True)


async def main(redis_url: str, tick_ms: int) -> None:
    """Serve until killed."""
    if tick_ms:
        flusher.TICK_MIN_S = tick_ms / 1000  # type: ignore[misc]  # the constant of the product, for a measurement
    registry = CollectorRegistry()
    metrics = ChatMetrics(registry)
    log = ChatLog(redis_url, recall, _trouble)
    sources = Sources(
        read_states=_read_states,
        may_read=_may_read,
        standing_of=_standing_of,
        you_of=_you_of,
        settings_of=_settings_of,
        pinned_of=_pinned_of,
    )
    hub = Hub(
        connect(redis_url),
        log,
        lambda entry, moderators, fresh: Listener(redis_url, entry, moderators, fresh, _trouble),
        sources,
        trouble=_trouble,
        metrics=metrics,
    )
    doors = Doors(identify=_identify, recheck=_recheck, address_of=lambda _: "", places=Places(SOCKETS_MAX))
    sockets = SocketServer(hub, _speak, doors, metrics=metrics, on_drop=lambda why: _trouble("drop", Exception(why)))

    async def counters(_request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry))

    application = web.Application()
    application.router.add_get("/ws/chat", sockets.handle, allow_head=False)
    application.router.add_get("/counters", counters)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    assert runner.server is not None
    async with asyncio.TaskGroup() as tasks:
        for work in (log.run(), hub.run(), sockets.run()):
            tasks.create_task(work)
        server = await asyncio.get_running_loop().create_server(runner.server, "127.0.0.1", 0, backlog=BACKLOG)
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0))
