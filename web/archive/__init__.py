"""What viewers fetch of the past: rewind of live streams, recordings, clips; out of rows and the object store.

Read `archive.py` first (one file of one of them), then `timelines.py` (rows that become lines of playlists, once) and
`playlists.py`. `shelf.py` says what recordings and clips there are and who may see them; `objects.py` reads the store.
"""
