"""Tickets with which an owner's page publishes: the stream key itself is stored hashed, so no page can know it.

ticket = ticket_{channelId}.{token of schemas/access.py, for the scope publish:{channelId}}
"""

from typing import Final

from schemas import api
from schemas.ids import ChannelId
from schemas.ingest import PublishRequest
from web.calls import Call
from web.services import Services

PREFIX: Final = "ticket_"
LIFETIME_S: Final = 60
"""From the click to the publish callback; a page that connects again asks for another."""


def scope_of_publish(channel: ChannelId) -> str:
    """Return what a ticket's token is signed for."""
    return f"publish:{channel}"


async def make_publish_ticket(call: Call[None]) -> api.PublishTicket:
    """Make a ticket for my channel."""
    channel = call.channel.id
    token = call.services.access.sign(scope_of_publish(channel), LIFETIME_S)
    return api.PublishTicket(f"{PREFIX}{channel}.{token.text}", token.expires_at)


async def read_ticket(services: Services, request: PublishRequest) -> ChannelId | None:
    """Return the channel that a publisher's key is a good ticket of; None for what is none."""
    if request.protocol != "whip" or not request.key.startswith(PREFIX):
        return None
    channel, _, token = request.key.removeprefix(PREFIX).partition(".")
    is_good = await services.access.verify(token, scope_of_publish(ChannelId(channel)))
    return ChannelId(channel) if is_good else None
