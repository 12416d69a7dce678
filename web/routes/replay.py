"""Chat beside recordings and clips."""

from web.calls import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = ()
