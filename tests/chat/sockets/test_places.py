"""How many connections are let in."""

from contextlib import ExitStack

import pytest

from chat.sockets.places import PER_ADDRESS_MAX, PER_USER_MAX, Places
from schemas.errors import ApiError, ErrorCode
from schemas.ids import UserId


def refusal(places: Places, address: str) -> ErrorCode | None:
    try:
        with places.taken(address):
            return None
    except ApiError as error:
        return error.body.code


def test_a_process_has_so_many_places_and_they_come_back() -> None:
    places = Places(2)
    with places.taken("192.0.2.1"), places.taken(""):
        assert (places.count, refusal(places, "192.0.2.2")) == (2, ErrorCode.UNAVAILABLE)
    assert (places.count, refusal(places, "192.0.2.2")) == (0, None)


@pytest.mark.parametrize(
    ("one", "same", "other"),
    [
        ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
        ("192.0.2.1", "::ffff:192.0.2.1", "::ffff:192.0.2.2"),
        ("2001:db8::1", "2001:db8::ffff:1", "2001:db8:0:1::1"),
    ],
)
def test_a_household_has_so_many(one: str, same: str, other: str) -> None:
    places = Places(10_000)
    with ExitStack() as stack:
        for _ in range(PER_ADDRESS_MAX):
            stack.enter_context(places.taken(one))
        assert (refusal(places, same), refusal(places, other)) == (ErrorCode.RATE_LIMITED, None)
    assert refusal(places, same) is None
    assert not places._addresses


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.9", "", "a socket"])
def test_loopback_and_what_is_no_address_are_not_counted(address: str) -> None:
    places = Places(10_000)
    with ExitStack() as stack:
        for _ in range(PER_ADDRESS_MAX + 1):
            stack.enter_context(places.taken(address))
        assert not places._addresses


def test_an_account_has_so_many() -> None:
    places = Places(10_000)
    with ExitStack() as stack:
        for _ in range(PER_USER_MAX):
            stack.enter_context(places.taken_by(UserId("u")))
        with pytest.raises(ApiError), places.taken_by(UserId("u")):
            pass
        with places.taken_by(UserId("v")), places.taken_by(None):
            pass
    assert not places._users
