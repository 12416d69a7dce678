"""WHEP: viewers of live sessions (draft-ietf-wish-whep). Packets are made once for all of a session's viewers.

`admission.py` is what the signalling sees: a place is asked for before an offer is answered, and begun when the peer is
connected. Behind it: `channel.py` (one watched session: its feed, its tracks, its viewers), `choice.py` (which track),
`packetiser.py` and `history.py` (RTP made once), `viewer.py` (what differs for each), `opus_child.py` (sound).
"""
