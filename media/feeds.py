"""A session's packets for whoever wants them live: players of SRT and RTMP, and the processes beside ingest."""
