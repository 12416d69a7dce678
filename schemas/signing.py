"""Signatures of the internal callbacks: HMAC-SHA256 over `timestamp.body` with TALLY_SECRET."""

import hashlib
import hmac
from enum import Enum

TIMESTAMP_HEADER = "Tally-Timestamp"
SIGNATURE_HEADER = "Tally-Signature"
MAX_AGE_S = 60
"""A request older or newer than this is refused, which also bounds how long replays are remembered."""


class Verdict(Enum):
    """What a signature turned out to be."""

    GOOD = "good"
    UNSIGNED = "unsigned"
    STALE = "stale"
    FORGED = "forged"


def sign(secret: str, timestamp_s: int, body: bytes) -> str:
    """Return the value of `SIGNATURE_HEADER`: `v1=` and 64 hexadecimal digits."""
    digest = hmac.new(secret.encode(), b"%d." % timestamp_s + body, hashlib.sha256)
    return "v1=" + digest.hexdigest()


def verify(secret: str, timestamp: str | None, signature: str | None, body: bytes, *, now_s: float) -> Verdict:
    """Judge the two headers of a request. Replays are the caller's to find: a signature is good only once."""
    if not timestamp or not signature:
        return Verdict.UNSIGNED
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        return Verdict.FORGED
    if not hmac.compare_digest(sign(secret, int(timestamp), body).encode(), signature.encode()):
        return Verdict.FORGED
    if abs(now_s - int(timestamp)) > MAX_AGE_S:
        return Verdict.STALE
    return Verdict.GOOD
