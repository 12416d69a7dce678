"""Claims of config.addresses: nobody is led to what only we can reach."""

import asyncio
import socket
from ipaddress import ip_address

import pytest

from config.addresses import Forbidden, Reach, is_public

OURS = [
    "127.0.0.1",
    "127.1.2.3",
    "0.0.0.0",
    "0.1.2.3",
    "10.1.2.3",
    "100.64.0.1",
    "100.127.255.255",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "fe80::1",
    "fec0::1",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::",
    "2002:c0a8:101::1",
    "2001::1",
    "2001:db8::1",
]
EVERYBODYS = [
    "1.1.1.1",
    "8.8.8.8",
    "100.63.255.255",
    "100.128.0.1",
    "172.15.0.1",
    "172.32.0.1",
    "193.0.0.1",
    "2606:4700:4700::1111",
    "2a00:1450:4001::1",
    "::ffff:1.1.1.1",
    "64:ff9b::101:101",
    "2002:101:101::1",
]


@pytest.mark.parametrize("text", OURS)
def test_what_only_we_reach_is_not_public(text: str) -> None:
    assert not is_public(ip_address(text))
    assert not Reach().allows(ip_address(text))


@pytest.mark.parametrize("text", EVERYBODYS)
def test_what_everybody_reaches_is_public(text: str) -> None:
    assert is_public(ip_address(text))


def test_an_operator_allows_networks_and_no_others() -> None:
    reach = Reach("127.0.0.0/8, fd00::/8")
    assert reach.allows(ip_address("127.0.0.1"))
    assert reach.allows(ip_address("::ffff:127.0.0.1"))
    assert reach.allows(ip_address("fd12::1"))
    assert not reach.allows(ip_address("0.0.0.0"))
    assert not reach.allows(ip_address("10.0.0.1"))
    assert not reach.allows(ip_address("::1"))


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "fe80::1%eth0", "localhost", "x.localhost.", "LocalHost"])
def test_a_host_written_as_one_of_ours_is_refused_at_once(host: str) -> None:
    with pytest.raises(Forbidden):
        Reach().check_host(host)


@pytest.mark.parametrize("host", ["example.org", "8.8.8.8", "localhost.example.org", "2606:4700::1"])
def test_other_hosts_are_not_refused_before_they_are_resolved(host: str) -> None:
    Reach().check_host(host)


@pytest.mark.services
@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "0", "::ffff:127.0.0.1"])
async def test_every_way_to_write_loopback_is_refused_when_it_is_connected_to(host: str) -> None:
    with pytest.raises(Forbidden):
        await Reach().connect(host, 80)


class Rebinding:
    """A name that first leads to a public address and then to ours."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def getaddrinfo(self, *_args: object, **_kwargs: object) -> list[object]:
        self.asked += 1
        address = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80))]


@pytest.mark.services
async def test_a_name_is_resolved_once_for_a_connection_and_checked_again_for_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = Rebinding("192.0.43.8", "127.0.0.1")
    tried: list[object] = []

    async def connect(_socket: socket.socket, address: object) -> None:
        tried.append(address)

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "getaddrinfo", names.getaddrinfo)
    monkeypatch.setattr(loop, "sock_connect", connect)
    (await Reach().connect("rebind.example", 80)).close()
    assert (names.asked, tried) == (1, [("192.0.43.8", 80)])
    with pytest.raises(Forbidden):
        await Reach().connect("rebind.example", 80)
    assert tried == [("192.0.43.8", 80)]


async def test_of_mixed_answers_only_the_allowed_ones_are_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    async def both(*_args: object, **_kwargs: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in ("10.0.0.1", "192.0.43.8")]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", both)
    assert [info[4][0] for info in await Reach().resolve("mixed.example", 80)] == ["192.0.43.8"]


@pytest.mark.services
async def test_what_is_allowed_is_connected_to() -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        connection = await Reach("127.0.0.0/8").connect("127.0.0.1", server.sockets[0].getsockname()[1])
        assert connection.getpeername()[0] == "127.0.0.1"
        connection.close()
