"""One IRC client, sans-IO."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.irc import connection
from chat.irc.capabilities import Capability
from chat.irc.connection import Action, Adapt, Close, Enter, Exit, IrcConnection, Say, SignIn
from chat.irc.lines import LINE_MAX

T0 = 1000.0


class Client:
    """A client whose lines take no time, unless it says so."""

    def __init__(self) -> None:
        self.irc = IrcConnection(now=T0)
        self.now = T0

    def send(self, *lines: str) -> list[Action]:
        return self.irc.receive_data("".join(f"{line}\r\n" for line in lines).encode(), self.now)

    def hear(self) -> list[str]:
        return self.irc.data_to_send().decode().splitlines()

    def sign_in(self, *lines: str) -> "Client":
        assert self.send(*lines, "PASS oauth:tally_x", "NICK alice")[-1:] == [SignIn("tally_x")]
        self.irc.admit("alice")
        self.hear()
        return self


def test_a_bot_signs_in_as_tmi_js_does() -> None:
    client = Client()
    actions = client.send(
        "CAP REQ :twitch.tv/tags twitch.tv/commands twitch.tv/membership", "PASS oauth:tally_x", "NICK Whoever"
    )
    assert actions == [Adapt(), SignIn("tally_x")]
    assert client.hear() == [":tmi.twitch.tv CAP * ACK :twitch.tv/tags twitch.tv/commands twitch.tv/membership"]
    client.irc.admit("alice")  # the token says who it is
    heard = client.hear()
    assert [line.split()[1] for line in heard] == ["001", "002", "003", "004", "375", "372", "376"]
    assert all(line.startswith(":tmi.twitch.tv ") and line.split()[2] == "alice" for line in heard)
    assert client.send("NICK other", "PASS oauth:y", "USER a 0 * :A") == []


def test_a_plain_client_signs_in_without_oauth_and_in_any_order() -> None:
    client = Client()
    assert client.send("CAP LS 302", "NICK alice") == []
    assert client.send("PASS tally_x") == [SignIn("tally_x")]
    assert client.hear() == [":tmi.twitch.tv CAP * LS :twitch.tv/tags twitch.tv/commands twitch.tv/membership"]


def test_a_guest_only_reads() -> None:
    assert Client().send("PASS SCHMOOPIIE", "NICK justinfan123") == [SignIn("")]
    assert Client().send("NICK JUSTINFAN1", "USER x") == [SignIn("")]


def test_without_a_token_nobody_is_let_in() -> None:
    client = Client()
    assert client.send("NICK justinfan", "USER a 0 * :A") == [Close("not signed in")]
    assert client.hear() == [":tmi.twitch.tv NOTICE * :Send PASS oauth:TOKEN before NICK."]


def test_what_is_refused_of_capabilities_changes_nothing() -> None:
    client = Client()
    assert client.send("CAP REQ :twitch.tv/tags sasl", "CAP REQ", "CAP LIST", "CAP END", "CAP FOO") == []
    nak, nothing, listed, invalid = client.hear()
    assert (nak, nothing) == (":tmi.twitch.tv CAP * NAK :twitch.tv/tags sasl", ":tmi.twitch.tv CAP * ACK :")
    assert (listed, invalid.split()[1]) == (":tmi.twitch.tv CAP * LIST :", "410")
    assert client.send("CAP REQ :twitch.tv/tags", "CAP REQ :twitch.tv/tags", "CAP REQ -twitch.tv/tags") == [Adapt()] * 2
    assert client.irc.capabilities is Capability.PLAIN


def test_nothing_is_done_before_the_registration() -> None:
    client = Client()
    assert client.send("JOIN #news", "PRIVMSG #news :x", "PART #news") == []
    assert [line.split()[1] for line in client.hear()] == ["451"] * 3
    # bots send all at once, before their token was looked at
    assert client.send("PASS oauth:x", "NICK a", "JOIN #news") == [SignIn("x"), Enter("news")]


def test_channels_are_joined_and_left() -> None:
    client = Client().sign_in()
    assert client.send("JOIN #News,#other", "JOIN #news", "JOIN news,#a-b") == [Enter("news"), Enter("other")]
    assert [line.split()[1:4] for line in client.hear()] == [["403", "alice", "news"], ["403", "alice", "#a-b"]]
    assert client.send("PART #news", "PART #news,#other") == [Exit("news"), Exit("other")]
    client.send("JOIN #news")
    client.irc.refused("news")
    assert client.send("JOIN #news") == [Enter("news")]


def test_there_are_so_many_channels_of_one_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "JOINS_MAX", 2)
    client = Client().sign_in()
    assert client.send("JOIN #a,#b,#c") == [Enter("a"), Enter("b")]
    assert client.hear() == [":tmi.twitch.tv NOTICE #c :You may join 2 channels."]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("PRIVMSG #News :hello", Say("news", "hello", "", "")),
        ("@client-nonce=n1;reply-parent-msg-id=m1 PRIVMSG #news :hello", Say("news", "hello", "n1", "m1")),
        ("PRIVMSG #news :\x01ACTION waves\x01", Say("news", "/me waves", "", "")),
        ("PRIVMSG #news :\x01ACTION waves", Say("news", "/me waves", "", "")),
        ("PRIVMSG #news :/timeout bob", Say("news", "/timeout bob", "", "")),
        ("PRIVMSG #news :\x01VERSION\x01", None),
        ("PRIVMSG #news", None),
    ],
)
def test_what_is_said(line: str, said: Say | None) -> None:
    client = Client().sign_in()
    assert client.send(line) == ([said] if said else [])


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("PING :abc", ":tmi.twitch.tv PONG tmi.twitch.tv :abc"),
        ("PING", "PONG tmi.twitch.tv :tmi.twitch.tv"),
        ("PRIVMSG bob :psst", ":tmi.twitch.tv NOTICE * :There are no private messages here."),
        ("WHISPER bob :psst", ":tmi.twitch.tv NOTICE * :There are no whispers here."),
        ("WHO #news", ":tmi.twitch.tv 421 alice WHO :Unknown command"),
    ],
)
def test_what_is_answered_at_once(line: str, answer: str) -> None:
    client = Client().sign_in()
    assert client.send(line) == []
    assert client.hear() == [answer]


def test_lines_that_are_too_long_or_no_text_are_refused_and_the_next_one_is_read() -> None:
    client = Client().sign_in()
    assert client.send("PRIVMSG #news :" + "x" * LINE_MAX, "JOIN #a") == [Enter("a")]
    assert [line.split()[1] for line in client.hear()] == ["417"]
    for _ in range(5):
        assert client.irc.receive_data(b"y" * LINE_MAX, T0) == []
    assert client.irc.receive_data(b"\r\nJOIN #b\r\n", T0) == [Enter("b")]
    assert [line.split()[1] for line in client.hear()] == ["417"]
    assert client.irc.receive_data(b"PRIVMSG #news :\xff\xfe\r\nJOIN #c\n", T0) == [Enter("c")]
    assert client.hear() == [":tmi.twitch.tv NOTICE * :This is not UTF-8."]


def test_a_flood_is_refused_and_then_closed() -> None:
    client = Client().sign_in()
    client.send(*["PRIVMSG #news :x"] * (connection.BURST - 2))
    assert client.send("PRIVMSG #news :x", "PING") == []
    assert client.hear() == [":tmi.twitch.tv NOTICE * :You are sending too fast."]
    client.now += 1.0
    assert len(client.send("PRIVMSG #news :x")) == 1
    client.now += 0.0
    actions = client.send(*["PING"] * (connection.LINES_PER_S + connection.REFUSALS_MAX + 50))
    assert actions == [Close("flood")]


def test_a_silent_client_is_asked_and_then_given_up() -> None:
    client = Client().sign_in()
    assert client.irc.tick(T0 + 1) == []
    assert client.hear() == []
    at = client.irc.next_deadline()
    assert client.irc.tick(at) == []
    assert client.hear() == ["PING :tmi.twitch.tv"]
    client.now = at + 1
    assert client.send("PONG :tmi.twitch.tv") == []
    assert client.irc.next_deadline() == at + connection.PING_EVERY_S
    client.irc.tick(at + connection.PING_EVERY_S)
    assert client.irc.tick(client.irc.next_deadline()) == [Close("ping timeout")]


def test_who_does_not_register_is_closed() -> None:
    client = Client()
    client.send("CAP LS")
    assert client.irc.tick(T0 + connection.REGISTER_S) == [Close("not signed in")]


def test_quitting_closes_behind_what_was_said() -> None:
    client = Client().sign_in()
    assert client.send("PRIVMSG #news :bye", "QUIT :gone", "PRIVMSG #news :late") == [
        Say("news", "bye", "", ""),
        Close("quit"),
    ]


LINES = "CAP REQ :twitch.tv/tags\r\nPASS oauth:x\r\nNICK a\r\nJOIN #news\nPRIVMSG #news :héllo\r\nPING :1\r\n".encode()


@given(st.lists(st.integers(0, len(LINES)), max_size=8))
def test_any_cut_of_the_bytes_gives_the_same(cuts: list[int]) -> None:
    whole, cut = IrcConnection(now=T0), IrcConnection(now=T0)
    places = [0, *sorted(cuts), len(LINES)]
    actions = [a for start, end in pairwise(places) for a in cut.receive_data(LINES[start:end], T0)]
    assert actions == whole.receive_data(LINES, T0)
    assert cut.data_to_send() == whole.data_to_send()


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_answered(data: bytes, is_in: bool) -> None:
    client = Client()
    if is_in:
        client.sign_in()
    client.irc.receive_data(data + b"\r\n", T0)
    client.hear()
