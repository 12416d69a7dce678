"""Media: publishers in, packets through one timeline, a ladder of renditions, Low-Latency HLS out.

Read `server.py` (the ingest process), then `rtmp/server.py`, `session.py` (who is on the air), `pipeline.py` (what
becomes of it) and `hls/segmenter.py`.
"""
