"""Recordings: list, look at, change, delete, share; and where a live stream is watched."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import structlog

from config.settings import Settings
from schemas import api
from schemas.errors import ApiError, ErrorCode
from web import cursors, watching
from web.addresses import Place, Root, opened, opened_by, scope_of, whep_url
from web.calls import NAME, Call, Listing, find_channel, given
from web.failures import REDIS_AWAY
from web.services import Services
from web.store import vods
from web.store.vods import BreakRow, VodRow
from web.watching import STRANGER

THUMBNAIL, STORYBOARD = "thumbnail.jpg", "storyboard.vtt"
"""Names under which delivery has the newest of each."""
log = structlog.get_logger()


async def get_playback(call: Call[api.Keyed]) -> api.Playback:
    """Tell where this caller watches a channel live."""
    services = call.services
    channel = await find_channel(services, call.request.match_info["channel"])
    place = await opened_by(services.access, "hls", channel.id, given(call.input.key))
    why_not = None
    if place is None or channel.visibility == "public":
        why_not = await watching.why_not(services, call.caller, channel, channel.visibility)
        place = None if why_not else opened(services.access, "hls", channel.id, channel.visibility)
    rewind_s = services.settings.rewind_s if channel.session_id is not None else 0
    rewinds = place if rewind_s else None
    live = place if channel.session_id is not None else None
    vod = await vods.growing(services.pool, channel.id) if channel.session_id is not None else None
    if vod is not None and await watching.why_not(services, call.caller, channel, vod.visibility):
        vod = None
    return api.Playback(
        visibility=channel.visibility,
        why_not=why_not,
        playlist_url=place.file("playlist.m3u8") if place else None,
        rewind_url=rewinds.file("rewind.m3u8") if rewinds else None,
        storyboard_url=live.file(f"{channel.session_id}/{STORYBOARD}") if live else None,
        rewind_from=_rewind_from(channel.live_at, rewind_s) if rewinds else None,
        expires_at=place.expires_at if place else None,
        vod_id=vod.id if vod else None,
        whep_url=whep_url(live) if live and await _has_webrtc(services) else None,
    )


async def _has_webrtc(services: Services) -> bool:
    """Whether WHEP is served; not knowing it takes nothing from those who watch over HLS."""
    try:
        return bool(await services.nodes.alive())
    except REDIS_AWAY as error:
        services.troubles.note("redis webrtc nodes", error)
        return False


def _rewind_from(live_at: datetime | None, rewind_s: int) -> datetime | None:
    return max(live_at, datetime.now(UTC) - timedelta(seconds=rewind_s)) if live_at else None


async def list_vods(call: Call[api.ListVods]) -> Listing:
    """List recordings, newest first."""
    asked, services, account = call.input, call.services, call.caller
    channel = await find_channel(services, asked.channel) if isinstance(asked.channel, str) else None
    rows = await vods.page(
        services.pool,
        channel=channel.id if channel else None,
        viewer=account.id if account else None,
        sees_all=account is not None and account.is_admin,
        after=cursors.read(asked.cursor, str),
        limit=asked.limit + 1,
    )
    shown = rows[: asked.limit]
    standings = await watching.standings(services, account, {row.channel_id for row in shown})
    items = []
    for row in shown:
        why_not = watching.judge(account, row.owner_id, row.visibility, standings.get(row.channel_id, STRANGER))
        place = None if why_not else opened(services.access, "vods", row.id, row.visibility)
        items.append(present(services.settings, row, place, why_not, []))
    return Listing(items, cursors.write(shown[-1].id) if len(rows) > len(shown) else None)


async def get_vod(call: Call[api.Keyed]) -> api.Vod:
    """Look at one recording."""
    row = await find_vod(call)
    place = await opened_by(call.services.access, "vods", row.id, given(call.input.key))
    return await _shown(call, row, place if row.visibility != "public" else None)


async def patch_vod(call: Call[api.PatchVod]) -> api.Vod:
    """Change a recording of mine."""
    row = await find_own_vod(call)
    change = call.input
    await vods.update(call.services.pool, row.id, title=given(change.title), visibility=given(change.visibility))
    return await _shown(call, await find_vod(call), None)


async def delete_vod(call: Call[None]) -> api.Nothing:
    """Delete a recording of mine; its clips stay."""
    row = await find_own_vod(call)
    async with call.services.pool.acquire() as connection, connection.transaction():
        outcome = await vods.delete(connection, row.id)
    if outcome == "recording":
        raise ApiError(ErrorCode.CONFLICT, "This is still being recorded. Delete it when the stream is over.")
    log.info("recording deleted", vod=row.id, channel=row.channel_id, by=call.account.id)
    return api.Nothing()


async def share_vod(call: Call[api.CreateShare]) -> api.Share:
    """Make a signed address of a recording of mine."""
    row = await find_own_vod(call)
    return share(call, "vods", row.id, f"/videos/{row.id}")


async def share_channel(call: Call[api.CreateShare]) -> api.Share:
    """Make a signed address of my channel's live stream."""
    return share(call, "hls", call.channel.id, f"/{call.channel.name}")


def share(call: Call[api.CreateShare], root: Root, name: str, page: str) -> api.Share:
    """Return a signed address of something that the caller may share."""
    token = call.services.access.sign(scope_of(root, name), call.input.expires_in_s)
    base = call.services.settings.public_url.rstrip("/")
    playlist = Place(root, name, token).file("playlist.m3u8")
    return api.Share(f"{base}{page}?key={token.text}", f"{base}{playlist}", token.expires_at)


async def find_vod(call: Call[api.Keyed] | Call[api.PatchVod] | Call[api.CreateShare] | Call[None]) -> VodRow:
    """Return the recording in the path. Raises NOT_FOUND."""
    vod = call.request.match_info["vod"]
    row = await vods.find(call.services.pool, vod) if NAME.fullmatch(vod) else None
    if row is None:
        raise ApiError(ErrorCode.NOT_FOUND, "There is no such recording.")
    return row


async def find_own_vod(call: Call[api.PatchVod] | Call[api.CreateShare] | Call[None]) -> VodRow:
    """Return the recording in the path, which must be the caller's. Raises NOT_FOUND, FORBIDDEN."""
    row = await find_vod(call)
    if not watching.owns(call.account, row.owner_id):
        raise ApiError(ErrorCode.FORBIDDEN, "This is not your recording.")
    return row


async def _shown(call: Call[api.Keyed] | Call[api.PatchVod], row: VodRow, place: Place | None) -> api.Vod:
    services = call.services
    why_not = None
    if place is None:
        standings = await watching.standings(services, call.caller, [row.channel_id])
        why_not = watching.judge(call.caller, row.owner_id, row.visibility, standings.get(row.channel_id, STRANGER))
        place = None if why_not else opened(services.access, "vods", row.id, row.visibility)
    breaks = await vods.breaks(services.pool, row.session_id) if place else []
    return present(services.settings, row, place, why_not, breaks)


def present(
    settings: Settings, row: VodRow, place: Place | None, why_not: api.WhyNot | None, breaks: Sequence[BreakRow]
) -> api.Vod:
    """Return a recording as its caller may see it: without `place`, only that it is there. Lists have no chapters."""
    is_hidden = why_not == "private"
    return api.Vod(
        id=row.id,
        channel_id=row.channel_id,
        channel_name=row.channel_name,
        channel_display_name=row.display_name,
        session_id=row.session_id,
        title="" if is_hidden else row.title,
        state="recording" if row.ready_at is None else "ready",
        visibility=row.visibility,
        why_not=why_not,
        started_at=row.started_at,
        duration_ms=round(row.duration_s * 1000),
        size_bytes=row.size_bytes,
        thumbnail_url=place.file(THUMBNAIL) if place and row.thumbnail else "",
        storyboard_url=place.file(STORYBOARD) if place and row.storyboard else None,
        playlist_url=place.file("playlist.m3u8") if place else None,
        download_url=f"{place.base}.mp4" if place and row.ready_at is not None else None,
        expires_at=place.expires_at if place else None,
        chapters=chapters(row.title, breaks),
        has_gaps=row.has_gaps,
        deletes_at=_deletes_at(settings, row),
    )


def chapters(title: str, breaks: Sequence[BreakRow]) -> list[api.Chapter]:
    """Return the parts of a recording: its beginning, and where it went on after an interruption.

    Where there was none there is nothing to choose from.
    """
    starts = [row.start_s for row in breaks if row.start_s > 0 and not row.is_gap]
    if not starts:
        return []
    parts = [api.Chapter(0, title or "Beginning")]
    return parts + [api.Chapter(round(start_s * 1000), f"Back on air at {clock(start_s)}") for start_s in starts]


def clock(seconds: float) -> str:
    """Return a media time as players show it: 1:02:03."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"


def _deletes_at(settings: Settings, row: VodRow) -> datetime | None:
    days = settings.keep_days if row.keep_days is None else row.keep_days
    return row.ready_at + timedelta(days=days) if days and row.ready_at is not None else None
