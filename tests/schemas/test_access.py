"""Tokens of who may watch."""

import re

import pytest

from schemas.access import TOKEN_MAX, TOKEN_PATTERN, Verdict, sign, verify

KEY = b"k" * 32
KEYS = {"abcd0123": KEY, "newer001": b"n" * 32}
TOKEN = sign("abcd0123", KEY, "vod:v1", 2_000)


def test_a_token_is_the_one_that_its_description_says() -> None:
    # the MAC by: printf %s vod:v1.2000 | openssl dgst -sha256 -hmac kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk -binary
    assert TOKEN == "abcd0123.2000.VDGYMgXyzbUazyNurE2VeSSI-9DVtUHc"
    assert re.fullmatch(TOKEN_PATTERN, TOKEN)


def test_a_token_opens_its_scope_until_it_expires() -> None:
    assert verify(KEYS, TOKEN, "vod:v1", 1_999.9) is Verdict.GOOD
    assert verify(KEYS, TOKEN, "vod:v1", 2_000.0) is Verdict.EXPIRED


@pytest.mark.parametrize("scope", ["vod:v2", "clip:v1", "channel:v1", "vod:v1.2000", ""])
def test_a_token_opens_nothing_else(scope: str) -> None:
    assert verify(KEYS, TOKEN, scope, 1_000) is Verdict.WRONG


@pytest.mark.parametrize(
    "changed",
    [
        TOKEN.replace(".2000.", ".2001."),
        TOKEN.replace("abcd0123", "newer001"),
        TOKEN.replace("abcd0123", "unknown1"),
        TOKEN[:-1] + ("A" if TOKEN[-1] != "A" else "B"),
    ],
)
def test_a_changed_token_is_wrong(changed: str) -> None:
    assert verify(KEYS, changed, "vod:v1", 1_000) is Verdict.WRONG


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abcd0123",
        TOKEN + "A",
        TOKEN[:-1],
        TOKEN.replace("2000", "2000000000000"),
        TOKEN.replace("2000", "٢000"),
        TOKEN.replace("abcd", "ABCD"),
        TOKEN.replace("abcd0123", "abc"),
        TOKEN + "\n",
        TOKEN.replace(".", "..", 1),
        "x" * (TOKEN_MAX + 1),
    ],
)
def test_what_has_another_shape_is_malformed(text: str) -> None:
    assert verify(KEYS, text, "vod:v1", 1_000) is Verdict.MALFORMED
