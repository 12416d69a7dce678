"""Claims of media.webrtc.network and udp: where clients are sent, and which ports are taken."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import pytest

from config.settings import Settings, load
from media.webrtc import udp
from media.webrtc.network import MAX_PEERS, MAX_PENDING, Network, NoRoom
from media.webrtc.udp import NoPort, bind_all
from media.webrtc.whip.accepting import accept
from media.webrtc.whip.publisher import WhipPublisher
from tests.media.webrtc.captured import chromium

pytestmark = pytest.mark.services


def settings(**values: str) -> Settings:
    environ = {f"TALLY_{name.upper()}": value for name, value in values.items()}
    return load({"TALLY_SECRET": "x" * 32} | environ).settings


@contextlib.contextmanager
def network(**values: str) -> Iterator[Network]:
    made = Network(settings(**values))
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine has one address besides loopback's."""
    monkeypatch.setattr("media.webrtc.network.machine_addresses", lambda: ["127.0.0.9"])


def addresses(made: Network, client: str) -> list[str]:
    return [each.address for each in made.candidates(client)]


@pytest.mark.usefixtures("own")
async def test_clients_elsewhere_are_told_of_the_machines_addresses() -> None:
    with network() as made:
        assert addresses(made, "203.0.113.5") == ["127.0.0.9"]
        assert addresses(made, "127.0.0.1")[0] == "127.0.0.1", "FFmpeg tries the first only"
        assert {each.port for each in made.candidates("::1")} == {made.port}


@pytest.mark.usefixtures("own")
async def test_advertised_addresses_take_the_place_of_those_behind_nat() -> None:
    with network(webrtc_addresses="203.0.113.7,2001:db8::7") as made:
        assert addresses(made, "198.51.100.1") == ["203.0.113.7", "2001:db8::7"]
        assert addresses(made, "127.0.0.1")[0] == "127.0.0.1"


async def test_a_machine_without_addresses_offers_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("media.webrtc.network.machine_addresses", list)
    with network() as made:
        assert addresses(made, "203.0.113.5")[0] == "127.0.0.1"


async def test_the_machines_addresses_are_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    now = ["127.0.0.9"]
    monkeypatch.setattr("media.webrtc.network.machine_addresses", lambda: now)
    monkeypatch.setattr("media.webrtc.network.ADDRESSES_S", 0.0)
    with network() as made:
        port = made.port
        now[0] = "127.0.0.10"
        assert addresses(made, "203.0.113.5") == ["127.0.0.10"]
        assert made.port == port


async def test_a_port_of_the_range_is_taken_and_a_full_range_is_said() -> None:
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        if port == 65_535:
            pytest.fail("the kernel gave the last port: run it again")
        with network(webrtc_udp_ports=f"{port}-{port + 1}") as made:
            assert made.port == port + 1
        with pytest.raises(NoPort, match="TALLY_WEBRTC_UDP_PORTS"):
            bind_all(["127.0.0.1"], f"{port}-{port}", lambda _data, _path: None)


async def test_an_address_that_is_not_there_is_left_out() -> None:
    sockets = bind_all(["127.0.0.1", "192.0.2.77"], "", lambda _data, _path: None)
    assert [each.address for each in sockets] == ["127.0.0.1"]
    for each in sockets:
        each.close()


async def test_there_is_room_for_so_many_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("media.webrtc.network.MAX_PEERS", 2)
    assert MAX_PEERS > 1_000
    offer = chromium()
    with network() as made:
        ended: list[str] = []
        for _ in range(2):
            user = WhipPublisher(accept(offer), 2.0, lambda _publisher, reason: ended.append(reason))
            made.open(offer, accept(offer), user, client_address="")
        with pytest.raises(NoRoom):
            made.open(offer, accept(offer), user, client_address="")
    assert ended == ["shutdown", "shutdown"]


async def test_one_client_does_not_hold_all_places() -> None:
    offer = chromium()
    with network() as made:

        def come(address: str) -> None:
            user = WhipPublisher(accept(offer), 2.0, lambda _publisher, _reason: None)
            made.open(offer, accept(offer), user, client_address=address)

        for _ in range(MAX_PENDING):
            come("192.0.2.1")
        with pytest.raises(NoRoom):
            come("192.0.2.1")
        come("192.0.2.2")
        next(iter(made.peers)).close("deleted")
        come("192.0.2.1")


async def test_machine_addresses_can_be_bound() -> None:
    for address in udp.machine_addresses():
        assert not address.startswith(("127.", "fe80", "169.254."))
    await asyncio.sleep(0)
