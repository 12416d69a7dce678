"""What the handlers of one web process share."""

from dataclasses import dataclass
from functools import cached_property

from aiohttp import web
from redis.asyncio import Redis

from chat.chat import Chat
from config.objects.opening import Stores
from config.postgres import Pool
from config.sealing import Seal
from config.settings import Settings
from web.access import AccessKeys
from web.archive.moments import Recordings
from web.events import Events
from web.metrics import Metrics, Troubles
from web.passwords import Passwords
from web.proxies import Network, read_networks
from web.viewers import Viewers
from web.webrtc.nodes import Nodes


@dataclass(frozen=True, kw_only=True)
class Services:
    """Made once at start-up (`web/server.py`), handed to every handler."""

    settings: Settings
    pool: Pool
    redis: Redis
    passwords: Passwords
    viewers: Viewers
    events: Events
    metrics: Metrics
    troubles: Troubles
    access: AccessKeys
    stores: Stores
    nodes: Nodes
    seal: Seal
    chat: Chat
    recordings: Recordings

    @cached_property
    def trusted_proxies(self) -> list[Network]:
        """Whose word on their clients' addresses is believed."""
        return read_networks(self.settings.trusted_proxies)


SERVICES = web.AppKey("services", Services)
