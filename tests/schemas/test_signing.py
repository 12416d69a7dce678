"""Signatures of callbacks."""

import hashlib
import hmac

import pytest

from schemas.signing import MAX_AGE_S, Verdict, sign, verify

SECRET = "s3cret"
BODY = b'{"requestId":"1"}'
AT = 1_700_000_000


def test_a_signature_is_an_hmac_of_time_and_body() -> None:
    expected = hmac.new(b"s3cret", b"1700000000." + BODY, hashlib.sha256).hexdigest()
    assert sign(SECRET, AT, BODY) == f"v1={expected}"


@pytest.mark.parametrize("age_s", [-MAX_AGE_S, 0, MAX_AGE_S])
def test_a_fresh_signature_is_good(age_s: int) -> None:
    assert verify(SECRET, str(AT), sign(SECRET, AT, BODY), BODY, now_s=AT + age_s) is Verdict.GOOD


@pytest.mark.parametrize("age_s", [-MAX_AGE_S - 1, MAX_AGE_S + 1])
def test_an_old_or_future_signature_is_stale(age_s: int) -> None:
    assert verify(SECRET, str(AT), sign(SECRET, AT, BODY), BODY, now_s=AT + age_s) is Verdict.STALE


@pytest.mark.parametrize(
    ("timestamp", "signature", "body"),
    [
        (str(AT), sign("other", AT, BODY), BODY),
        (str(AT), sign(SECRET, AT, BODY), BODY + b" "),
        (str(AT + 1), sign(SECRET, AT, BODY), BODY),
        ("now", sign(SECRET, AT, BODY), BODY),
        ("1" * 13, sign(SECRET, AT, BODY), BODY),
        ("\u0661", sign(SECRET, AT, BODY), BODY),
        (str(AT), sign(SECRET, AT, BODY)[3:], BODY),
        (str(AT), "v1=\u00e9", BODY),
    ],
)
def test_anything_else_is_forged(timestamp: str, signature: str, body: bytes) -> None:
    assert verify(SECRET, timestamp, signature, body, now_s=AT) is Verdict.FORGED


@pytest.mark.parametrize(("timestamp", "signature"), [(None, "v1=0"), (str(AT), None), ("", ""), (None, None)])
def test_without_headers_it_is_unsigned(timestamp: str | None, signature: str | None) -> None:
    assert verify(SECRET, timestamp, signature, BODY, now_s=AT) is Verdict.UNSIGNED
