"""Raids: at the end of a stream its viewers are sent to another channel, which is told who comes."""

from typing import Final

from chat.log.acts import ActEvent
from chat.moderation import telling
from chat.moderation.actor import Actor, Done
from chat.moderation.desk import Case, Desk
from chat.store import acts, bans, raids
from chat.store.raids import End
from schemas.errors import ApiError, ErrorCode
from schemas.ids import ChannelId

PAUSE_S: Final = 60
"""Between two raids of a channel."""


class Raids:
    """Sends viewers."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def start(self, actor: Actor, channel: ChannelId, target: str) -> Done:
        """Send the viewers of a live channel to another, named by name or id.

        Raises `ApiError`: NOT_FOUND, CONFLICT off the air, FORBIDDEN where the other does not want it or could not
        be watched, RATE_LIMITED.
        """
        there = await raids.channel_id(self._desk.pool, target)
        if there is None:
            raise ApiError(ErrorCode.NOT_FOUND, "There is no such channel.")
        if there == channel:
            raise ApiError(ErrorCode.CONFLICT, "A channel can't raid itself.")

        async def work(case: Case) -> Done:
            source, goal = await raids.ends(case.connection, channel, there)
            await _check(case, source, goal)
            viewers = source.viewer_count or 0
            notice = f"Your viewers are sent to {goal.display_name}."
            details = {"channel": goal.name, "viewers": str(viewers)}
            done = await case.record("raid", notice, [_raid("out", source, goal, viewers)], details=details)
            arrival = [_raid("in", goal, source, viewers)]
            details = {"channel": source.name, "viewers": str(viewers)}
            await case.record("raided", "", arrival, channel=there, details=details)
            return done

        return await self._desk.do("raid", actor, channel, work, also=[there])


async def _check(case: Case, source: End, goal: End) -> None:
    if source.viewer_count is None:
        raise ApiError(ErrorCode.CONFLICT, "Only a channel that is live can raid another.")
    if not goal.is_public:
        raise ApiError(ErrorCode.FORBIDDEN, f"{goal.display_name} can't be watched by everybody.")
    if await bans.find(case.connection, goal.id, source.user_id) is not None:
        raise ApiError(ErrorCode.FORBIDDEN, f"{goal.display_name} does not want raids from this channel.")
    ago_s = await acts.seconds_since(case.connection, source.id, "raid")
    if ago_s is not None and ago_s < PAUSE_S:
        wait_ms = round((PAUSE_S - ago_s) * 1000)
        raise ApiError(ErrorCode.RATE_LIMITED, "One raid a minute is enough.", retry_after_ms=wait_ms)


def _raid(direction: str, here: End, other: End, viewers: int) -> ActEvent:
    return telling.event(
        "raid",
        here.id,
        direction=direction,
        otherChannelId=other.id,
        otherName=other.name,
        otherDisplayName=other.display_name,
        viewerCount=viewers,
    )
