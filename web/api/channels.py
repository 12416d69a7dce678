"""Channels: list, look at, make, change."""

import time

import msgspec

from config.rungs import unknown_name
from schemas import api
from schemas.errors import ApiError, ErrorCode
from web import cursors, thumbnails
from web.calls import Call, Listing, find_channel, given
from web.names import refuse_reserved
from web.store import channels, streams, vods
from web.store.channels import ChannelRow, Cursor


def present(channel: ChannelRow) -> api.Channel:
    """Return the channel as anyone may see it."""
    return api.Channel(
        id=channel.id,
        user_id=channel.user_id,
        name=channel.name,
        display_name=channel.display_name,
        title=channel.title,
        category_id=channel.category_id,
        language=channel.language,
        tags=channel.tags,
        mature=channel.mature,
        is_live=channel.session_id is not None,
        started_at=channel.live_at,
        viewer_count=channel.viewer_count,
        thumbnail_url=_thumbnail_url(channel),
        created_at=channel.created_at,
        is_reconnecting=channel.interrupted_at is not None,
        ladder=channel.ladder,
        visibility=channel.visibility,
        vod_visibility=channel.vod_visibility,
        recording=channel.recording,
        keep_days=channel.keep_days,
        keep_gb=channel.keep_gb,
    )


def _thumbnail_url(channel: ChannelRow) -> str:
    """Return the address of the live stream's picture; what is not public shows none."""
    if channel.session_id is None or channel.visibility != "public":
        return ""
    return thumbnails.url_of(channel.id, time.time())


async def list_channels(call: Call[api.ListChannels]) -> Listing:
    """List channels, most watched first."""
    asked = call.input
    rows = await channels.page(
        call.services.pool,
        is_live=None if asked.live is msgspec.UNSET else asked.live == "true",
        category=given(asked.category),
        text=given(asked.q),
        after=cursors.read(asked.cursor, Cursor),
        viewer=call.visitor.account.id if call.visitor else None,
        sees_all=call.visitor is not None and call.visitor.account.is_admin,
        limit=asked.limit + 1,  # one more shows whether there is a next page
    )
    shown = rows[: asked.limit]
    more = cursors.write(channels.cursor_of(shown[-1])) if len(rows) > len(shown) else None
    return Listing([present(row) for row in shown], more)


async def get_channel(call: Call[None]) -> api.Channel:
    """Look at one channel, by name or id."""
    return present(await find_channel(call.services, call.request.match_info["channel"]))


async def create_channel(call: Call[api.CreateChannel]) -> api.Channel:
    """Make a channel."""
    wanted, services = call.input, call.services
    refuse_reserved(wanted.name, field="name")
    async with services.pool.acquire() as connection, connection.transaction():
        channel = await channels.create(
            connection,
            call.account.id,
            wanted.name,
            title=wanted.title,
            category_id=wanted.category_id,
            language=wanted.language,
            tags=wanted.tags,
        )
    await services.events.keys_changed([channel])
    return present(await find_channel(services, channel))


async def patch_channel(call: Call[api.PatchChannel]) -> api.Channel:
    """Change what the page shows of my channel, and tell those who look at it."""
    change, services = call.input, call.services
    if isinstance(change.ladder, str) and (trouble := unknown_name(change.ladder, services.settings.rungs)):
        raise ApiError(ErrorCode.INVALID_REQUEST, f"ladder: {trouble}", fields={"ladder": trouble})
    changes = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not msgspec.UNSET}
    if isinstance(change.srt_passphrase, str):
        changes["srt_passphrase"] = services.seal.close(change.srt_passphrase)
    async with services.pool.acquire() as connection, connection.transaction():
        await channels.update(connection, call.channel.id, changes)
        if isinstance(change.title, str):
            await vods.follow_title(connection, call.channel.id, call.channel.title, change.title)
    if isinstance(change.visibility, str):
        session = await streams.open_session(services.pool, call.channel.id)
        if session is not None:
            await services.events.set_visibility(session, change.visibility)
    if "srt_passphrase" in changes:
        await services.events.keys_changed([call.channel.id])
    await services.events.updated(call.channel.id)
    return present(await find_channel(services, call.channel.id))


async def get_status(call: Call[None]) -> api.StreamStatus:
    """Is it live?"""
    channel = await find_channel(call.services, call.request.match_info["channel"])
    return api.StreamStatus(
        channel_id=channel.id,
        is_live=channel.session_id is not None,
        session_id=channel.session_id,
        started_at=channel.live_at,
        viewer_count=channel.viewer_count,
        peak_viewers=channel.peak_viewers,
        is_reconnecting=channel.interrupted_at is not None,
    )
