"""The event socket: `session` (one client, sans-IO), `room` (a channel's sockets), `hub` (this process's rooms)."""
