"""From the channels' logs in Redis into PostgreSQL, and back out again (`keeper.py` first).

`batch.py` makes rows of entries, `partitions.py` the tables they go to, `history.py` the pages people read: what is in
PostgreSQL, and what is only in the log so far. The SQL is in `chat/store`.
"""
