"""Claims of media.webrtc.ice, with aioice's STUN as the other side."""

from typing import Any, cast

import pytest
from aioice import stun
from hypothesis import given
from hypothesis import strategies as st

from media.webrtc.answers import Credentials
from media.webrtc.ice import MAX_PATHS, LiteAgent, is_stun, local_ufrag_of
from media.webrtc.udp import Path, UdpSocket

OURS, THEIRS = Credentials("ourname", "o" * 32), Credentials("theirs", "t" * 24)


class Nowhere:
    """Stands for one of our sockets."""


SOCKET = cast(UdpSocket, Nowhere())


def path(port: int = 5000) -> Path:
    return Path(SOCKET, ("192.0.2.9", port))


def request(*, pwd: str = OURS.pwd, name: str = "ourname:theirs", **attributes: Any) -> bytes:
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes |= {"USERNAME": name, "PRIORITY": 1}
    message.attributes |= {key.replace("_", "-"): value for key, value in attributes.items()}
    message.add_message_integrity(pwd.encode())
    return bytes(message)


def response_to(data: bytes, *, pwd: str = THEIRS.pwd) -> bytes:
    asked = stun.parse_message(data)
    message = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, asked.transaction_id)
    message.attributes["XOR-MAPPED-ADDRESS"] = ("192.0.2.1", 1)
    message.add_message_integrity(pwd.encode())
    return bytes(message)


@pytest.fixture
def agent() -> LiteAgent:
    return LiteAgent(OURS, THEIRS, 0.0)


def nominate(agent: LiteAgent, where: Path, now_s: float = 1.0) -> list[tuple[Path, bytes]]:
    return agent.receive(request(ICE_CONTROLLING=7, USE_CANDIDATE=None), where, now_s)


def test_a_check_with_the_password_is_answered_and_names_its_peer(agent: LiteAgent) -> None:
    asked = request(ICE_CONTROLLING=7)
    assert is_stun(asked)
    assert local_ufrag_of(asked) == "ourname"
    ((to, answer),) = agent.receive(asked, path(), 3.0)
    read = stun.parse_message(answer)
    assert to == path()
    assert read.message_class == stun.Class.RESPONSE
    assert read.attributes["XOR-MAPPED-ADDRESS"] == ("192.0.2.9", 5000)
    assert read.check_message_integrity(OURS.pwd.encode())
    assert (agent.has(path()), agent.selected, agent.heard_s) == (True, None, 3.0)


@pytest.mark.parametrize("wrong", [{"pwd": "x" * 32}, {"name": "ourname:others"}, {"name": "other:theirs"}])
def test_a_check_of_a_stranger_gets_no_word(agent: LiteAgent, wrong: dict[str, str]) -> None:
    assert agent.receive(request(ICE_CONTROLLING=7, USE_CANDIDATE=None, **wrong), path(), 3.0) == []
    assert (agent.has(path()), agent.selected, agent.heard_s) == (False, None, 0.0)


def test_the_client_chooses_the_path_until_keys_are_agreed_on(agent: LiteAgent) -> None:
    nominate(agent, path(1))
    nominate(agent, path(2))
    assert agent.selected == path(2)


def test_a_connected_peer_moves_only_where_a_check_of_ours_is_answered(agent: LiteAgent) -> None:
    nominate(agent, path(1))
    agent.must_prove = True
    (_, (to, check)) = nominate(agent, path(2))
    assert (to, agent.selected) == (path(2), path(1))
    agent.receive(response_to(check, pwd="x" * 24), path(2), 1.1)
    agent.receive(response_to(check), path(3), 1.1)
    assert agent.selected == path(1)
    agent.receive(response_to(check), path(2), 1.1)
    assert agent.selected == path(2)


def test_our_check_measures_the_round_trip(agent: LiteAgent) -> None:
    nominate(agent, path())
    check = agent.check(path(), 2.0)
    assert stun.parse_message(check).attributes["USERNAME"] == "theirs:ourname"
    agent.receive(response_to(check), path(), 2.25)
    assert agent.rtt_s == pytest.approx(0.25)
    agent.receive(response_to(check), path(), 9.0)
    assert agent.rtt_s == pytest.approx(0.25)
    assert agent.heard_s == 2.25


def test_a_client_that_wants_to_be_controlled_is_told_of_the_conflict(agent: LiteAgent) -> None:
    ((_, answer),) = agent.receive(request(ICE_CONTROLLED=7), path(), 1.0)
    assert stun.parse_message(answer).error_code == 487


def test_after_a_restart_only_the_new_password_counts(agent: LiteAgent) -> None:
    nominate(agent, path(1))
    agent.restart(Credentials("newname", "n" * 32), Credentials("newtheirs", "t" * 24))
    assert nominate(agent, path(2)) == []
    agent.receive(request(pwd="n" * 32, name="newname:newtheirs", USE_CANDIDATE=None), path(2), 5.0)
    assert agent.selected == path(2)


def test_paths_are_bounded_and_the_chosen_one_stays(agent: LiteAgent) -> None:
    nominate(agent, path(1))
    for port in range(2, 40):
        agent.receive(request(), path(port), 1.0)
    assert len(agent.paths) == MAX_PATHS
    assert agent.has(path(1))


@given(st.binary(max_size=120), st.integers(0, 100))
def test_any_bytes_are_survived(data: bytes, cut: int) -> None:
    agent = LiteAgent(OURS, THEIRS, 0.0)
    good = request()
    for each in (data, good[:cut] + data, b"\x00\x01\x00" + data):
        local_ufrag_of(each)
        agent.receive(each, path(), 0.0)
