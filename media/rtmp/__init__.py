"""RTMP: a sans-IO core (`handshake`, `chunks`, `amf`, `connection`, `flv`) under one asyncio shell (`server`).

The other direction is `publisher` (core), `tags` and `client` (shell). Read `server.py`, then `connection.py`.
"""
