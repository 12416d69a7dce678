"""Chat: what is said in channels, in one order for everybody, and who may say it.

Read `chat.py` first, which puts a process's chat together. A line goes through `sockets/` (the event socket) or
`irc/`, `speaking.py` and `log/`, comes back through `rooms/` (`hub.py` has those of this process, `tail.py` follows a
channel's log, `room.py` holds its members, `ring.py` its last events) and is written by `rooms/flusher.py`.
`moderation/` holds what moderators do, `keeping/` writes logs down, `store/` has the queries.
"""
