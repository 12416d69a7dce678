"""What chatters report to moderators."""

from typing import Final, Literal

from chat.moderation.actor import Actor, Done
from chat.moderation.bell import Bell
from chat.moderation.desk import Case, Desk
from chat.moderation.messages import FindMessage
from chat.moderation.ranks import check
from chat.store import parties, reports
from schemas.chat import ChatMessage
from schemas.chat_api import Report
from schemas.errors import ApiError, ErrorCode
from schemas.ids import ChannelId, UserId
from schemas.socket import ReportFiled

PER_HOUR: Final = 10
"""Reports of one account, over all channels."""


class Reports:
    """Files reports and has them decided."""

    def __init__(self, desk: Desk, find: FindMessage, bell: Bell) -> None:
        self._desk = desk
        self._find = find
        self._bell = bell

    async def file(self, actor: Actor, channel: ChannelId, user: UserId, reason: str, message_id: str | None) -> Report:
        """Report somebody, perhaps for one message; each message once.

        Raises `ApiError`: NOT_FOUND, FORBIDDEN for oneself, INVALID_REQUEST when the message is somebody else's,
        DUPLICATE, RATE_LIMITED.
        """
        message = await self._message_of(channel, user, message_id)
        async with self._desk.pool.acquire() as connection, connection.transaction():
            _refuse_many(await reports.oldest_of_last_hour(connection, actor.id, PER_HOUR))
            found = await parties.find(connection, channel, [actor.id, user])
            if user not in found or actor.id not in found:
                raise ApiError(ErrorCode.NOT_FOUND, "There is no such account.")
            check("report", found[actor.id], found[user])
            report = await reports.add(connection, channel, actor.id, user, reason=reason, message=message)
            if report is None:
                raise ApiError(ErrorCode.DUPLICATE, "You have reported this message already.")
            filed = await reports.find(connection, channel, report)
        assert filed is not None
        await self._bell.ring(ReportFiled(channel, report))
        return filed

    async def decide(
        self, actor: Actor, channel: ChannelId, report: str, outcome: Literal["acted", "dismissed"]
    ) -> Report:
        """Note what came of a report; one that is decided stays so. Raises `ApiError` NOT_FOUND."""

        async def work(case: Case) -> Done:
            user = await reports.decide(case.connection, channel, report, outcome, case.actor.id)
            if user is None:
                return Done("This report is decided already.")
            details = {"report": report, "outcome": outcome}
            return await case.record("decide", "The report is decided.", target=user, details=details)

        await self._desk.do("decide", actor, channel, work)
        decided = await reports.find(self._desk.pool, channel, report)
        if decided is None:
            raise ApiError(ErrorCode.NOT_FOUND, "There is no such report.")
        return decided

    async def page(self, channel: ChannelId, *, after: reports.Cursor | None, limit: int) -> list[Report]:
        """Return up to `limit` reports behind that place: open ones first, newest first in each part."""
        return await reports.page(self._desk.pool, channel, after=after, limit=limit)

    async def _message_of(self, channel: ChannelId, user: UserId, message_id: str | None) -> ChatMessage | None:
        if message_id is None:
            return None
        message = await self._find(channel, message_id)
        if message is None:
            raise ApiError(ErrorCode.NOT_FOUND, "There is no such message, or it was taken away.")
        if message.user_id != user:
            reason = "is of somebody else"
            raise ApiError(ErrorCode.INVALID_REQUEST, f"messageId: {reason}", fields={"messageId": reason})
        return message


def _refuse_many(oldest_s: float | None) -> None:
    if oldest_s is not None:
        wait_ms = max(1_000, round((3_600 - oldest_s) * 1000))
        message = f"At most {PER_HOUR} reports an hour."
        raise ApiError(ErrorCode.RATE_LIMITED, message, retry_after_ms=wait_ms)
