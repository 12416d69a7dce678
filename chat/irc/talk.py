"""The life of one IRC client: what it sends goes to its `IrcConnection`, what is to be done to the hub and the log."""

import asyncio
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

import msgspec

from chat.irc import notices, replies
from chat.irc.capabilities import Capability
from chat.irc.connection import Action, Adapt, Close, Enter, Exit, IrcConnection, Say, SignIn
from chat.irc.formats import Formats, Rooms
from chat.irc.wire import IrcWire
from chat.log.calls import Trouble
from chat.moderation.commands import ALIASES, TABLE
from chat.people import IdentifyToken, MayRead, Recheck, Standing
from chat.rooms.hub import Hub
from chat.rooms.room import Visit
from chat.rooms.sources import StandingOf
from chat.sockets.conversation import Speak
from chat.sockets.places import Places
from chat.speaking import Said
from schemas.chat import KEY_MAX
from schemas.errors import ApiError, ErrorCode
from schemas.ids import ChannelId, make_id
from schemas.socket import Ack, HeldDecided, Joined, Reconnect, ServerMessage

ACTION_S: Final = 10.0
"""For one thing that a client asks for, all its waits together."""
RECHECK_S: Final = 40.0
"""How long an identity is believed."""
WAITING_MAX: Final = 64
"""Things asked for that are not done; then no more is read until they are."""
RETRY_AFTER_MS: Final = 2_000
_KEY: Final = re.compile(rf"[\x21-\x7e]{{1,{KEY_MAX}}}")


class Named(msgspec.Struct, frozen=True):
    """A channel, found by its name."""

    id: ChannelId
    name: str


FindChannel = Callable[[str], Awaitable[Named | None]]
"""Finds a channel by its name (or id). Raises as databases do."""


@dataclass(frozen=True, kw_only=True)
class House:
    """What all clients of a process share. `failures`: what the functions raise when a database does not answer."""

    hub: Hub
    speak: Speak
    identify_token: IdentifyToken
    recheck: Recheck
    find_channel: FindChannel
    may_read: MayRead
    standing_of: StandingOf
    places: Places
    rooms: Rooms
    formats: Formats
    trouble: Trouble
    failures: tuple[type[Exception], ...]


class Talk:
    """One per client; `run` must be running. Its owner closes the connection when that has returned."""

    def __init__(self, house: House, wire: IrcWire) -> None:
        self._house = house
        self._failures: tuple[type[Exception], ...] = (*house.failures, TimeoutError)
        self.wire = wire
        self.connection = IrcConnection(now=time.monotonic())
        self._joined: dict[str, ChannelId] = {}
        self._is_rejoining = False
        self._rechecked_at = time.monotonic()
        self._actions: deque[Action] = deque()
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._stack = ExitStack()
        wire.on_told = self._told
        wire.on_expelled = self._expelled

    # --- what comes in ---

    def receive(self, data: bytes) -> None:
        """Take bytes of the client."""
        self._note(self.connection.receive_data(data, time.monotonic()))

    def tick(self) -> None:
        """Look whether the client is still there."""
        self._note(self.connection.tick(time.monotonic()))

    @property
    def is_full(self) -> bool:
        """Whether nothing more is to be read just now; `has_room` waits for the end of that."""
        return len(self._actions) >= WAITING_MAX

    @property
    def is_doubtful(self) -> bool:
        """Whether `recheck` is due."""
        return self.wire.identity is not None and time.monotonic() - self._rechecked_at > RECHECK_S

    async def has_room(self) -> None:
        """Wait until more may be read."""
        await self._room.wait()

    def _note(self, actions: list[Action]) -> None:
        self.flush()
        self._actions += actions
        if self._actions:
            self._wake.set()
        if self.is_full:
            self._room.clear()

    def flush(self) -> None:
        """Write what is to be written."""
        self.wire.send(self.connection.data_to_send())

    # --- what is done ---

    async def run(self) -> str:
        """Do what the client asks for, one after the other; returns why it is to be closed."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._actions:
                    action = self._actions.popleft()
                    if len(self._actions) < WAITING_MAX:
                        self._room.set()
                    if isinstance(action, Close):
                        return action.reason
                    ended = await self._do(action)
                    self.flush()
                    if ended:
                        return ended.reason
        finally:
            self.flush()
            for name in list(self._joined):
                self._leave(name)
            self._stack.close()

    def end(self, reason: str, text: str) -> None:
        """Say why, and close; what is not done by now is not done any more."""
        self._actions.clear()
        self.connection.send(replies.notice("*", "", text, self.connection.capabilities))
        self._note([Close(reason)])

    async def recheck(self) -> bool:
        """Look at the identity again; if its token has ended, end and return False. Raises as databases do."""
        identity = self.wire.identity
        if identity is None:
            return True
        self._rechecked_at = time.monotonic()
        found = await self._house.recheck(identity)
        if found is None:
            self.end("signed out", "Login authentication failed")
            return False
        self.wire.identity = found
        return True

    async def _do(self, action: Action) -> Close | None:
        match action:
            case SignIn(token):
                return await self._sign_in(token)
            case Enter(name):
                await self._enter(name)
            case Exit(name):
                self._leave(name)
                self.connection.send(replies.parted(self.connection.nick, name))
            case Say():
                await self._say(action)
            case Adapt():
                await self._adapt()
        return None

    async def _sign_in(self, token: str) -> Close | None:
        house, connection = self._house, self.connection
        identity = None
        if token:
            try:
                async with asyncio.timeout(ACTION_S):
                    identity = await house.identify_token(token)
                if identity is None:
                    return connection.reject()
                self._stack.enter_context(house.places.taken_by(identity.person.id))
            except ApiError as refusal:
                return connection.reject(refusal.body.message)
            except self._failures as error:
                house.trouble("irc sign-in", error)
                return connection.reject("Nobody can sign in just now. Try again.")
        self.wire.identity = identity
        connection.admit(identity.person.username if identity else connection.nick)
        if identity:
            connection.send(*replies.global_user_state(identity, connection.capabilities))
        return None

    # --- channels ---

    async def _enter(self, name: str) -> None:
        try:
            async with asyncio.timeout(ACTION_S):
                channel = await self._house.find_channel(name)
                if channel is None:
                    raise ApiError(ErrorCode.NOT_FOUND, "This channel does not exist or has been suspended.")
                await self._join(channel, Visit(self.wire.identity))
        except ApiError as refusal:
            self._not_joined(name, refusal)
        except self._failures as error:
            self._house.trouble("irc join", error)
            self._not_joined(name, _unavailable())

    async def _join(self, channel: Named, visit: Visit) -> None:
        """Be in a channel; `joined` is told on the way. Raises `ApiError`, and what databases raise."""
        self._house.rooms.enter(channel.id, channel.name)
        self._joined[channel.name] = channel.id
        try:
            await self._house.hub.join(self.wire, channel.id, visit)
        except BaseException:
            self._leave(channel.name)
            raise

    def _not_joined(self, name: str, refusal: ApiError) -> None:
        self.connection.refused(name)
        self._notice(name, notices.refusal(refusal.body, ""), refusal.body.message)

    def _leave(self, name: str) -> None:
        channel_id = self._joined.pop(name, None)
        if channel_id is not None:
            self._house.hub.leave(self.wire, channel_id)
            self._house.rooms.leave(channel_id)

    async def _adapt(self) -> None:
        """Write otherwise from now on: that is done by leaving all rooms and coming back to where one was."""
        hub, joined = self._house.hub, list(self._joined.items())
        visits = []
        for name, channel_id in joined:
            room = hub.rooms.get(channel_id)
            place = room.ring.end if room else None
            visits.append((Named(channel_id, name), place if place and place.epoch else None))
            self._house.rooms.enter(channel_id, name)  # so that nothing is forgotten between
            self._leave(name)
        self.wire.format = self._house.formats.of(self.connection.capabilities)
        self._is_rejoining = True
        try:
            for channel, place in visits:
                await self._come_back(channel, Visit(self.wire.identity, place=place))
        finally:
            self._is_rejoining = False
            for channel, _ in visits:
                self._house.rooms.leave(channel.id)

    async def _come_back(self, channel: Named, visit: Visit) -> None:
        try:
            async with asyncio.timeout(ACTION_S):
                await self._join(channel, visit)
        except ApiError as refusal:
            self._expel(channel.name, refusal)
        except self._failures as error:
            self._house.trouble("irc join", error)
            self._expel(channel.name, _unavailable())

    def _expel(self, name: str, refusal: ApiError) -> None:
        self._not_joined(name, refusal)
        self.connection.send(replies.parted(self.connection.nick, name))

    # --- what is told to this client alone ---

    def _told(self, message: ServerMessage) -> None:
        match message:
            case Joined() if not self._is_rejoining:
                self._greet(message)
            case Reconnect():
                if Capability.COMMANDS in self.connection.capabilities:
                    self.connection.send(f":{replies.HOST} RECONNECT")
            case HeldDecided(is_approved=False) if message.user_id == self.wire.user_id:
                name = self._house.rooms.name_of(message.channel_id)
                if name:
                    self._notice(name, "msg_rejected", "A moderator did not let your message pass.")
            case _:
                return
        self.flush()

    def _greet(self, joined: Joined) -> None:
        name = self._house.rooms.name_of(joined.channel_id)
        assert name is not None
        connection, identity, you = self.connection, self.wire.identity, joined.you
        self._house.rooms.learn(joined.channel_id, joined.settings)
        connection.send(*replies.joined(connection.nick, name))
        if identity is not None:
            connection.send(*replies.user_state(identity, you.badges, name, connection.capabilities))
        modes = replies.modes(joined.settings)
        connection.send(*replies.room_state(name, joined.channel_id, modes, connection.capabilities))

    def _expelled(self, channel_id: ChannelId) -> None:
        name = next((name for name, joined in self._joined.items() if joined == channel_id), None)
        if name is not None:
            self._leave(name)
            self._expel(name, ApiError(ErrorCode.FORBIDDEN, "You may not watch this channel any more."))
            self.flush()

    # --- messages ---

    async def _say(self, say: Say) -> None:
        content, command = as_typed(say.content)
        try:
            async with asyncio.timeout(ACTION_S):
                if self.is_doubtful and not await self.recheck():
                    return
                channel_id = self._joined.get(say.channel) or await self._reachable(say.channel)
                answer, standing = await self._spoken(channel_id, say, content, is_command=bool(command))
        except ApiError as refusal:
            self._notice(say.channel, notices.refusal(refusal.body, command), refusal.body.message)
            return
        except self._failures as error:
            self._house.trouble("irc message", error)
            self._notice(say.channel, notices.OTHER_REFUSAL, "That can't be done just now. Try again.")
            return
        if isinstance(answer, Ack) and command:
            # tmi.js takes what stands behind the colon of /mods apart at its commas.
            text = answer.notice.removesuffix(".") if command == "mods" else answer.notice
            self._notice(say.channel, notices.done(command), text)
        elif isinstance(answer, Ack) and self.wire.identity:
            more = {"id": answer.message_id, "client_nonce": say.key}
            states = replies.user_state(
                self.wire.identity, standing.badges, say.channel, self.connection.capabilities, **more
            )
            self.connection.send(*states)
        else:
            self._notice(say.channel, notices.OTHER_REFUSAL, "Your message waits for a moderator.")

    async def _reachable(self, name: str) -> ChannelId:
        """Return a channel that is spoken to without being joined, as bots do. Raises NOT_FOUND, FORBIDDEN."""
        channel = await self._house.find_channel(name)
        if channel is None:
            raise ApiError(ErrorCode.NOT_FOUND, "This channel does not exist or has been suspended.")
        if not await self._house.may_read(self.wire.identity, channel.id, None):
            raise ApiError(ErrorCode.FORBIDDEN, "You may not watch this channel.")
        return channel.id

    async def _spoken(
        self, channel_id: ChannelId, say: Say, content: str, *, is_command: bool
    ) -> tuple[object, Standing]:
        identity, message_id = self.wire.identity, make_id()
        key = say.key if _KEY.fullmatch(say.key) else message_id
        is_shown = say.channel in self._joined and not is_command
        if is_shown:
            self.wire.hide(message_id)  # it may come by before the answer does
        answer: object = None
        try:
            said = Said(channel_id, content, key, say.reply_to or None, message_id=message_id)
            answer = await self._house.speak(identity, said)
        finally:
            if not (isinstance(answer, Ack) and answer.message_id == message_id):
                self.wire.hidden.discard(message_id)
        assert identity is not None
        return answer, await self._house.standing_of(identity.person, channel_id)

    def _notice(self, channel: str, message_id: str, text: str) -> None:
        self.connection.send(replies.notice(f"#{channel}", message_id, text, self.connection.capabilities))


def as_typed(content: str) -> tuple[str, str]:
    """Return what is to be said or obeyed, and the name of the command in it, "" for none.

    Commands of IRC clients begin with a dot as well as with a slash, which many clients keep for themselves.
    """
    if not content.startswith(("/", ".")):
        return content, ""
    typed = content[1:].partition(" ")[0].lower()
    name = ALIASES.get(typed, typed)
    if content.startswith(".") and name not in TABLE and name != "me":
        return content, ""
    is_said = name == "me" or content.startswith("//")
    return f"/{content[1:]}", "" if is_said else name


def _unavailable() -> ApiError:
    message = "The channel can't be read just now. Try again."
    return ApiError(ErrorCode.UNAVAILABLE, message, retry_after_ms=RETRY_AFTER_MS)
