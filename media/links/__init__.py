"""The way between ingest and the media processes beside it: live packets out (`feed`), a publisher's packets in.

`messages.py` says what is said; `client.py` is for the other processes; `server.py` is ingest's side, in the origin;
`outbox.py` is what either side has yet to send.
"""
