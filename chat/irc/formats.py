"""How rooms are written to IRC clients: once for all with the same capabilities, so in four ways at most."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

import msgspec

from chat.entry import Entry, event
from chat.irc.capabilities import Capability
from chat.irc.dialect import Writer
from chat.log.calls import Trouble
from chat.rooms.formats import RoomEvent
from schemas.chat import ChatSettings
from schemas.ids import ChannelId
from schemas.socket import Placed, SettingsChanged

CHANGES_MAX: Final = 256
"""Changes of modes that are remembered until they are written, which is within a tenth of a second."""
WRITTEN: Final = Capability.TAGS | Capability.COMMANDS
"""The capabilities that make a difference to what is written."""


class Rooms:
    """Names and modes of the channels that IRC clients of this process are in: events name ids and whole settings."""

    def __init__(self) -> None:
        self._names: dict[ChannelId, str] = {}
        self._clients: dict[ChannelId, int] = {}
        self._modes: dict[ChannelId, ChatSettings] = {}
        self._before: OrderedDict[tuple[ChannelId, int], ChatSettings] = OrderedDict()

    def enter(self, channel_id: ChannelId, name: str) -> None:
        """Note that a client is about to be in a channel."""
        self._names[channel_id] = name
        self._clients[channel_id] = self._clients.get(channel_id, 0) + 1

    def leave(self, channel_id: ChannelId) -> None:
        """Note that a client is in a channel no more; nothing is kept of channels without any."""
        self._clients[channel_id] -= 1
        if not self._clients[channel_id]:
            del self._names[channel_id], self._clients[channel_id]
            self._modes.pop(channel_id, None)

    def name_of(self, channel_id: ChannelId) -> str | None:
        """Return the name of a channel that somebody is in."""
        return self._names.get(channel_id)

    def learn(self, channel_id: ChannelId, settings: ChatSettings) -> None:
        """Note how a channel is set, from what the first client there is told."""
        self._modes.setdefault(channel_id, settings)

    def observe(self, channel_id: ChannelId, entry: Entry) -> None:
        """Follow changes of modes: for `Hub.watch`, which tells of an entry before it is written."""
        if entry.kind != "settings_changed" or channel_id not in self._names:
            return
        told = event(entry)
        assert isinstance(told, SettingsChanged)
        before = self._modes.get(channel_id)
        self._modes[channel_id] = told.settings
        if before is not None:
            self._before[channel_id, entry.seq] = before
            if len(self._before) > CHANGES_MAX:
                self._before.popitem(last=False)

    def before(self, channel_id: ChannelId, seq: int) -> ChatSettings | None:
        """Return the settings before that change of them, None if they are not known."""
        return self._before.get((channel_id, seq))


class IrcFormat:
    """One of the ways of writing."""

    def __init__(self, capabilities: Capability, rooms: Rooms, trouble: Trouble) -> None:
        self._writer = Writer(capabilities)
        self._rooms = rooms
        self._trouble = trouble

    def encode(self, events: Sequence[RoomEvent]) -> bytes:
        """Return the lines of these events, b"" for none."""
        lines: list[str] = []
        for happened in events:
            name = self._rooms.name_of(happened.channel_id)
            if name is None or not happened.seq:  # states, such as how many watch, are not told on IRC
                continue
            try:
                lines += self._lines(happened, name)
            except msgspec.ValidationError as error:  # of a newer version; those behind it go on
                self._trouble("irc event", error)
        return "".join(f"{line}\r\n" for line in lines).encode(errors="replace")

    def _lines(self, happened: RoomEvent, name: str) -> list[str]:
        told = happened.event
        if not isinstance(told, Placed):
            return []
        return self._writer.write(told, name, self._rooms.before(happened.channel_id, happened.seq))


class Formats:
    """All ways of writing of a process."""

    def __init__(self, rooms: Rooms, trouble: Trouble) -> None:
        ways = (Capability.PLAIN, Capability.TAGS, Capability.COMMANDS, WRITTEN)
        self._formats = {way: IrcFormat(way, rooms, trouble) for way in ways}

    def of(self, capabilities: Capability) -> IrcFormat:
        """Return the way to write for a client with these capabilities."""
        return self._formats[capabilities & WRITTEN]
