"""Emotes."""

from web.calls import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = ()
