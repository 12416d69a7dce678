"""Which pages may show the player."""

import pytest

from web.hls.embeds import Embeds
from web.hls.heads import Fields

EMBEDS = Embeds("https://tally.example", "friend.example,*.club.example,lab.example:8443")


@pytest.mark.parametrize(
    ("page", "is_allowed"),
    [
        ("https://tally.example/demo", True),
        ("http://tally.example:8080/", True),
        ("https://friend.example", True),
        ("https://FRIEND.example:444/x?y", True),
        ("https://www.friend.example/", False),
        ("https://a.club.example/", True),
        ("https://a.b.club.example/", True),
        ("https://club.example/", False),
        ("https://lab.example:8443/", True),
        ("https://lab.example/", False),
        ("https://thief.example/tally.example", False),
        ("https://tally.example@thief.example/", False),
        ("https://tally.example.thief.example/", False),
        ("https://[::1", False),
        ("null", False),
        ("about:client", False),
    ],
)
def test_a_page_is_known_by_its_host(page: str, is_allowed: bool) -> None:
    assert EMBEDS.allows(Fields(referer=page)) is is_allowed
    assert EMBEDS.allows(Fields(origin=page)) is is_allowed


def test_players_without_a_page_pass() -> None:
    assert EMBEDS.allows(Fields())


def test_both_fields_must_be_good() -> None:
    assert not EMBEDS.allows(Fields(origin="https://thief.example", referer="https://friend.example/"))
    assert not EMBEDS.allows(Fields(origin="https://friend.example", referer="https://thief.example/"))
