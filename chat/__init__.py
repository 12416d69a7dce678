"""Chat: what is said in channels, in one order for everybody, and who may say it.

Read `chat.py` first, which puts a process's chat together. A line goes through `conversation.py` (an event socket) or
`irc/`, `speaking.py` and `log/`, comes back through `hub.py` (this process's rooms: `tail.py` follows a channel's log,
`room.py` holds its members, `ring.py` its last events) and is written by `flusher.py`. `moderation/` holds what
moderators do, `keeping/` writes logs down, `store/` has the queries.
"""
