"""The chat rooms of a web process, put together: what `chat` asks of accounts and channels is answered by `web`."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial

from aiohttp import web

from chat.irc.formats import Formats
from chat.irc.formats import Rooms as IrcRooms
from chat.irc.server import IrcServer
from chat.irc.talk import House, Named
from chat.log.listener import Listener
from chat.rooms.hub import Hub
from chat.rooms.metrics import ChatMetrics
from chat.rooms.presence import Presence
from chat.rooms.sources import Sources
from chat.rooms.states import ChannelState
from chat.sockets.handler import Doors, SocketServer
from chat.sockets.places import Places
from schemas.chat import Pinned
from schemas.ids import ChannelId
from web.failures import AWAY
from web.identity import identify_socket, identify_token, may_read, recheck
from web.proxies import address_of, is_trusted
from web.services import Services
from web.store import channels
from web.store.channels import ChannelRow


class Rooms:
    """One per process that has sockets or IRC clients: both are in the same rooms and share their places."""

    def __init__(self, services: Services) -> None:
        self._services = services
        redis_url, trouble = services.settings.redis_url, services.troubles.note
        assert redis_url is not None
        self._metrics = ChatMetrics(services.metrics.registry)
        self._places = Places(services.settings.chat_sockets)
        self.hub = Hub(
            services.redis,
            services.chat.log,
            lambda entry, moderators, fresh: Listener(redis_url, entry, moderators, fresh, trouble),
            self._sources(),
            trouble=trouble,
            metrics=self._metrics,
        )
        services.chat.follow(self.hub)
        self._presence = Presence(services.redis, self.hub, trouble)

    async def run(self) -> None:
        """Follow the logs and say who is here, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.hub.run(), name="hub")
            tasks.create_task(self._presence.run(), name="presence")

    def sockets(self) -> SocketServer:
        """Return what serves the event sockets."""
        services = self._services
        doors = Doors(
            identify=partial(identify_socket, services),
            recheck=partial(recheck, services),
            address_of=self._address_of,
            places=self._places,
        )
        speak = services.chat.speaking.say
        server = SocketServer(self.hub, speak, doors, metrics=self._metrics, on_drop=self._dropped)
        services.metrics.sockets.set_function(lambda: server.count)
        return server

    def irc(self) -> IrcServer:
        """Return what serves IRC clients."""
        services, rooms = self._services, IrcRooms()
        house = House(
            hub=self.hub,
            speak=services.chat.speaking.say,
            identify_token=partial(identify_token, services),
            recheck=partial(recheck, services),
            find_channel=self._find_channel,
            may_read=partial(may_read, services),
            standing_of=services.chat.standings.of,
            places=self._places,
            rooms=rooms,
            formats=Formats(rooms, services.troubles.note),
            trouble=services.troubles.note,
            failures=AWAY,
        )
        return IrcServer(house, self._address_of, self._address_of_peer, on_drop=self._dropped)

    def _sources(self) -> Sources:
        services = self._services
        return Sources(
            read_states=self._read_states,
            may_read=partial(may_read, services),
            standing_of=services.chat.standings.of,
            you_of=services.chat.standings.you,
            settings_of=services.chat.settings.of,
            pinned_of=self._pinned_of,
            failures=AWAY,
        )

    async def _read_states(self, ids: Sequence[ChannelId]) -> Mapping[ChannelId, ChannelState]:
        rows = await channels.find_many(self._services.pool, list(ids))
        return {row.id: _state_of(row, self._services.settings.grace_s) for row in rows}

    async def _pinned_of(self, channel: ChannelId) -> Pinned | None:
        return await self._services.chat.moderation.messages.pinned(channel)

    async def _find_channel(self, name: str) -> Named | None:
        row = await channels.find(self._services.pool, name)
        # by its name only, as the rest of IRC knows it
        return Named(row.id, row.name) if row and row.name == name else None

    def _address_of(self, request: web.BaseRequest) -> str:
        return self._address_of_peer(address_of(request, self._services.trusted_proxies))

    def _address_of_peer(self, address: str) -> str:
        # All who come through a proxy of ours that names nobody have its address: it says nothing of them.
        return "" if is_trusted(address, self._services.trusted_proxies) else address

    def _dropped(self, why: str) -> None:
        self._services.metrics.sockets_dropped.labels(why).inc()


def _state_of(row: ChannelRow, grace_s: float) -> ChannelState:
    lost_at = row.interrupted_at
    returns_until_ms = None if lost_at is None else round((lost_at.timestamp() + grace_s) * 1000)
    return ChannelState(row.session_id, row.live_at, row.viewer_count, returns_until_ms)
