"""The event socket `/ws/chat`.

`session.py` is one client without the socket, `conversation.py` its life, `handler.py` all of them.
"""
