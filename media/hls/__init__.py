"""Packaging: fMP4 boxes (`boxes`), parts and segments (`segmenter`), the live window (`window`)."""
