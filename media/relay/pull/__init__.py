"""Streams fetched from elsewhere and published here. Read `job.py` first, then one kind of source, such as `http.py`.

The relay itself does all that has to do with networks, so that no bytes of a stranger decide where a connection goes.
What has to do with containers is done in a child without secrets (`worker.py`), which strangers may crash.
"""
