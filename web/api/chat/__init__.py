"""Chat's settings and moderation over HTTP (`asking.py` first); what acts do is in chat/moderation."""
