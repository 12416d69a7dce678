"""Whose address counts behind proxies."""

import pytest

from web.proxies import client_address, read_networks

OURS = read_networks("10.0.0.0/8, ::1/128")


@pytest.mark.parametrize(
    ("connected", "forwarded", "client"),
    [
        ("203.0.113.7", ["198.51.100.1"], "203.0.113.7"),  # not ours: he may write what he likes
        ("10.0.0.5", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.5", ["6.6.6.6, 198.51.100.1"], "198.51.100.1"),  # 6.6.6.6 was written by the client
        ("10.0.0.5", ["6.6.6.6, 198.51.100.1, 10.1.2.3"], "198.51.100.1"),
        ("10.0.0.5", ["198.51.100.1", "10.1.2.3"], "198.51.100.1"),  # a header from each proxy
        ("10.0.0.5", ["10.1.2.3"], "10.1.2.3"),
        ("10.0.0.5", ["unknown"], "10.0.0.5"),
        ("10.0.0.5", ["198.51.100.1, garbage"], "10.0.0.5"),
        ("10.0.0.5", [], "10.0.0.5"),
        ("::1", ["2001:db8::7"], "2001:db8::7"),
        ("::ffff:10.0.0.5", ["198.51.100.1"], "198.51.100.1"),
        ("", ["198.51.100.1"], ""),
    ],
)
def test_the_address_is_the_one_that_the_outermost_proxy_of_ours_saw(
    connected: str, forwarded: list[str], client: str
) -> None:
    assert client_address(connected, forwarded, OURS) == client


def test_without_trusted_proxies_nothing_is_believed() -> None:
    assert client_address("10.0.0.5", ["198.51.100.1"], []) == "10.0.0.5"
