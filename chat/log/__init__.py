"""The log of each channel in Redis: appends, reads, subscriptions (`log.py` first)."""
