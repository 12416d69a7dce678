"""The relay process: streams fetched from elsewhere, and sources sent on to other servers. Read `server.py` first."""
