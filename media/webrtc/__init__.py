"""The webrtc process: WHIP publishers in, WHEP viewers out. Read `server.py` first."""
