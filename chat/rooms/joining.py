"""What has to be known before somebody can be a member: is there such a channel, may they read it, what did they miss.

In a storm of reconnections nearly all of it is in memory: the state of the channel, that everybody may read it, what
was missed. Of those who are signed in, Redis is asked whether they are banned (many in one pipeline).
"""

import asyncio
import time
from typing import Final

import msgspec

from chat.people import Identity
from chat.rooms.room import Room, Visit
from chat.rooms.sources import Sources
from chat.rooms.states import ChannelState, States
from chat.rooms.tail import Log
from schemas.chat import ChatSettings, Pinned, You
from schemas.errors import ApiError, ErrorCode
from schemas.ids import ChannelId
from schemas.socket import Joined

PUBLIC_S: Final = 1.0
"""How long it is believed that everybody may read a channel."""
SENT_S: Final = 1.0
"""How long a join waits for the pass that sends what its client has from another process already."""
LOOK_S: Final = 0.02


class Ready(msgspec.Struct, frozen=True):
    """What a join found out."""

    state: ChannelState
    settings: ChatSettings
    you: You
    moderates: bool
    moderates_always: bool
    """Whatever roles are given and taken."""


class Joining:
    """One per hub."""

    def __init__(self, log: Log, sources: Sources, states: States) -> None:
        self._log = log
        self._sources = sources
        self._states = states

    async def prepare(self, room: Room, visit: Visit) -> Ready:
        """Find out everything. Raises `ApiError`, and what the sources raise."""
        channel, identity = room.channel_id, visit.identity
        state = await self._states.of(room)
        if state is None:
            raise ApiError(ErrorCode.NOT_FOUND, "There is no such channel.")
        if not await self.may_read(room, visit):
            raise ApiError(ErrorCode.FORBIDDEN, "You may not watch this channel.")
        await room.tail.open()
        if visit.place is not None:
            await self._reach(room, visit.place.seq)
            await room.past.reach(visit.place)
        if room.pinned is msgspec.UNSET:
            room.pin(await self._sources.pinned_of(channel))
        settings = await self._sources.settings_of(channel)
        you = await self._you(identity, channel)
        moderates = moderates_always = False
        if identity is not None and identity.may("chat:moderate"):
            standing = await self._sources.standing_of(identity.person, channel)
            moderates = standing.moderates
            moderates_always = standing.is_admin or standing.role == "broadcaster"
        if not moderates:
            settings = msgspec.structs.replace(settings, blocked_terms=None, held_terms=None)
        # the state again: all that was a while, and the events of it may have been sent before the member entered
        return Ready(await self._states.of(room) or state, settings, you, moderates, moderates_always)

    async def may_read(self, room: Room, visit: Visit) -> bool:
        """Whether somebody may see what is said in a room. Raises what the sources raise."""
        identity = visit.identity
        if identity is not None and not identity.may("chat:read"):
            return False
        if await self.is_public(room):
            return True
        return await self._sources.may_read(identity, room.channel_id, visit.key)

    async def is_public(self, room: Room) -> bool:
        """Whether everybody may."""
        if room.public_until > time.monotonic():
            return True
        is_public = await self._sources.may_read(None, room.channel_id, None)
        if is_public:
            room.public_until = time.monotonic() + PUBLIC_S
        return is_public

    def joined(self, room: Room, visit: Visit, ready: Ready) -> Joined:
        """Return what the member is told, as things are now."""
        state, end = ready.state, room.ring.end
        started_at = state.started_at.isoformat().replace("+00:00", "Z") if state.started_at else None
        return Joined(
            channel_id=room.channel_id,
            is_live=state.session_id is not None,
            session_id=state.session_id,
            started_at=started_at,
            viewer_count=state.viewer_count,
            is_reconnecting=state.returns_until_ms is not None,
            epoch=end.epoch,
            last_seq=end.seq,
            is_resumed=visit.place is not None and room.ring.knows(visit.place),
            settings=ready.settings,
            you=ready.you,
            pinned=_still(room.pinned),
            chatters=room.chatters,
        )

    async def _you(self, identity: Identity | None, channel: ChannelId) -> You:
        if identity is None:
            return await self._sources.you_of(None, channel, None)
        banned_until = await self._log.ban_of(channel, identity.person.id)
        return await self._sources.you_of(identity.person, channel, banned_until)

    async def _reach(self, room: Room, seq: int) -> None:
        """Wait until what the client has seen elsewhere was sent here too: else it would get it twice."""
        if room.ring.end.seq >= seq:
            return
        if (await room.tail.open()).seq < seq:
            await room.tail.fill()
        if (await room.tail.open()).seq < seq:
            return  # the log has lost it
        for _ in range(round(SENT_S / LOOK_S)):
            if room.ring.end.seq >= seq:
                return
            await asyncio.sleep(LOOK_S)


def _still(pinned: Pinned | msgspec.UnsetType | None) -> Pinned | None:
    if pinned is msgspec.UNSET or pinned is None:
        return None
    return pinned if pinned.until is None or pinned.until > time.time_ns() // 1_000_000 else None
