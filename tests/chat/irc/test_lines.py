"""Lines and tags. Vectors: https://ircv3.net/specs/extensions/message-tags and lines that tmi.js 1.8 sends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.irc.lines import Line, escape, one_line, parse, tagged, unescape


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("PING :tmi.twitch.tv", Line("PING", ["tmi.twitch.tv"])),
        ("ping", Line("PING", [])),
        ("CAP REQ :twitch.tv/tags twitch.tv/commands", Line("CAP", ["REQ", "twitch.tv/tags twitch.tv/commands"])),
        ("PRIVMSG #news :hello : world ", Line("PRIVMSG", ["#news", "hello : world "])),
        ("PRIVMSG  #news   hello", Line("PRIVMSG", ["#news", "hello"])),
        (":alice!alice@x PRIVMSG #news ::)", Line("PRIVMSG", ["#news", ":)"])),
        (
            r"@client-nonce=a\:b\s\\c;reply-parent-msg-id=9;flag;x=a=b PRIVMSG #news :yes",
            Line(
                "PRIVMSG",
                ["#news", "yes"],
                {"client-nonce": "a;b \\c", "reply-parent-msg-id": "9", "flag": "", "x": "a=b"},
            ),
        ),
        ("USER a 0 * :A B", Line("USER", ["a", "0", "*", "A B"])),
        (" ".join(["X", *"abcdefghijklmnop"]), Line("X", [*"abcdefghijklmn", "o p"])),
        ("", None),
        ("   ", None),
        ("@a=b", None),
        (":alice", None),
    ],
)
def test_a_line_is_read(text: str, line: Line | None) -> None:
    assert parse(text) == line


def test_what_is_left_out_is_nothing() -> None:
    line = parse("PRIVMSG #news")
    assert line
    assert (line.param(0), line.param(1)) == ("#news", "")


@pytest.mark.parametrize(("written", "meant"), [(r"a\:\s\\\r\n", "a; \\\r\n"), (r"\a\b", "ab"), ("a\\", "a"), ("", "")])
def test_tags_are_unescaped(written: str, meant: str) -> None:
    assert unescape(written) == meant


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_a_tag_is_read_as_it_was_written(value: str) -> None:
    assert not set(escape(value)) & set("; \r\n\0")
    line = parse(f"{tagged({'b': 1, 'a': value})}PING")
    assert line == Line("PING", [], {"a": value, "b": "1"})


@given(st.text())
def test_any_text_is_a_line_or_none(text: str) -> None:
    line = parse(text)
    assert line is None or line.command == line.command.upper()


def test_no_text_ends_its_line() -> None:
    assert one_line("a\r\nQUIT\0b\n") == "a QUIT b "
