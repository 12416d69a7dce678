"""From a typed line to an event of the channel's log, by whatever way it came: socket, IRC, or the API.

The order matters: what nobody may say is refused first, then commands are obeyed, then it is looked at who speaks and
what the channel allows, and the log decides last, in one step with the append. A refusal uses up nothing: the same key
may be tried again, and gets the first answer once there was one.
"""

import re
import time
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import msgspec

from chat.believed import Trouble
from chat.entry import head_of_message
from chat.log.lines import Line
from chat.log.places import Held as HeldLine
from chat.log.places import Place
from chat.moderation.filters import Filter
from chat.people import Identity, Person, Standing
from chat.speech.composing import Composed, Composer, answer_to
from chat.speech.rates import Floods, rate_of
from chat.speech.text import Command, Spoken, check_key, digest, read
from chat.speech.words import has_link
from chat.standings import Standings
from schemas.chat import Authored, ChatMessage, ReplyTo
from schemas.errors import ApiError, ErrorCode
from schemas.ids import ChannelId, UserId, make_id
from schemas.socket import Ack, Held

RETRY_AFTER_MS: Final = 2_000
OURS: Final = (ErrorCode.UNAVAILABLE, ErrorCode.INTERNAL_ERROR)
"""Refusals that are not the author's fault."""
DOUBTED: Final = (ErrorCode.FOLLOWERS_ONLY, ErrorCode.SUBSCRIBERS_ONLY)
"""Refusals that a follow or subscription of just now would lift."""
WAITS: Final = "waits for a moderator"
MINUTE_MS: Final = 60_000
LATEST_MS: Final = (1 << 53) - 1
_ID: Final = re.compile(r"[A-Za-z0-9_]{1,64}")


class Said(msgspec.Struct, frozen=True):
    """What somebody typed. `reply_to` is the id of a message; `picture_at` (ms) what the author had on the screen.

    `message_id` is the id it gets if it becomes a message, "" for one that is made: IRC must know it before the message
    comes by, for nobody is told there what they said themselves.
    """

    channel_id: ChannelId
    content: str
    key: str
    reply_to: str | None = None
    picture_at: int | None = None
    message_id: str = ""


FindMessage = Callable[[ChannelId, str], Awaitable[ChatMessage | None]]
"""Finds a message that can be answered, by its id: in the room's ring or the database; not one that was taken away."""


class Log(Protocol):
    """Where messages get their place (chat.log.log.ChatLog)."""

    async def say(self, line: Line) -> Place | HeldLine:
        """Append a message, or hold it."""
        ...

    async def answered(self, channel: ChannelId, user: UserId, key: str) -> Place | HeldLine | None:
        """Return what a key was answered before, None if it was not."""
        ...


class Rules(Protocol):
    """What channels allow (chat.moderation.settings.ChannelSettings)."""

    async def filter_of(self, channel: ChannelId) -> Filter:
        """Return what judges the channel's messages."""
        ...


class Moderators(Protocol):
    """Who obeys commands and keeps what waits (chat.moderation.moderation.Moderation)."""

    async def obey(self, identity: Identity, standing: Standing, channel: ChannelId, command: str, key: str) -> str:
        """Do what a command says ("/timeout name 60"), once for a key; return what was done, in words.

        Raises `ApiError`.
        """
        ...

    async def hold(self, message: Authored, held_id: str, key: str, reason: str) -> None:
        """Keep a message for a moderator's decision, and tell them. Again with the same key: nothing new."""
        ...


class Speaking:
    """One per process. `now` is a monotonic clock in seconds, `now_ms` the time of day."""

    def __init__(
        self,
        *,
        log: Log,
        standings: Standings,
        composer: Composer,
        rules: Rules,
        moderators: Moderators,
        find: FindMessage,
        trouble: Trouble,
        failures: tuple[type[Exception], ...],
        now: Callable[[], float] = time.monotonic,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._log = log
        self._standings = standings
        self._composer = composer
        self._rules = rules
        self._moderators = moderators
        self._find = find
        self._trouble = trouble
        self._failures = failures
        self._now = now
        self._now_ms = now_ms
        self._floods = Floods()

    async def say(self, identity: Identity | None, said: Said) -> Ack | Held:
        """Say it, or obey it if it is a command, and return the answer for the author.

        Raises `ApiError` and nothing else but cancellation: with the code and, where waiting helps, `retry_after_ms`.
        """
        if identity is None:
            raise ApiError(ErrorCode.UNAUTHORIZED, "Sign in to chat.")
        try:
            self._floods.check(identity.person.id, self._now())
            return await self._say(identity, said)
        except ApiError as refusal:
            if refusal.body.code not in OURS:
                self._floods.refused(identity.person.id, self._now())
            raise
        except self._failures as error:
            self._trouble("chat", error)
            message = "This can't be said just now. Try again."
            raise ApiError(ErrorCode.UNAVAILABLE, message, retry_after_ms=RETRY_AFTER_MS) from error

    async def _say(self, identity: Identity, said: Said) -> Ack | Held:
        if not identity.may("chat:write"):
            raise ApiError(ErrorCode.FORBIDDEN, "This token may not write in chats.")
        check_key(said.key)
        person, channel = identity.person, said.channel_id
        typed = read(said.content)
        standing = await self._standings.of(person, channel)
        if isinstance(typed, Command):
            notice = await self._moderators.obey(identity, standing, channel, typed.line, said.key)
            return Ack(channel, said.key, notice=notice)
        try:
            return await self._speak(typed, person, standing, said)
        except ApiError as refusal:
            if refusal.body.code not in DOUBTED:
                raise
            newer = await self._standings.again(person, channel)
            if newer is None or newer == standing:
                raise
            return await self._speak(typed, person, newer, said)

    async def _speak(self, spoken: Spoken, person: Person, standing: Standing, said: Said) -> Ack | Held:
        try:
            composed, held_for = await self._judge(spoken, person, standing, said)
        except ApiError as refusal:
            # What was answered once is answered so again, whatever the channel's rules are by now.
            before = await self._log.answered(said.channel_id, person.id, said.key)
            if before is None or refusal.body.code in OURS:
                raise
            return _answer(said, before)
        message = composed.message
        answer = await self._log.say(self._line(composed, person, standing, said, make_id() if held_for else ""))
        if isinstance(answer, HeldLine):
            await self._moderators.hold(message, answer.held_id, said.key, held_for or WAITS)
        else:
            self._standings.chatted(person, said.channel_id)
        return _answer(said, answer)

    async def _judge(self, spoken: Spoken, person: Person, standing: Standing, said: Said) -> tuple[Composed, str]:
        """Return the message and why it waits for a moderator, "" if it does not. Raises NOT_FOUND, BLOCKED_TERM,
        LINKS_NOT_ALLOWED.
        """
        rules = await self._rules.filter_of(said.channel_id)
        content = spoken.content
        verdict = rules.judge(content, has_link=has_link(content), standing=standing)
        composed = await self._composer.compose(
            spoken,
            person,
            standing,
            said.channel_id,
            reply_to=await self._parent(said),
            picture_at=_believable(said.picture_at),
            message_id=said.message_id,
        )
        return composed, verdict.held_for

    async def _parent(self, said: Said) -> ReplyTo | None:
        if not said.reply_to:
            return None
        parent = await self._find(said.channel_id, said.reply_to) if _ID.fullmatch(said.reply_to) else None
        if parent is None:
            raise ApiError(ErrorCode.NOT_FOUND, "The message that you answer is gone.")
        return answer_to(parent)

    def _line(self, composed: Composed, person: Person, standing: Standing, said: Said, held_id: str) -> Line:
        message, rate, now_ms = composed.message, rate_of(person, standing), self._now_ms()
        followed_at = standing.followed_at_ms
        return Line(
            channel=said.channel_id,
            user=person.id,
            key=said.key,
            id=message.id,
            head=head_of_message(message),
            digest=digest(message.content),
            characters=len(message.content),
            is_privileged=standing.moderates or standing.role == "vip",
            interval_ms=rate.interval_ms,
            burst=rate.burst,
            follows_minutes=-1 if followed_at is None else max(0, now_ms - followed_at) // MINUTE_MS,
            is_subscriber=standing.subscription_tier > 0,
            account_minutes=max(0, now_ms - person.created_at_ms) // MINUTE_MS,
            only_emotes=composed.is_only_emotes,
            held_id=held_id,
        )


def _answer(said: Said, answer: Place | HeldLine) -> Ack | Held:
    if isinstance(answer, HeldLine):
        return Held(said.channel_id, said.key, answer.held_id)
    return Ack(said.channel_id, said.key, answer.id, answer.seq, answer.epoch)


def _believable(picture_at: int | None) -> int | None:
    """Return a time of a picture that can be one; whether it fits the message is seen when it is kept."""
    return picture_at if picture_at is not None and 0 < picture_at <= LATEST_MS else None
