"""The storage process: what ingest left in the spool goes to an object store for good, and web is told of it.

Read `server.py` first, then `keeping.py`, its work; `stream.py` is one session, `catalog.py` what its journal says is
to be stored, `ledger.py` what is confirmed, `telling.py` what web hears. `uploads.py` puts, `eviction.py` clears.
"""
