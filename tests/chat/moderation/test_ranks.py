"""Who may do what to whom. `pytest -s -k table` prints the table."""

from typing import get_args

import pytest

from chat.moderation.ranks import RULES, Action, check
from chat.store.parties import Party
from schemas.chat import Role
from schemas.errors import ApiError, ErrorCode
from schemas.ids import UserId

ACTORS = ("viewer", "vip", "moderator", "broadcaster", "admin")
TARGETS = ("self", "viewer", "vip", "moderator", "broadcaster", "admin")

# Rows: who acts. Columns: upon themselves, a viewer, a VIP, a moderator, the broadcaster, an administrator.
TABLE = """
              self viewer vip moderator broadcaster admin
ban
  viewer      .    .      .   .         .           .
  vip         .    .      .   .         .           .
  moderator   .    yes    yes .         .           .
  broadcaster .    yes    yes yes       .           .
  admin       .    yes    yes yes       .           .
unban
  viewer      .    .      .   .         .           .
  vip         .    .      .   .         .           .
  moderator   .    yes    yes yes       yes         yes
  broadcaster .    yes    yes yes       yes         yes
  admin       .    yes    yes yes       yes         yes
delete
  viewer      .    .      .   .         .           .
  vip         .    .      .   .         .           .
  moderator   yes  yes    yes .         .           .
  broadcaster yes  yes    yes yes       yes         yes
  admin       yes  yes    yes yes       yes         yes
settings
  viewer      .    .      .   .         .           .
  vip         .    .      .   .         .           .
  moderator   yes  yes    yes yes       yes         yes
  broadcaster yes  yes    yes yes       yes         yes
  admin       yes  yes    yes yes       yes         yes
grant
  viewer      .    .      .   .         .           .
  vip         .    .      .   .         .           .
  moderator   .    .      .   .         .           .
  broadcaster .    yes    yes yes       .           yes
  admin       yes  yes    yes yes       .           yes
raid
  viewer      .    .      .   .         .           .
  vip         .    .      .   .         .           .
  moderator   .    .      .   .         .           .
  broadcaster yes  yes    yes yes       yes         yes
  admin       yes  yes    yes yes       yes         yes
report
  viewer      .    yes    yes yes       yes         yes
  vip         .    yes    yes yes       yes         yes
  moderator   .    yes    yes yes       yes         yes
  broadcaster .    yes    yes yes       yes         yes
  admin       .    yes    yes yes       yes         yes
"""
LIKE: dict[str, tuple[Action, ...]] = {
    "ban": ("ban", "timeout"),
    "unban": ("unban", "untimeout"),
    "delete": ("delete",),
    "settings": ("settings", "clear", "announce", "pin", "unpin", "approve", "deny", "decide", "look"),
    "grant": ("grant", "revoke"),
    "raid": ("raid", "offer", "accept", "end"),
    "report": ("report",),
}
"""Acts with the same part of the table; those that are aimed at nobody are in it for their actors."""


def party(kind: str, user: str, *, is_silenced: bool = False) -> Party:
    role: Role = "viewer" if kind == "admin" else kind  # type: ignore[assignment]  # the others are roles
    return Party(UserId(user), user, user.title(), role, kind == "admin", is_silenced)


def may(action: Action, actor: str, target: str) -> bool:
    acting = party(actor, "actor")
    aimed = acting if target == "self" else party(target, "target")
    try:
        check(action, acting, aimed)
    except ApiError:
        return False
    return True


def table() -> str:
    lines = ["", "              " + " ".join(TARGETS)]
    for name, actions in LIKE.items():
        lines.append(name)
        for actor in ACTORS:
            cells = [("yes" if may(actions[0], actor, target) else ".").ljust(len(target)) for target in TARGETS]
            lines.append(f"  {actor.ljust(11)} {' '.join(cells)}".rstrip())
    return "\n".join(lines) + "\n"


def squeezed(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_the_table() -> None:
    print(table())
    assert squeezed(table()) == squeezed(TABLE)


def test_every_act_has_its_part_of_the_table() -> None:
    for name, actions in LIKE.items():
        for action in actions:
            answers = {(actor, target): may(action, actor, target) for actor in ACTORS for target in TARGETS}
            assert answers == {(a, t): may(LIKE[name][0], a, t) for a in ACTORS for t in TARGETS}, action
    assert (
        sorted(action for actions in LIKE.values() for action in actions) == sorted(get_args(Action)) == sorted(RULES)
    )


def test_a_moderator_who_is_timed_out_does_not_moderate() -> None:
    with pytest.raises(ApiError) as refused:
        check("clear", party("moderator", "actor", is_silenced=True))
    assert refused.value.body.code is ErrorCode.TIMED_OUT
    check("clear", party("broadcaster", "actor", is_silenced=True))
