"""Secrets of others at rest."""

import pytest

from config.sealing import CannotOpen, Seal

SEAL = Seal("a secret of sixteen")


def test_what_was_sealed_is_opened() -> None:
    assert SEAL.open(SEAL.close("rtmp://live.example/app/key äöü")) == "rtmp://live.example/app/key äöü"


def test_the_same_text_is_never_sealed_the_same() -> None:
    assert SEAL.close("key") != SEAL.close("key")


def test_another_secret_opens_nothing() -> None:
    with pytest.raises(CannotOpen):
        Seal("another of sixteen").open(SEAL.close("key"))


@pytest.mark.parametrize("text", ["", "key", "s1:", "s1:AAAA", "s1:????", "s1:ä"])
def test_what_is_no_sealed_text_is_not_opened(text: str) -> None:
    with pytest.raises(CannotOpen):
        SEAL.open(text)


def test_a_changed_byte_is_noticed() -> None:
    sealed = SEAL.close("key")
    changed = sealed[:-5] + ("A" if sealed[-5] != "A" else "B") + sealed[-4:]
    with pytest.raises(CannotOpen):
        SEAL.open(changed)
