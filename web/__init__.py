"""The web service: API, pages, HLS delivery and sockets behind one public port. `app.py` shows every route."""
