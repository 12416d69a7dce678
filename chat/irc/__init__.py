"""Chat for IRC clients, over TCP and `GET /ws/irc`, in the dialect of Twitch, so that its bots and libraries work here.

`connection.py` is one client, sans-IO; `talk.py` does what it asks; `dialect.py` writes what happens in a channel as
lines. Begin with `server.py`.
"""
