"""HLS delivery: a thin HTTP/1.1 server on httptools in front of the ingest nodes' origins and of the archive.

Read `front.py` first (the public port and who gets a connection), then `delivery.py` (one request: memory, flight, who
may have it) and `sources.py` (origin, archive). `targets.py` and `heads.py` say what is asked, `entries.py` and
`answers.py` what is answered.
"""
