"""Messages that wait for a moderator: kept, listed, approved or denied."""

import time
from typing import Final, Literal

from chat.moderation import telling
from chat.moderation.actor import Actor, Done
from chat.moderation.bell import Bell
from chat.moderation.desk import Case, Desk
from chat.standings import Standings
from chat.store import cards, held, parties
from chat.store.held import HeldRow
from schemas.chat import Authored
from schemas.chat_api import HeldMessage
from schemas.errors import ApiError, ErrorCode
from schemas.ids import ChannelId
from schemas.socket import HeldDecided, MessageHeld

FULL_RETRY_MS: Final = 60_000
Decision = Literal["approved", "denied"]
ACTIONS: Final[dict[Decision, Literal["approve", "deny"]]] = {"approved": "approve", "denied": "deny"}


class HeldQueue:
    """What waits."""

    def __init__(self, desk: Desk, bell: Bell, standings: Standings) -> None:
        self._desk = desk
        self._bell = bell
        self._standings = standings

    async def hold(self, message: Authored, held_id: str, key: str, reason: str) -> None:
        """Keep a message for a moderator's decision, and tell them. Again with the same key: nothing new.

        Raises `ApiError` RATE_LIMITED when more waits than moderators can look at.
        """
        outcome = await held.add(self._desk.pool, held_id, message, key, reason)
        if outcome == "full":
            text = "Moderators have to look at earlier messages first."
            raise ApiError(ErrorCode.RATE_LIMITED, text, retry_after_ms=FULL_RETRY_MS)
        if outcome == "new":
            now_ms = time.time_ns() // 1_000_000
            await self._bell.ring(
                MessageHeld(
                    message.channel_id,
                    held_id,
                    message.user_id,
                    message.username,
                    message.display_name,
                    message.content,
                    reason,
                    now_ms,
                )
            )

    async def approve(self, actor: Actor, channel: ChannelId, held_id: str) -> Done:
        """Say it: it gets its place now. Raises `ApiError`; CONFLICT when it was denied, or its author banned."""
        return await self._decide(actor, channel, held_id, "approved")

    async def deny(self, actor: Actor, channel: ChannelId, held_id: str) -> Done:
        """Have it never said. Raises `ApiError`; CONFLICT when it was approved."""
        return await self._decide(actor, channel, held_id, "denied")

    async def _decide(self, actor: Actor, channel: ChannelId, held_id: str, state: Decision) -> Done:
        decided: list[HeldRow] = []

        async def work(case: Case) -> Done:
            row = await _found(case, held_id)
            if row.state == state:
                return Done(f"This message is {state} already.")
            if row.state != "waiting":
                raise ApiError(ErrorCode.CONFLICT, f"This message is {row.state} already.")
            if state == "approved":
                await _refuse_silenced(case, row.message)
            await held.decide(case.connection, held_id, state, case.actor.id)
            decided.append(row)
            message = row.message
            return await case.record(
                ACTIONS[state],
                f"A message of {message.username} is {state}.",
                [telling.said(message)] if state == "approved" else (),
                target=message.user_id,
                message=message.id,
                details={"content": message.content},
            )

        done = await self._desk.do(ACTIONS[state], actor, channel, work)
        for row in decided:
            author, is_approved = row.message.user_id, state == "approved"
            await self._bell.ring(HeldDecided(channel, held_id, author, is_approved, actor.username))
            if is_approved and (person := await cards.person(self._desk.pool, author)):
                self._standings.chatted(person, channel)  # the next one is no first message
        return done

    async def page(self, channel: ChannelId, *, after: str | None, limit: int) -> list[HeldMessage]:
        """Return up to `limit` messages that wait, behind that one, oldest first."""
        return await held.page(self._desk.pool, channel, after=after, limit=limit)


async def _found(case: Case, held_id: str) -> HeldRow:
    row = await held.find(case.connection, case.channel, held_id)
    if row is None:
        raise ApiError(ErrorCode.NOT_FOUND, "There is no such message, or it waited for too long.")
    return row


async def _refuse_silenced(case: Case, message: Authored) -> None:
    """Raise CONFLICT for a message of somebody who may not chat meanwhile."""
    author = (await parties.find(case.connection, case.channel, [message.user_id])).get(message.user_id)
    if author is None or author.is_silenced:
        raise ApiError(ErrorCode.CONFLICT, f"{message.username} may not chat here now.")
