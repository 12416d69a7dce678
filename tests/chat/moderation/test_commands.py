import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.moderation.commands import ALIASES, TABLE, Command, help_text, parse, seconds, usage
from chat.moderation.obeying import ORDERS
from chat.moderation.ranks import Rank
from schemas.errors import ApiError, ErrorCode

ID = "0123456789abcdefghjkm"


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("/ban Name", Command("ban", "name")),
        ("/ban @Name some reason", Command("ban", "name", "some reason")),
        ("/BAN name", Command("ban", "name")),
        ("/timeout name", Command("timeout", "name", number=600)),
        ("/timeout name 90", Command("timeout", "name", number=90)),
        ("/timeout name 10m spam", Command("timeout", "name", "spam", 600)),
        ("/timeout name 1d12h", Command("timeout", "name", number=129_600)),
        ("/timeout name  2w   two   weeks", Command("timeout", "name", "two   weeks", 1_209_600)),
        ("/timeout name spam and 10m", Command("timeout", "name", "spam and 10m", 600)),
        ("/unban name", Command("unban", "name")),
        ("/untimeout name", Command("untimeout", "name")),
        (f"/delete {ID}", Command("delete", text=ID)),
        ("/clear", Command("clear")),
        ("/slow", Command("slow", number=30)),
        ("/slow 2m", Command("slow", number=120)),
        ("/slowoff", Command("slowoff")),
        ("/followers", Command("followers", number=0)),
        ("/followers 30", Command("followers", number=30)),
        ("/followers 1d", Command("followers", number=1440)),
        ("/followersoff", Command("followersoff")),
        ("/r9kbeta", Command("uniquechat")),
        ("/announce Hello  there", Command("announce", text="Hello  there")),
        ("/announceblue Hi", Command("announceblue", text="Hi")),
        (f"/pin {ID}", Command("pin", text=ID)),
        (f"/pin {ID} 5m", Command("pin", text=ID, number=300)),
        ("/unpin", Command("unpin")),
        ("/raid Other_One", Command("raid", text="other_one")),
        ("/block buy * now", Command("block", text="buy * now")),
        ("/help", Command("help")),
        ("/help /Timeout", Command("help", text="timeout")),
        ("/user @name", Command("user", "name")),
    ],
)
def test_what_is_typed_is_understood(line: str, command: Command) -> None:
    assert parse(line) == command


@pytest.mark.parametrize(
    "line",
    [
        "/ban",
        "/ban a",
        "/ban no-name",
        "/timeout",
        "/timeout name 0",
        "/timeout name 15d",
        "/timeout name 999999999",
        "/unban name and more",
        "/clear all",
        "/slow 2h",
        "/slow 0",
        "/slow fast",
        "/followers 91d",
        "/delete not/an/id",
        "/delete",
        f"/pin {ID} 29",
        f"/pin {ID} soon",
        "/announce",
        "/block",
        "/block ***",
        f"/block {'x' * 101}",
        f"/ban name {'x' * 501}",
    ],
)
def test_what_is_typed_wrongly_is_answered_with_the_usage(line: str) -> None:
    with pytest.raises(ApiError) as refused:
        parse(line)
    assert refused.value.body.code is ErrorCode.INVALID_REQUEST
    assert f"Usage: {usage(line[1:].split(maxsplit=1)[0])}" in refused.value.body.message


@pytest.mark.parametrize("line", ["/", "/nothing", "/ ban name", "/ｂan name", "/" + "x" * 1000])
def test_an_unknown_command_is_named_and_not_obeyed(line: str) -> None:
    with pytest.raises(ApiError, match="There is no command /") as refused:
        parse(line)
    assert len(refused.value.body.message) < 100


def understood_or_answered(line: str) -> str | None:
    """The name of the command, None when its usage is the answer. Nothing else may come of a line."""
    try:
        return parse(line).name
    except ApiError as error:
        return None if error.body.code is ErrorCode.INVALID_REQUEST else error.body.code


@given(st.text(max_size=60))
def test_any_line_is_a_command_or_an_answer(text: str) -> None:
    assert understood_or_answered("/" + text) in {None, *TABLE}


@given(st.sampled_from(sorted(TABLE)), st.text(max_size=40))
def test_any_words_behind_a_command_are_understood_or_answered(name: str, rest: str) -> None:
    assert understood_or_answered(f"/{name} {rest}") in {None, name}


@pytest.mark.parametrize(
    ("text", "unit", "found"),
    [
        ("90", "s", 90),
        ("10M", "s", 600),
        ("5", "m", 300),
        ("1w2d", "s", 777_600),
        ("٣", "s", None),
        ("", "s", None),
        ("m", "s", None),
        ("-5", "s", None),
        ("1.5h", "s", None),
        ("9" * 30, "s", None),
    ],
)
def test_durations(text: str, unit: str, found: int | None) -> None:
    assert seconds(text, unit) == found


def test_every_command_is_obeyed_and_every_alias_means_one() -> None:
    assert ORDERS.keys() == TABLE.keys()
    assert set(ALIASES.values()) <= TABLE.keys()
    assert not ALIASES.keys() & TABLE.keys()


def test_help_lists_what_one_may_do_and_says_how() -> None:
    assert help_text("", Rank.VIEWER) == "Commands: /help /mods /vips /user"
    assert "/timeout" in help_text("", Rank.MODERATOR)
    assert "/mod " not in help_text("", Rank.MODERATOR) + " "
    assert "/raid" in help_text("", Rank.BROADCASTER)
    assert help_text("slow", Rank.VIEWER).startswith("/slow [duration]: ")
    with pytest.raises(ApiError):
        help_text("nothing", Rank.ADMIN)
