"""Packaging: what a stream promises (`planner`), its parts and segments (`segmenter` for the leading rendition, a
`follower` for each other one, a `fragmenter` for both, writing `boxes`), and what viewers may fetch of them (`window`).
Read `segmenter.py` first.
"""
