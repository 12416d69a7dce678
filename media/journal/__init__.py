"""The journal of a session: how its `lines` look, who reads them (`reader`) and who writes them (`writer`).

What is in them, and what lies beside them, is in `schemas/journal.py`: read that first.
"""
