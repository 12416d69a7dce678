"""What moderators set and do, and what becomes of messages that may not be said at once (`moderation.py` first)."""
