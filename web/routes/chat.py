"""Chat and its moderation."""

from web.calls import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = ()
