"""Where segments, recordings, clips and pictures are kept for good: files, or a bucket of any S3-compatible server.

Read `store.py` first: the interface that both fulfil, and its errors. `opening.py` makes the stores of the settings.
"""
