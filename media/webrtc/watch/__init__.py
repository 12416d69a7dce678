"""WHEP: viewers of live sessions (draft-ietf-wish-whep). Packets are made once for all of a session's viewers.

`admission.py` is what the signalling sees: a place is asked for before an offer is answered (`answering.py`), and uses
its peer from then on. Behind it: `watching.py` (all watched sessions), `session.py` (one: its feed and its viewers),
`choice.py` (which tracks), `making.py` (the child that codes what browsers do not take), `stream.py` with
`packetiser.py` and `history.py` (RTP made once), `viewer.py` with `catching_up.py`, `sender.py`, `feedback.py` and
`reports.py` (what differs for each).
"""
