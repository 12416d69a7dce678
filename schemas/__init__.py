"""Shapes and their wire forms: everything that crosses a process or a socket. No I/O lives here.

Read `api.py` (the HTTP API), `ingest.py` (what ingest and web tell each other) and `socket.py` (the event
socket) first; `playlist.py` writes HLS playlists, `openapi.py` the API's document, `sql/` the tables.
"""
