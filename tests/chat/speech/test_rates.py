"""How much one may say, and what becomes of who is refused again and again."""

import pytest

from chat.people import Person, Standing
from chat.speech.rates import KEPT_MAX, PAUSE_S, REFUSALS_MAX, TRUSTED, VIEWER, WINDOW_S, Floods, rate_of
from schemas.chat import Role
from schemas.errors import ApiError, ErrorCode
from schemas.ids import UserId

ANNA = UserId("anna")


def person(*, is_bot: bool = False) -> Person:
    return Person(ANNA, "anna", "Anna", "", 0, is_bot=is_bot)


def standing(role: Role = "viewer", *, is_admin: bool = False) -> Standing:
    return Standing(role, [], None, 0, 0, False, is_admin)


def test_viewers_may_say_less_than_those_who_are_trusted() -> None:
    assert rate_of(person(), standing()) == VIEWER
    assert rate_of(person(is_bot=True), standing()) == TRUSTED
    assert rate_of(person(), standing(is_admin=True)) == TRUSTED
    roles: list[Role] = ["vip", "moderator", "broadcaster"]
    assert {rate_of(person(), standing(role)) for role in roles} == {TRUSTED}
    assert 30_000 // VIEWER.interval_ms == 20
    assert 30_000 // TRUSTED.interval_ms == 100


def test_a_flood_of_refusals_pauses_its_author() -> None:
    floods = Floods()
    for n in range(REFUSALS_MAX):
        floods.check(ANNA, 10.0 + n / 10)
        floods.refused(ANNA, 10.0 + n / 10)
    last = 10.0 + (REFUSALS_MAX - 1) / 10
    with pytest.raises(ApiError) as caught:
        floods.check(ANNA, last + 10)
    assert caught.value.body.code is ErrorCode.RATE_LIMITED
    assert caught.value.body.retry_after_ms == round((PAUSE_S - 10) * 1000)
    floods.check(UserId("bob"), last + 10)
    floods.check(ANNA, last + PAUSE_S)


def test_refusals_while_paused_do_not_make_the_pause_longer() -> None:
    floods = Floods()
    for _ in range(REFUSALS_MAX * 3):
        floods.refused(ANNA, 10.0)
    floods.check(ANNA, 10.0 + PAUSE_S)


def test_refusals_now_and_then_are_no_flood() -> None:
    floods = Floods()
    for n in range(REFUSALS_MAX * 4):
        now = n * WINDOW_S / (REFUSALS_MAX - 2)
        floods.refused(ANNA, now)
        floods.check(ANNA, now)


def test_so_many_authors_are_remembered_and_no_more() -> None:
    floods = Floods()
    for n in range(KEPT_MAX + 10):
        floods.refused(UserId(f"user{n}"), 1.0)
    assert len(floods._authors) == KEPT_MAX
