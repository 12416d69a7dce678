"""Clips with exact edges: a child process cuts and codes anew what no playlist over whole segments can show.

Read `messages.py` (what the child is asked and answers), `edges.py` (what a clip needs of a track), `recoding.py`
(pictures coded anew), `worker.py` (the child), and `making.py` (how the storage process has it done).
"""
