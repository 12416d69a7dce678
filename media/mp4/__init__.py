"""MP4 files for downloads: our own fMP4 segments read back, and written as one flat file (ISO/IEC 14496-12).

Read `segments.py` (what a stored segment holds), `tables.py` (the samples of a track), `movie.py` (the boxes), then the
two forms: `streamed.py` (one pass, moov at the end) and `faststart.py` (moov first).
"""
