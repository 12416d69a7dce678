"""Secrets that clients hold."""

import hashlib
import re

from web.tokens import SESSION_TOKEN_MAX, digest, make_session_token, make_stream_key


def test_a_stream_key_has_160_bits_that_are_safe_in_urls() -> None:
    keys = {make_stream_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(re.fullmatch("live_[0-9abcdefghjkmnpqrstvwxyz]{32}", key) for key in keys)


def test_a_session_token_has_256_bits() -> None:
    token = make_session_token()
    assert len(token) == 43
    assert len(token) <= SESSION_TOKEN_MAX
    assert token != make_session_token()


def test_what_is_stored_is_the_sha256() -> None:
    assert digest("live_x") == hashlib.sha256(b"live_x").digest()
