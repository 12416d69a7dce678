"""`tally edge`: configurations of caches in front of this installation.

Read `plan.py` first (what is asked and what follows from the settings), then `nginx.py`, `varnish.py` or `caddy.py`
with the template beside each. The comments in what is printed are the documentation for operators.
"""
