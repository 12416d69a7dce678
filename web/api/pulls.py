"""A channel's stream fetched from elsewhere: where from, and how that goes."""

import structlog

from config.addresses import Reach
from config.sealing import CannotOpen
from schemas import api
from schemas.errors import ApiError, ErrorCode
from schemas.ids import ChannelId, make_id
from web import outside
from web.api import jobs
from web.api.relay import ticket_of
from web.calls import Call
from web.services import Services
from web.store import pulls
from web.store.pulls import PullRow
from web.store.users import Account
from web.tokens import digest

NOT_ALLOWED = "An administrator must allow this account to have streams fetched."
log = structlog.get_logger()


def may_pull(account: Account) -> bool:
    """Whether an account may have its channels fetched from elsewhere."""
    return account.is_admin or account.may_pull


async def get_pull(call: Call[None]) -> api.PullInfo:
    """Show where my channel is fetched from."""
    return await _info(call.services, call.channel.id, call.account)


async def put_pull(call: Call[api.PutPull]) -> api.PullInfo:
    """Fetch my channel from there, or turn that on or off. What an administrator set up, every owner may switch."""
    wanted, services, channel = call.input, call.services, call.channel.id
    found = await pulls.find(services.pool, channel)
    if isinstance(wanted.url, str):
        _refuse_others(call.account)
        await put(services, channel, wanted.url, is_enabled=wanted.is_enabled, is_trusted=call.account.is_admin)
    elif found is None:
        raise ApiError(ErrorCode.NOT_FOUND, "This channel is not fetched from anywhere: send a url.")
    else:
        if wanted.is_enabled and not found.is_trusted:
            _refuse_others(call.account)
        await pulls.switch(services.pool, channel, is_enabled=wanted.is_enabled)
    log.info("pull set", channel=channel, enabled=wanted.is_enabled, by=call.account.id)
    return await _info(services, channel, call.account)


async def delete_pull(call: Call[None]) -> api.Nothing:
    """Fetch my channel from nowhere."""
    await pulls.remove(call.services.pool, call.channel.id)
    log.info("pull removed", channel=call.channel.id, by=call.account.id)
    return api.Nothing()


async def put(services: Services, channel: ChannelId, url: str, *, is_enabled: bool, is_trusted: bool) -> None:
    """Fetch a channel from this address. Raises FORBIDDEN and INVALID_REQUEST."""
    parts = outside.check("url", url, Reach(services.settings.pull_allow))
    if parts.scheme in outside.ADMINISTRATORS and not is_trusted:
        raise ApiError(ErrorCode.FORBIDDEN, f"Only administrators may have {parts.scheme} addresses fetched.")
    if await _is_same(services, channel, url, is_trusted=is_trusted):
        await pulls.switch(services.pool, channel, is_enabled=is_enabled)  # what runs goes on
        return
    job = make_id()
    await pulls.put(
        services.pool,
        channel,
        job=job,
        url=services.seal.close(url),
        shown_url=outside.shown(url),
        key_hash=digest(ticket_of(services.settings.secret, job)),
        is_enabled=is_enabled,
        is_trusted=is_trusted,
    )


async def _is_same(services: Services, channel: ChannelId, url: str, *, is_trusted: bool) -> bool:
    before = await pulls.sealed_url(services.pool, channel)
    if before is None or before[1] != is_trusted:
        return False
    try:
        return services.seal.open(before[0]) == url
    except CannotOpen:  # with another TALLY_SECRET its ticket is another one too
        return False


def _refuse_others(account: Account) -> None:
    if not may_pull(account):
        raise ApiError(ErrorCode.FORBIDDEN, NOT_ALLOWED)


async def _info(services: Services, channel: ChannelId, account: Account) -> api.PullInfo:
    found = await pulls.find(services.pool, channel)
    return api.PullInfo(await present(services, found) if found else None, may_pull(account))


async def present(services: Services, row: PullRow) -> api.Pull:
    """Return a pull as its owner sees it."""
    if row.is_enabled and not row.is_allowed:
        return _as(row, api.JobState("waiting", reason=NOT_ALLOWED))
    look = await jobs.look(services, [row.id])
    return _as(row, look.state_of(row.id, is_due=row.is_enabled, seen_at=row.seen_at))


def _as(row: PullRow, state: api.JobState) -> api.Pull:
    return api.Pull(
        channel_id=row.channel_id,
        url=row.shown_url,
        is_enabled=row.is_enabled,
        created_at=row.created_at,
        state=state,
    )
