"""Tokens and bots, for programs; tickets for sockets."""

from web.calls import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = ()
