"""The rooms of a process: what happens in a channel, kept in memory and sent to everybody who is there.

Begin with `hub.py`.
"""
