"""Clips: up to two minutes out of a live stream or a recording, there at once; exact edges follow.

Making one is a row and a job for the storage process. It plays with the edges of its segments until that is done.
"""

from typing import Final, TypeAlias

import structlog

from schemas import api
from schemas.access import VISIBILITIES, Visibility
from schemas.errors import ApiError, ErrorCode
from schemas.ids import ChannelId, SessionId
from web import cursors, media_jobs, watching
from web.addresses import Place, opened, opened_by
from web.api.vods import THUMBNAIL, share
from web.calls import NAME, Call, Listing, bad_field, find_channel, given
from web.failures import REDIS_AWAY
from web.store import Connection, clips, sweeps, vods
from web.store.clips import ClipRow
from web.store.follows import Standing
from web.store.users import Account
from web.throttle import Limit, spend
from web.watching import STRANGER

MIN_S: Final = 1.0
MAX_S: Final = 120.0
SLACK_S: Final = 0.5
"""Players' clocks end a little after the last picture: an end that far behind what is stored is taken as that."""
CLIPS_BY_USER: Final = Limit("clips-user", 30, 300)
AnyClipCall: TypeAlias = (
    "Call[api.CreateClip] | Call[api.ListClips] | Call[api.Keyed] | Call[api.PatchClip] | Call[api.CreateShare]"
    " | Call[None]"
)
log = structlog.get_logger()


async def create_clip(call: Call[api.CreateClip]) -> api.Clip:
    """Make a clip of what the caller may watch."""
    services, asked = call.services, call.input
    start_s, end_s = _times(asked)
    channel, session, visibility, title = await _source(call)
    await spend(services.redis, CLIPS_BY_USER, call.account.id)
    async with services.pool.acquire() as connection, connection.transaction():
        await sweeps.lock(connection, session)
        end_s = await _refuse_missing(connection, session, start_s, end_s)
        segments = await clips.covered(connection, session, start_s, end_s)
        if all(segment.is_gap for segment in segments):
            raise bad_field("startMs", "nothing was recorded there: all of it lies in a gap")
        clip = await clips.create(
            connection,
            channel=channel,
            session=session,
            creator=call.account.id,
            title=asked.title or title,
            visibility=visibility,
            start_s=start_s,
            end_s=end_s,
            msns=(segments[0].msn, segments[-1].msn),
        )
    try:
        await media_jobs.make_clip(services, clip)
    except REDIS_AWAY as error:  # the housekeeper asks again
        services.troubles.note("clip job", error)
    log.info("clip begun", clip=clip, channel=channel, by=call.account.id, seconds=round(end_s - start_s, 1))
    return await _shown(call, await _find(call, clip), None)


def _times(asked: api.CreateClip) -> tuple[float, float]:
    start_s, end_s = asked.start_ms / 1000, asked.end_ms / 1000
    if end_s - start_s < MIN_S:
        raise bad_field("endMs", f"must be at least {MIN_S:g} s after startMs")
    if end_s - start_s > MAX_S:
        raise bad_field("endMs", f"must be at most {MAX_S:g} s after startMs")
    if (asked.channel_id is None) == (asked.vod_id is None):
        raise bad_field("vodId", "give either this or channelId")
    return start_s, end_s


async def _source(call: Call[api.CreateClip]) -> tuple[ChannelId, SessionId, Visibility, str]:
    """Return the channel, session, visibility and title of what is to be cut. Raises NOT_FOUND, FORBIDDEN and more."""
    services, asked = call.services, call.input
    if asked.vod_id is not None:
        vod = await vods.find(services.pool, asked.vod_id)
        if vod is None:
            raise ApiError(ErrorCode.NOT_FOUND, "There is no such recording.")
        channel = await find_channel(services, vod.channel_id)
        session, visibility, title = vod.session_id, vod.visibility, vod.title
    else:
        channel = await find_channel(services, asked.channel_id or "")
        if channel.session_id is None:
            raise bad_field("channelId", "is not live: make a clip of its recording")
        session, visibility, title = channel.session_id, channel.visibility, channel.title
    if await watching.why_not(services, call.account, channel, visibility):
        raise ApiError(ErrorCode.FORBIDDEN, "You may not watch this, so you can't make a clip of it.")
    return channel.id, session, visibility, title


async def _refuse_missing(connection: Connection, session: SessionId, start_s: float, end_s: float) -> float:
    """Return the clip's end, which lies in what is stored. Raises INVALID_REQUEST where the clip does not."""
    stored = await clips.stretch(connection, session)
    if stored is None:
        raise bad_field("startMs", "nothing is stored of this yet")
    if start_s < stored.start_s - SLACK_S:
        raise bad_field("startMs", f"is before what is kept, which begins at {round(stored.start_s * 1000)}")
    if end_s > stored.end_s + SLACK_S:
        raise bad_field("endMs", f"is after what is stored by now, which ends at {round(stored.end_s * 1000)}")
    if min(end_s, stored.end_s) <= max(start_s, stored.start_s):
        raise bad_field("startMs", "is after what is stored by now")
    return min(end_s, stored.end_s)


async def list_clips(call: Call[api.ListClips]) -> Listing:
    """List clips, newest first."""
    asked, services, account = call.input, call.services, call.caller
    channel = await find_channel(services, asked.channel) if isinstance(asked.channel, str) else None
    rows = await clips.page(
        services.pool,
        channel=channel.id if channel else None,
        vod=given(asked.vod),
        viewer=account.id if account else None,
        sees_all=account is not None and account.is_admin,
        after=cursors.read(asked.cursor, str),
        limit=asked.limit + 1,
    )
    shown = rows[: asked.limit]
    standings = await watching.standings(services, account, {row.channel_id for row in shown})
    items = []
    for row in shown:
        why_not = judge(call.caller, row, standings.get(row.channel_id, STRANGER))
        place = None if why_not else opened(services.access, "clips", row.id, row.visibility)
        items.append(present(services.settings.public_url, row, place, why_not))
    return Listing(items, cursors.write(shown[-1].id) if len(rows) > len(shown) else None)


def judge(caller: Account | None, row: ClipRow, standing: Standing) -> api.WhyNot | None:
    """Return what somebody who stands so lacks to watch a clip; who made it may always."""
    if caller is not None and caller.id == row.creator_id:
        return None
    return watching.judge(caller, row.owner_id, row.visibility, standing)


async def get_clip(call: Call[api.Keyed]) -> api.Clip:
    """Look at one clip."""
    row = await _find(call, call.request.match_info["clip"])
    place = await opened_by(call.services.access, "clips", row.id, given(call.input.key))
    return await _shown(call, row, place if row.visibility != "public" else None)


async def patch_clip(call: Call[api.PatchClip]) -> api.Clip:
    """Change a clip of mine, or of my channel."""
    row = await _find_own(call)
    change = call.input
    if isinstance(change.visibility, str):
        _refuse_wider(call, row, change.visibility)
    await clips.update(call.services.pool, row.id, title=given(change.title), visibility=given(change.visibility))
    return await _shown(call, await _find(call, row.id), None)


def _refuse_wider(call: Call[api.PatchClip], row: ClipRow, wanted: Visibility) -> None:
    """Whoever made a clip of another's channel shows it to no more people than the recording is shown to."""
    source = row.vod_own_visibility or row.vod_visibility
    if not watching.owns(call.account, row.owner_id) and VISIBILITIES.index(wanted) < VISIBILITIES.index(source):
        raise ApiError(ErrorCode.FORBIDDEN, "Only the owner of the channel may show this clip to more people.")


async def delete_clip(call: Call[None]) -> api.Nothing:
    """Delete a clip of mine, or of my channel."""
    row = await _find_own(call)
    async with call.services.pool.acquire() as connection, connection.transaction():
        await clips.delete(connection, row.id)
    log.info("clip deleted", clip=row.id, channel=row.channel_id, by=call.account.id)
    return api.Nothing()


async def share_clip(call: Call[api.CreateShare]) -> api.Share:
    """Make a signed address of a clip of mine, or of my channel."""
    row = await _find_own(call)
    return share(call, "clips", row.id, f"/clips/{row.id}")


async def _find(call: "AnyClipCall", clip: str) -> ClipRow:
    row = await clips.find(call.services.pool, clip) if NAME.fullmatch(clip) else None
    if row is None:
        raise ApiError(ErrorCode.NOT_FOUND, "There is no such clip.")
    return row


async def _find_own(call: Call[api.PatchClip] | Call[api.CreateShare] | Call[None]) -> ClipRow:
    row = await _find(call, call.request.match_info["clip"])
    if call.account.id != row.creator_id and not watching.owns(call.account, row.owner_id):
        raise ApiError(ErrorCode.FORBIDDEN, "This is neither your clip nor one of your channel.")
    return row


async def _shown(
    call: Call[api.CreateClip] | Call[api.Keyed] | Call[api.PatchClip], row: ClipRow, place: Place | None
) -> api.Clip:
    services = call.services
    why_not = None
    if place is None:
        standings = await watching.standings(services, call.caller, [row.channel_id])
        why_not = judge(call.caller, row, standings.get(row.channel_id, STRANGER))
        place = None if why_not else opened(services.access, "clips", row.id, row.visibility)
    return present(services.settings.public_url, row, place, why_not)


def present(public_url: str, row: ClipRow, place: Place | None, why_not: api.WhyNot | None) -> api.Clip:
    """Return a clip as its caller may see it: without `place`, only that it is there."""
    has_picture = row.made is not None or row.thumbnail is not None
    duration_s = row.end_s - row.start_s if row.made is None else row.made.duration_s
    return api.Clip(
        id=row.id,
        channel_id=row.channel_id,
        channel_name=row.channel_name,
        channel_display_name=row.display_name,
        vod_id=row.vod_id,
        creator_id=row.creator_id,
        creator_name=row.creator_name,
        title="" if why_not == "private" else row.title,
        state="ready" if row.made is not None else "rough" if row.failure is not None else "cutting",
        visibility=row.visibility,
        why_not=why_not,
        start_ms=round(row.start_s * 1000),
        duration_ms=round(duration_s * 1000),
        created_at=row.created_at,
        thumbnail_url=place.file(THUMBNAIL) if place and has_picture else "",
        playlist_url=place.file("playlist.m3u8") if place else None,
        mp4_url=f"{place.base}.mp4" if place else None,
        page_url=f"{public_url.rstrip('/')}/clips/{row.id}",
        expires_at=place.expires_at if place else None,
        has_gaps=row.has_gaps,
    )
