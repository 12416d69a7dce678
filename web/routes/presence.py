"""Who is in the chats right now."""

from web.calls import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = ()
