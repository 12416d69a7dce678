"""How rooms are written to IRC clients."""

from chat.entry import Entry, head
from chat.irc.capabilities import Capability
from chat.irc.formats import WRITTEN, Formats, Rooms
from chat.rooms.formats import RoomEvent
from schemas.chat import ChatSettings
from schemas.ids import ChannelId
from schemas.socket import ViewerCount

NEWS = ChannelId("c1")


def _formats(rooms: Rooms, troubles: list[str] | None = None) -> Formats:
    return Formats(rooms, lambda what, _: (troubles if troubles is not None else []).append(what))


def _entry(seq: int, kind: str, **fields: object) -> Entry:
    return Entry(seq, seq - 1, "e", 1, kind, head(kind, NEWS, **fields))


def _changed(seq: int, settings: ChatSettings) -> Entry:
    return _entry(seq, "settings_changed", settings=settings, moderator="bob")


def test_four_ways_of_writing_do_for_all_clients() -> None:
    formats = _formats(Rooms())
    ways = {formats.of(Capability(number)) for number in range(8)}
    assert len(ways) == 4
    assert formats.of(WRITTEN | Capability.MEMBERSHIP) is formats.of(WRITTEN)


def test_events_are_written_under_the_name_of_their_channel() -> None:
    rooms = Rooms()
    written = _formats(rooms).of(Capability.COMMANDS)
    events = [RoomEvent.of_entry(NEWS, _entry(n, "clear_chat")) for n in (1, 2)]
    assert written.encode(events) == b""  # nobody is there any more
    rooms.enter(NEWS, "news")
    rooms.enter(NEWS, "news")
    rooms.leave(NEWS)
    assert written.encode(events) == b":tmi.twitch.tv CLEARCHAT #news\r\n" * 2
    rooms.leave(NEWS)
    assert rooms.name_of(NEWS) is None


def test_states_and_what_a_newer_version_says_are_left_out() -> None:
    rooms, troubles = Rooms(), list[str]()
    rooms.enter(NEWS, "news")
    events = [
        RoomEvent.of_state(ViewerCount(NEWS, 3)),
        RoomEvent.of_entry(NEWS, _entry(1, "fireworks")),
        RoomEvent.of_entry(NEWS, _entry(2, "clear_chat")),
    ]
    assert _formats(rooms, troubles).of(Capability.COMMANDS).encode(events) == b":tmi.twitch.tv CLEARCHAT #news\r\n"
    assert troubles == ["irc event"]


def test_a_change_of_modes_is_told_as_a_change() -> None:
    rooms = Rooms()
    rooms.enter(NEWS, "news")
    rooms.learn(NEWS, ChatSettings())
    first, second = _changed(1, ChatSettings(emote_only=True)), _changed(2, ChatSettings(unique_chat=True))
    for entry in (first, second):
        rooms.observe(NEWS, entry)
    rooms.learn(NEWS, ChatSettings(slow_mode=5))  # one who joins later knows no better
    lines = _formats(rooms).of(WRITTEN).encode([RoomEvent.of_entry(NEWS, entry) for entry in (first, second)])
    states = [line for line in lines.decode().splitlines() if "ROOMSTATE" in line]
    assert states == [
        "@emote-only=1;room-id=c1 :tmi.twitch.tv ROOMSTATE #news",
        "@emote-only=0;r9k=1;room-id=c1 :tmi.twitch.tv ROOMSTATE #news",
    ]
