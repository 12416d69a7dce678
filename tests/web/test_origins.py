"""Which pages may act with a visitor's cookie."""

import pytest
from aiohttp.test_utils import make_mocked_request

from web.origins import is_foreign_origin, is_own_origin, origin_of

PUBLIC = "https://tv.example.org/"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://tv.example.org/", "https://tv.example.org"),
        ("https://tv.example.org:443/x", "https://tv.example.org"),
        ("http://TV.example.org:8080", "http://tv.example.org:8080"),
        ("http://[::1]:80/", "http://[::1]"),
    ],
)
def test_an_origin_is_written_as_browsers_do(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    ("origin", "is_own"),
    [
        ("https://tv.example.org", True),
        ("http://10.0.0.5:8080", True),
        ("https://10.0.0.5:8080", True),
        ("http://tv.example.org", False),
        ("http://10.0.0.5", False),
        ("https://tv.example.org.evil.example", False),
        ("null", False),
    ],
)
def test_own_pages_are_those_of_the_public_url_and_of_the_host_asked(origin: str, is_own: bool) -> None:
    request = make_mocked_request("POST", "/api/me", headers={"Host": "10.0.0.5:8080", "Origin": origin})
    assert is_own_origin(request, PUBLIC) is is_own
    assert is_foreign_origin(request, PUBLIC) is not is_own


def test_no_origin_is_neither_own_nor_foreign() -> None:
    request = make_mocked_request("POST", "/api/me", headers={"Host": "tv.example.org"})
    assert not is_own_origin(request, PUBLIC)
    assert not is_foreign_origin(request, PUBLIC)
