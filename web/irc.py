"""Chat for IRC clients, put together: what `chat/irc` asks of accounts and channels, answered by this service."""

from functools import partial

from aiohttp import web

from chat.conversation import Speak
from chat.hub import Hub
from chat.irc.formats import Formats, Rooms
from chat.irc.server import IrcServer
from chat.irc.talk import House, Named
from chat.places import Places
from chat.sources import StandingOf
from web.failures import AWAY
from web.identity import identify_token, may_read, recheck
from web.proxies import client_address, is_trusted
from web.services import Services
from web.store import channels


def make_irc(services: Services, *, hub: Hub, speak: Speak, standing_of: StandingOf, places: Places) -> IrcServer:
    """Return the IRC server of a process. Its places are those of the event sockets too."""
    rooms, trouble = Rooms(), services.troubles.note

    async def find_channel(name: str) -> Named | None:
        row = await channels.find(services.pool, name)
        # by its name only, as the rest of IRC knows it
        return Named(row.id, row.name) if row and row.name == name else None

    def address_of(request: web.Request) -> str:
        forwarded = request.headers.getall("X-Forwarded-For", ())
        return client_address(request.remote or "", forwarded, services.trusted_proxies)

    def address_of_peer(address: str) -> str:
        # All who come through a proxy of ours over TCP have its address: it says nothing of them.
        return "" if is_trusted(address, services.trusted_proxies) else address

    house = House(
        hub=hub,
        speak=speak,
        identify_token=partial(identify_token, services),
        recheck=partial(recheck, services),
        find_channel=find_channel,
        may_read=partial(may_read, services),
        standing_of=standing_of,
        places=places,
        rooms=rooms,
        formats=Formats(rooms, trouble),
        trouble=trouble,
        failures=AWAY,
    )

    def dropped(why: str) -> None:
        services.metrics.sockets_dropped.labels(why).inc()

    return IrcServer(house, address_of, address_of_peer, on_drop=dropped)
