"""Media: publishers in, packets through one timeline, Low-Latency HLS out.

Read `server.py` (the ingest process), then `rtmp/server.py`, `publication.py` and `hls/segmenter.py`.
"""
