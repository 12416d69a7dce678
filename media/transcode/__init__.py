"""The ladder: renditions of other sizes, made by one child process for each stream so that FFmpeg can fall alone.

Read `ladder.py` (which rungs a source gets), then `transcoder.py` (the ingest side) and `worker.py` (the child).
"""
