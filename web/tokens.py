"""Secrets that clients hold: session tokens, access tokens, tickets, stream keys. Only their SHA-256 is stored."""

import hashlib
import secrets

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_KEY_DIGITS = 32  # 160 bits
KEY_PREFIX = "live_"
ACCESS_PREFIX = "tally_"
TICKET_PREFIX = "once_"
SESSION_TOKEN_MAX = 100
"""Longer values are no token of ours and are not worth hashing."""


def make_session_token() -> str:
    """Return a new session token of 256 bits."""
    return secrets.token_urlsafe(32)


def make_stream_key() -> str:
    """Return a new stream key: readable aloud, safe in URLs and in encoders' settings."""
    return KEY_PREFIX + _digits()


def make_access_token() -> str:
    """Return a new token for programs. Lower case: IRC libraries (tmi.js) lower what they send as a password."""
    return ACCESS_PREFIX + _digits()


def make_ticket() -> str:
    """Return a new ticket, which opens one socket."""
    return TICKET_PREFIX + _digits()


def _digits() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_KEY_DIGITS))


def digest(secret: str) -> bytes:
    """Return what is stored of a secret. The secrets are chance of 160 bits or more, so one fast round is enough."""
    return hashlib.sha256(secret.encode()).digest()
