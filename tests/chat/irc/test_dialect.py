"""What happens in a channel, as lines that clients of the dialect know."""

from typing import TypedDict

import msgspec
import pytest

from chat.irc.capabilities import Capability
from chat.irc.dialect import Writer, emotes
from chat.irc.lines import parse
from schemas.chat import Badge, ChatMessage, ChatSettings, EmotePosition, ReplyTo
from schemas.ids import ChannelId, UserId
from schemas.socket import (
    Announcement,
    ClearChat,
    LoggedEvent,
    Message,
    MessageDeleted,
    NewSubscriber,
    Raid,
    RoleChanged,
    SettingsChanged,
    SlowMode,
    UserBanned,
    UserTimedOut,
    UserUnbanned,
)

FULL = Writer(Capability.TAGS | Capability.COMMANDS)
PLAIN = Writer(Capability.PLAIN)
NEWS, BOB = ChannelId("c1"), UserId("u2")
HI = ChatMessage(
    id="m1",
    channel_id=NEWS,
    user_id=UserId("u1"),
    username="alice",
    display_name="Alice A",
    content="hi 🎉 tallyLove tallyLove",
    badges=[Badge("moderator"), Badge("subscriber", 7), Badge("bot")],
    emotes=[EmotePosition("e1", "tallyLove", 5, 14), EmotePosition("e1", "tallyLove", 15, 24)],
    color="#0090FF",
    timestamp=1_700_000_000_000,
    seq=5,
    epoch="x",
)


class Place(TypedDict):
    channel_id: ChannelId
    timestamp: int
    seq: int
    epoch: str


PLACE = Place(channel_id=NEWS, timestamp=1_700_000_000_000, seq=5, epoch="x")


def read(line: str) -> tuple[dict[str, str], str]:
    """Return the tags, and what stands behind them."""
    parsed = parse(line)
    assert parsed
    assert line.startswith("@")
    return parsed.tags, line.partition(" ")[2]


def written(event: LoggedEvent, before: ChatSettings | None = None) -> list[str]:
    return FULL.write(event, "news", before)


def message(**more: object) -> Message:
    return Message(message=msgspec.structs.replace(HI, **more), **PLACE)


def test_a_message_has_all_tags_that_bots_look_at() -> None:
    (line,) = written(message())
    tags, rest = read(line)
    assert rest == ":alice!alice@alice.tmi.twitch.tv PRIVMSG #news :hi 🎉 tallyLove tallyLove"
    assert tags == {
        "badge-info": "subscriber/7",
        "badges": "moderator/1,subscriber/7,bot-badge/1",
        "color": "#0090FF",
        "display-name": "Alice A",
        "emotes": "e1:5-13,15-23",  # code points, the end inclusive
        "first-msg": "0",
        "flags": "",
        "id": "m1",
        "mod": "1",
        "returning-chatter": "0",
        "room-id": "c1",
        "subscriber": "1",
        "tmi-sent-ts": "1700000000000",
        "turbo": "0",
        "user-id": "u1",
        "user-type": "mod",
    }


def test_a_plain_client_gets_plain_lines() -> None:
    assert PLAIN.write(message(), "news") == [
        ":alice!alice@alice.tmi.twitch.tv PRIVMSG #news :hi 🎉 tallyLove tallyLove"
    ]
    assert PLAIN.write(Announcement(message=HI, color="blue", **PLACE), "news") == PLAIN.write(message(), "news")
    for event in (UserBanned(user_id=BOB, username="bob", **PLACE), ClearChat(**PLACE), SlowMode(duration=3, **PLACE)):
        assert PLAIN.write(event, "news") == []
    assert Writer(Capability.COMMANDS).write(ClearChat(**PLACE), "news") == [":tmi.twitch.tv CLEARCHAT #news"]


def test_an_action_and_a_first_message_of_a_vip_and_an_answer() -> None:
    parent = ReplyTo("m0", "t0", BOB, "bob", "Bob B", "what; is it?")
    (line,) = written(message(is_action=True, is_first=True, badges=[Badge("vip")], reply_to=parent))
    tags, rest = read(line)
    assert rest.endswith("PRIVMSG #news :\x01ACTION hi 🎉 tallyLove tallyLove\x01")
    assert (tags["first-msg"], tags["vip"], tags["mod"], tags["badge-info"]) == ("1", "1", "0", "")
    assert {name: value for name, value in tags.items() if name.startswith("reply-")} == {
        "reply-parent-display-name": "Bob B",
        "reply-parent-msg-body": "what; is it?",
        "reply-parent-msg-id": "m0",
        "reply-parent-user-id": "u2",
        "reply-parent-user-login": "bob",
        "reply-thread-parent-msg-id": "t0",
    }


def test_no_message_ends_its_line() -> None:
    (line,) = written(message(content="a\r\nQUIT", display_name="x\r\ny"))
    assert "\r" not in line
    assert "\n" not in line


def test_emotes_are_grouped_by_their_id() -> None:
    found = [EmotePosition("a", "A", 0, 1), EmotePosition("b", "B", 2, 3), EmotePosition("a", "A", 4, 5)]
    assert emotes(found) == "a:0-0,4-4/b:2-2"
    assert emotes([]) == ""


@pytest.mark.parametrize(
    ("event", "some", "rest"),
    [
        (
            UserTimedOut(user_id=BOB, username="bob", duration_s=600, until=1, **PLACE),
            {"ban-duration": "600", "target-user-id": "u2", "room-id": "c1"},
            "CLEARCHAT #news :bob",
        ),
        (UserBanned(user_id=BOB, username="bob", **PLACE), {"target-user-id": "u2"}, "CLEARCHAT #news :bob"),
        (ClearChat(**PLACE), {"room-id": "c1"}, "CLEARCHAT #news"),
        (
            MessageDeleted(message_id="m1", user_id=BOB, username="bob", **PLACE),
            {"login": "bob", "target-msg-id": "m1"},
            "CLEARMSG #news :",
        ),
        (
            Announcement(message=HI, color="blue", **PLACE),
            {"msg-id": "announcement", "msg-param-color": "BLUE", "login": "alice", "id": "m1"},
            "USERNOTICE #news :hi 🎉 tallyLove tallyLove",
        ),
        (
            NewSubscriber(user_id=BOB, username="bob", display_name="Bob", tier=1, **PLACE),
            {"msg-id": "sub", "msg-param-sub-plan": "1000", "login": "bob", "system-msg": "Bob subscribed at Tier 1."},
            "USERNOTICE #news",
        ),
        (
            NewSubscriber(user_id=BOB, username="bob", display_name="Bob", tier=2, months=3, **PLACE),
            {"msg-id": "resub", "msg-param-cumulative-months": "3", "id": "c1-5"},
            "USERNOTICE #news",
        ),
        (
            NewSubscriber(user_id=BOB, username="bob", display_name="Bob", tier=1, is_gift=True, **PLACE),
            {"msg-id": "subgift", "msg-param-recipient-user-name": "bob", "login": "ananonymousgifter"},
            "USERNOTICE #news",
        ),
        (
            Raid(
                direction="in",
                other_channel_id=ChannelId("c2"),
                other_name="bob",
                other_display_name="Bob",
                viewer_count=7,
                **PLACE,
            ),
            {"msg-id": "raid", "msg-param-login": "bob", "msg-param-viewerCount": "7"},
            "USERNOTICE #news",
        ),
    ],
)
def test_what_happens_is_told_in_the_lines_of_the_dialect(event: LoggedEvent, some: dict[str, str], rest: str) -> None:
    (line,) = written(event)
    tags, found = read(line)
    assert found == f":tmi.twitch.tv {rest}"
    assert {name: tags.get(name) for name in some} == some


def test_modes_that_changed_are_told_and_no_others() -> None:
    before = ChatSettings(slow_mode=10)
    after = ChatSettings(slow_mode=20, follower_only=True, follower_minutes=5, emote_only=True)
    state, *told = written(SettingsChanged(settings=after, **PLACE), before)
    assert read(state) == (
        {"emote-only": "1", "followers-only": "5", "room-id": "c1"},
        ":tmi.twitch.tv ROOMSTATE #news",
    )
    assert [read(line)[0]["msg-id"] for line in told] == ["followers_on", "emote_only_on"]
    back = written(SettingsChanged(settings=before, **PLACE), after)
    assert [read(line)[0].get("msg-id") for line in back] == [None, "followers_off", "emote_only_off"]
    # what IRC has no word for changes nothing; of what was before nothing is known: all of it
    assert written(SettingsChanged(settings=ChatSettings(hold_first=True), **PLACE), ChatSettings()) == []
    (state,) = written(SettingsChanged(settings=after, **PLACE))
    assert read(state)[0] == {
        "emote-only": "1",
        "followers-only": "5",
        "r9k": "0",
        "room-id": "c1",
        "slow": "20",
        "subs-only": "0",
    }


def test_slow_mode_is_told_by_its_own_event() -> None:
    for seconds, name in ((30, "slow_on"), (0, "slow_off")):
        state, told = written(SlowMode(duration=seconds, **PLACE))
        assert read(state)[0] == {"room-id": "c1", "slow": str(seconds)}
        assert read(told)[0] == {"msg-id": name}


def test_what_irc_has_no_line_for_is_left_out() -> None:
    assert written(RoleChanged(user_id=BOB, username="bob", role="vip", **PLACE)) == []
    assert written(UserUnbanned(user_id=BOB, username="bob", **PLACE)) == []
