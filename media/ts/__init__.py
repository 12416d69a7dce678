"""MPEG transport streams: to packets (`demux.py`) and from packets (`mux.py`)."""
