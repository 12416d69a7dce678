"""Other servers that my channel is sent on to: list, add, change, remove."""

from typing import Any

import structlog

from config.addresses import Reach
from config.sealing import CannotOpen
from schemas import api
from schemas.errors import ApiError, ErrorCode
from web import outside, watching
from web.api import jobs
from web.api.jobs import Look
from web.calls import NAME, Call, Listing, given
from web.services import Services
from web.store import restreams
from web.store.restreams import RestreamRow

log = structlog.get_logger()


async def list_restreams(call: Call[None]) -> Listing:
    """List them all: there are few."""
    rows = await restreams.of_channel(call.services.pool, call.channel.id)
    look = await jobs.look(call.services, [row.id for row in rows])
    return Listing([_present(row, look) for row in rows], None)


async def create_restream(call: Call[api.CreateRestream]) -> api.Restream:
    """Add a server that the channel is sent on to from now on."""
    wanted, services = call.input, call.services
    columns = _address(services, wanted.url, wanted.key)
    async with services.pool.acquire() as connection, connection.transaction():
        restream = await restreams.create(
            connection, call.channel.id, name=wanted.name, is_enabled=wanted.is_enabled, **columns
        )
    log.info("restream added", channel=call.channel.id, restream=restream, by=call.account.id)
    return await _shown(services, restream)


async def patch_restream(call: Call[api.PatchRestream]) -> api.Restream:
    """Change one of mine. A changed address needs its key again only where it has another one."""
    row, wanted, services = await _find_own(call), call.input, call.services
    changes: dict[str, object] = {}
    if isinstance(wanted.name, str):
        changes["name"] = wanted.name
    if isinstance(wanted.is_enabled, bool):
        changes["is_enabled"] = wanted.is_enabled
    async with services.pool.acquire() as connection, connection.transaction():
        if isinstance(wanted.url, str) or isinstance(wanted.key, str):
            before = await restreams.sealed(connection, row.id)
            if before is None:
                raise _none()
            changes |= _address(services, *_merged(services, before, given(wanted.url), given(wanted.key)))
        await restreams.update(connection, row.id, changes)
    await jobs.forget(services, row.id)
    log.info("restream changed", channel=row.channel_id, restream=row.id, by=call.account.id)
    return await _shown(services, row.id)


async def delete_restream(call: Call[None]) -> api.Nothing:
    """Send it there no more."""
    row = await _find_own(call)
    await restreams.remove(call.services.pool, row.id)
    log.info("restream removed", channel=row.channel_id, restream=row.id, by=call.account.id)
    return api.Nothing()


def _address(services: Services, url: str, key: str) -> dict[str, str]:
    """Return the columns of an address and its key, sealed where they say more than everybody may know."""
    outside.check("url", url, Reach(services.settings.pull_allow))
    seal = services.seal
    return {
        "url": seal.close(url),
        "stream_key": seal.close(key) if key else "",
        "target": seal.close(outside.with_key(url, key)),
        "shown_url": outside.shown(url),
    }


def _merged(services: Services, sealed: tuple[str, str], url: str | None, key: str | None) -> tuple[str, str]:
    """Return address and key as they are to be. A key is never sent to another server than it was typed for."""
    try:
        before_url, before_key = (services.seal.open(text) if text else "" for text in sealed)
    except CannotOpen:
        if url is None or key is None:
            why = "was sealed with another TALLY_SECRET: send url and key again"
            raise ApiError(ErrorCode.CONFLICT, f"The address {why}.") from None
        return url, key
    if url is not None and key is None and _server(url) != _server(before_url):
        return url, ""
    return before_url if url is None else url, before_key if key is None else key


def _server(url: str) -> str:
    return outside.shown(url).split("/")[2]


async def _find_own(call: Call[Any]) -> RestreamRow:
    name = call.request.match_info["restream"]
    row = await restreams.find(call.services.pool, name) if NAME.fullmatch(name) else None
    if row is None:
        raise _none()
    if not watching.owns(call.account, row.user_id):
        raise ApiError(ErrorCode.FORBIDDEN, "This is not of your channel.")
    return row


def _none() -> ApiError:
    return ApiError(ErrorCode.NOT_FOUND, "There is no such restream.")


async def _shown(services: Services, restream: str) -> api.Restream:
    row = await restreams.find(services.pool, restream)
    if row is None:
        raise _none()
    return _present(row, await jobs.look(services, [restream]))


def _present(row: RestreamRow, look: Look) -> api.Restream:
    return api.Restream(
        id=row.id,
        channel_id=row.channel_id,
        name=row.name,
        url=row.shown_url,
        has_key=row.has_key,
        is_enabled=row.is_enabled,
        created_at=row.created_at,
        state=look.state_of(row.id, is_due=row.is_enabled and row.is_live, seen_at=row.seen_at),
    )
