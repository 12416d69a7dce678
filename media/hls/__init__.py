"""Packaging: what a stream promises (`planner`), its parts and segments (`segmenter`, with a `fragmenter` for each
rendition, writing `boxes`), and what viewers may fetch of them (`window`). Read `segmenter.py` first.
"""
