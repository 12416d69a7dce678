"""WHIP and WHEP as the public port answers them: `gateway.py` hands each request to the webrtc process that has it,
`nodes.py` knows those processes by their heartbeats.
"""
