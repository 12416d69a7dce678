"""Passwords."""

import asyncio

import argon2
import pytest

from schemas.api import PASSWORD_MIN
from schemas.errors import ApiError, ErrorCode
from web import passwords
from web.passwords import COMMON, Passwords, refuse_weak


@pytest.mark.parametrize("password", ["correct horse staple", "xkqzv-1290-plm", "8374629187", "ünïcödé-phrase"])
def test_uncommon_passwords_are_taken(password: str) -> None:
    refuse_weak(password, "alice")


@pytest.mark.parametrize(
    "password",
    ["Password123", "1234567890", "QWERTYUIOP", "aaaaaaaaaaaa", "abababababab", "alice12345", "alicealice1!"],
)
def test_guessable_passwords_are_refused(password: str) -> None:
    with pytest.raises(ApiError) as refused:
        refuse_weak(password, "alice")
    assert refused.value.body.code is ErrorCode.INVALID_REQUEST
    assert list(refused.value.body.fields or {}) == ["password"]


def test_the_list_has_no_line_that_could_never_match() -> None:
    lines = COMMON.read_text("utf-8").splitlines()
    assert len(lines) > 300
    assert [line for line in lines if len(line) < PASSWORD_MIN or line != line.casefold()] == []
    assert len(set(lines)) == len(lines)


async def test_a_password_fits_its_own_hash_only() -> None:
    hasher = Passwords()
    try:
        stored = await hasher.hash("a-good-enough-password")
        assert stored.startswith("$argon2id$")
        assert await hasher.verify(stored, "a-good-enough-password")
        assert not await hasher.verify(stored, "a-good-enough-passworD")
        assert not await hasher.verify(None, "a-good-enough-password")
        assert not await hasher.verify("no hash at all", "a-good-enough-password")
        assert not hasher.is_outdated(stored)
        assert hasher.is_outdated(
            "$argon2id$v=19$m=65536,t=3,p=4$MTIzNDU2Nzg$MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI"
        )
    finally:
        hasher.close()


async def test_no_account_costs_the_work_of_a_wrong_password(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    real = argon2.PasswordHasher.verify

    def verify(hasher: argon2.PasswordHasher, stored: str, password: str) -> bool:
        checked.append(argon2.extract_parameters(stored).type.name)
        return real(hasher, stored, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", verify)
    hasher = Passwords()
    try:
        assert not await hasher.verify(None, "anything")
    finally:
        hasher.close()
    assert checked == ["ID"]


async def test_a_crowd_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "WAITING_MAX", 2)
    hasher = Passwords()
    try:
        outcomes = await asyncio.gather(*(hasher.hash("x") for _ in range(5)), return_exceptions=True)
        refused = [outcome for outcome in outcomes if isinstance(outcome, ApiError)]
        assert (len(outcomes) - len(refused), len(refused)) == (2, 3)
        assert {error.body.code for error in refused} == {ErrorCode.UNAVAILABLE}
        assert all(error.body.retry_after_ms for error in refused)
        assert await hasher.hash("x")
    finally:
        hasher.close()
