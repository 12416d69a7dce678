"""WHIP (RFC 9725): publishers. Read `publisher.py` first."""
