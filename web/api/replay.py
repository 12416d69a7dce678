"""Chat beside recordings and clips: each message at the time at which its author saw what it is about."""

from datetime import datetime
from typing import Annotated

import msgspec

from chat.store import history
from chat.store.history import KeptMessage, Spot
from schemas import api
from schemas.chat_api import ListReplay
from schemas.errors import ApiError, ErrorCode
from schemas.ids import ChannelId
from web import cursors, watching
from web.addresses import opened_by
from web.api.clips import judge
from web.archive.moments import Moments
from web.archive.timelines import unbroken
from web.calls import NAME, Call, Listing, given
from web.store import clips, media, vods
from web.store.clips import ClipRow
from web.store.media import StreamMedia
from web.watching import STRANGER


class Place(msgspec.Struct, frozen=True, array_like=True):
    """The place of the last message of a page."""

    picture_at_ms: Annotated[int, msgspec.Meta(ge=0, lt=1 << 43)]
    seq: Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)]


class Shown(msgspec.Struct, frozen=True, rename="camel"):
    """`schemas.chat_api.ReplayMessage` with a message that is JSON already."""

    offset_ms: int
    message: msgspec.Raw
    announcement: str | None


class Stretch(msgspec.Struct, frozen=True):
    """What of a stream is replayed: its times count from `start_ms` of `moments` and end at `end_ms`."""

    channel: ChannelId
    moments: Moments
    start_ms: float
    end_ms: float
    ended_at: datetime | None


async def list_vod_chat(call: Call[ListReplay]) -> Listing:
    """List the chat of a recording, as its viewers see it."""
    services, vod = call.services, call.request.match_info["vod"]
    row = await vods.find(services.pool, vod) if NAME.fullmatch(vod) else None
    if row is None:
        raise ApiError(ErrorCode.NOT_FOUND, "There is no such recording.")
    if await opened_by(services.access, "vods", row.id, given(call.input.key)) is None:
        standings = await watching.standings(services, call.caller, [row.channel_id])
        _refuse(watching.judge(call.caller, row.owner_id, row.visibility, standings.get(row.channel_id, STRANGER)))
    stream = await media.stream_media(services.pool, row.session_id)
    rendition = await media.leading(services.pool, row.session_id)
    if stream is None or rendition is None:
        return Listing([], None)
    moments = await services.recordings.moments(stream, rendition)
    return await _page(call, Stretch(row.channel_id, moments, 0.0, moments.end_ms, stream.ended_at))


async def list_clip_chat(call: Call[ListReplay]) -> Listing:
    """List the chat of a clip, from the beginning of what it plays: its exact edge, once that is made."""
    services, clip = call.services, call.request.match_info["clip"]
    row = await clips.find(services.pool, clip) if NAME.fullmatch(clip) else None
    if row is None:
        raise ApiError(ErrorCode.NOT_FOUND, "There is no such clip.")
    if await opened_by(services.access, "clips", row.id, given(call.input.key)) is None:
        standings = await watching.standings(services, call.caller, [row.channel_id])
        _refuse(judge(call.caller, row, standings.get(row.channel_id, STRANGER)))
    stream = await media.stream_media(services.pool, row.session_id)
    rendition = await media.leading(services.pool, row.session_id)
    if stream is None or rendition is None:
        return Listing([], None)
    return await _page(call, await _stretch_of_clip(call, row, stream, rendition))


async def _stretch_of_clip(call: Call[ListReplay], row: ClipRow, stream: StreamMedia, rendition: str) -> Stretch:
    segments = await media.segments(
        call.services.pool, row.session_id, rendition, first_msn=row.first_msn, last_msn=row.last_msn
    )
    moments = Moments()
    moments.add(unbroken(segments, row.first_msn, is_final=stream.stored_at is not None))
    start_ms, end_ms = 0.0, moments.end_ms
    if segments and row.made is not None:
        origin_s = segments[0].start_s
        start_ms = max(0.0, row.start_s - origin_s) * 1000
        end_ms = min(end_ms, (row.end_s - origin_s) * 1000)
    return Stretch(row.channel_id, moments, start_ms, end_ms, stream.ended_at)


def _refuse(why_not: api.WhyNot | None) -> None:
    if why_not:
        raise ApiError(ErrorCode.FORBIDDEN, "You may not watch this, nor read its chat.")


async def _page(call: Call[ListReplay], of: Stretch) -> Listing:
    asked = call.input
    place = cursors.read(asked.cursor, Place)
    first_ms = of.moments.moment_of(of.start_ms + asked.from_ms)
    until_ms = of.moments.moment_of(of.end_ms)
    if first_ms is None or until_ms is None:
        return Listing([], None)
    after = Spot(place.picture_at_ms, place.seq) if place else Spot(first_ms, 0)
    rows = await history.between(
        call.services.pool, of.channel, after, until_ms, limit=asked.limit + 1, ended_at=of.ended_at
    )
    shown = rows[: asked.limit]
    more = cursors.write(Place(shown[-1].picture_at_ms, shown[-1].seq)) if len(rows) > len(shown) else None
    return Listing([_shown(message, of) for message in shown], more)


def _shown(message: KeptMessage, of: Stretch) -> Shown:
    time_ms = of.moments.time_of(message.picture_at_ms)
    assert time_ms is not None, "between the first and the last moment each has its time"
    return Shown(max(0, round(time_ms - of.start_ms)), msgspec.Raw(message.json), message.announcement)
