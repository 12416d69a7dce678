"""Still pictures: thumbnails and storyboards of running streams, and the slate that is shown while a publisher is away.

One process for the whole node makes them all, from keyframes; when it falls, nothing but pictures are missing. Read
`link.py` first (ingest's side, with `stream.py` for what a viewer may fetch), then `worker.py` (the process).
"""
