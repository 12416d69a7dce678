"""HLS from elsewhere (RFC 8216): `playlists.py` reads, `follower.py` decides, `source.py` fetches."""
