"""How every act goes: look who is who, check, do it, write it into the audit log, commit, tell the channel's log."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Final

import msgspec

from chat.log.acts import ActEvent
from chat.moderation.actor import Actor, Done
from chat.moderation.outbox import Outbox
from chat.moderation.ranks import Action, check
from chat.store import Connection, acts, parties
from chat.store.acts import NewAct
from chat.store.parties import Party
from config.postgres import Pool
from schemas.errors import ApiError, ErrorCode
from schemas.ids import ChannelId, UserId, make_id

DETAIL_MAX: Final = 500
"""Characters of one detail in the audit log."""


class Case:
    """An act under way, in its transaction; the channel is locked, so that acts follow each other there."""

    def __init__(
        self, connection: Connection, channel: ChannelId, actor: Party, target: Party | None, request: str
    ) -> None:
        self.connection = connection
        self.channel = channel
        self.actor = actor
        self._target = target
        self._request = request

    @property
    def target(self) -> Party:
        """Whom it is aimed at; only in acts that were begun with one."""
        assert self._target is not None
        return self._target

    async def record(
        self,
        action: str,
        notice: str,
        events: Sequence[ActEvent] = (),
        *,
        channel: ChannelId | None = None,
        target: UserId | None = None,
        message: str | None = None,
        details: Mapping[str, str] | None = None,
    ) -> Done:
        """Write the act and what its channel's log is to be told. `channel`: another one, locked with this case."""
        act_id = make_id()
        await acts.write(
            self.connection,
            NewAct(
                id=act_id,
                channel_id=channel or self.channel,
                actor_id=self.actor.id,
                action=action,
                target_id=target or (self._target.id if self._target else None),
                message_id=message,
                details={name: text[:DETAIL_MAX] for name, text in (details or {}).items() if text},
                events=msgspec.json.encode(list(events)).decode() if events else None,
                request=self._take_request() if channel in (None, self.channel) else None,
                notice=notice,
            ),
        )
        return Done(notice, act_id)

    def _take_request(self) -> str | None:
        """Return what the request was called, for the first line of an act that has several."""
        request, self._request = self._request, ""
        return request or None


Work = Callable[[Case], Awaitable[Done]]


class Desk:
    """Where acts are done."""

    def __init__(self, pool: Pool, outbox: Outbox) -> None:
        self.pool = pool
        self.outbox = outbox

    async def do(
        self,
        action: Action,
        actor: Actor,
        channel: ChannelId,
        work: Work,
        *,
        target: UserId | None = None,
        also: Collection[ChannelId] = (),
    ) -> Done:
        """Do an act, or answer a request that was obeyed already with the words of then.

        `also`: other channels that it acts in. Raises `ApiError`: NOT_FOUND, FORBIDDEN, TIMED_OUT and what the work
        raises; as databases do.
        """
        channels = {channel, *also}
        async with self.pool.acquire() as connection, connection.transaction():
            if await parties.lock(connection, channels) != channels:
                raise ApiError(ErrorCode.NOT_FOUND, "There is no such channel.")
            if actor.request and (answer := await acts.answered(connection, channel, actor.id, actor.request)):
                return Done(answer[1], answer[0])
            case = await self._open(connection, action, actor, channel, target)
            done = await work(case)
        await self.outbox.tell(channels)
        return done

    async def look(self, actor: Actor, channel: ChannelId, action: Action = "look") -> Party:
        """Return what somebody is to the channel, for what changes nothing. Raises `ApiError` NOT_FOUND, FORBIDDEN."""
        found = (await parties.find(self.pool, channel, [actor.id])).get(actor.id)
        if found is None:
            raise ApiError(ErrorCode.NOT_FOUND, "There is no such channel.")
        check(action, found)
        return found

    async def _open(
        self, connection: Connection, action: Action, actor: Actor, channel: ChannelId, target: UserId | None
    ) -> Case:
        found = await parties.find(connection, channel, [actor.id] if target is None else [actor.id, target])
        here = found.get(actor.id)
        if here is None:
            raise ApiError(ErrorCode.UNAUTHORIZED, "This account does not exist any more.")
        aimed = None if target is None else found.get(target)
        check(action, here, aimed)  # who may not do it is told so before what there is to do it to
        if target is not None and aimed is None:
            raise ApiError(ErrorCode.NOT_FOUND, "There is no such account.")
        return Case(connection, channel, here, aimed, actor.request)
