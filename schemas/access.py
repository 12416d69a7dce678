"""Who may watch, and the tokens that prove it to delivery and to caches in front of it.

A token stands in the path, so that relative URIs in playlists carry it on and caches can cut it out of their keys:

    /hls/~{token}/{channel}/...   /vods/~{token}/{vodId}/...   /clips/~{token}/{clipId}/...

    token = {key id}.{expiry, seconds since the epoch, decimal}.{base64url of HMAC-SHA256(key, scope.expiry)[:24]}

`scope` is what it opens: `channel:{channelId}`, `vod:{vodId}` or `clip:{clipId}`; it follows from the path, so it is
not in the token. Keys are named, so that they can be replaced while the tokens of the one before still hold.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from enum import Enum
from typing import Literal, get_args

Visibility = Literal["public", "followers", "subscribers", "private"]
"""Everybody; who follows the channel; who subscribes to it; who has a signed URL. Owners and administrators always."""
VISIBILITIES: tuple[Visibility, ...] = get_args(Visibility)
MAC_BYTES = 24
"""192 bits of the MAC."""
TOKEN_MAX = 80
TOKEN_PATTERN = r"[a-z0-9]{4,16}\.[0-9]{1,12}\.[A-Za-z0-9_-]{32}"  # noqa: S105 (a shape, no token)
_TOKEN = re.compile(TOKEN_PATTERN, re.ASCII)


class Verdict(Enum):
    """What a token is worth."""

    GOOD = "good"
    MALFORMED = "malformed"
    EXPIRED = "expired"
    WRONG = "wrong"


def sign(key_id: str, key: bytes, scope: str, expires_s: int) -> str:
    """Return the token that opens a scope until that time."""
    return f"{key_id}.{expires_s}.{_mac(key, scope, expires_s)}"


def verify(keys: Mapping[str, bytes], token: str, scope: str, now_s: float) -> Verdict:
    """Return whether a token opens the scope now; `keys` by their ids."""
    if len(token) > TOKEN_MAX or _TOKEN.fullmatch(token) is None:
        return Verdict.MALFORMED
    key_id, expires_s, mac = token.split(".")
    key = keys.get(key_id)
    if key is None or not hmac.compare_digest(_mac(key, scope, int(expires_s)), mac):
        return Verdict.WRONG
    return Verdict.GOOD if now_s < int(expires_s) else Verdict.EXPIRED


def _mac(key: bytes, scope: str, expires_s: int) -> str:
    whole = hmac.new(key, f"{scope}.{expires_s}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(whole[:MAC_BYTES]).decode("ascii")
