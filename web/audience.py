"""Who watches and who chats, counted by the leader for all: told every 5 s, written down every minute.

The players of a stream are HyperLogLogs of 20 s (`web/viewers.py`); merged, they are those of an hour and of the whole
stream. How many are in a chat is what every process says of its sockets (`chat/rooms/presence.py`).
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from chat.rooms import presence
from schemas.ids import ChannelId, SessionId
from schemas.socket import ViewerCount
from web.services import Services
from web.store import audience, streams
from web.store.audience import Hour
from web.store.streams import Live
from web.viewers import BUCKET_S, bucket_key

HOUR_S: Final = 3600
WRITE_EVERY_S: Final = 60.0
REPEAT_S: Final = 30.0
"""What has not changed is told again so often: sockets may have missed it."""
HOUR_KEPT_S: Final = 2 * HOUR_S
STREAM_KEPT_S: Final = 26 * HOUR_S
"""Longer than a stream may be without anybody watching it."""


def hour_key(session: SessionId, hour_s: int) -> str:
    """Return the Redis key of everybody who watched in an hour of a stream."""
    return f"audience:{{{session}}}:{hour_s}"


def stream_key(session: SessionId) -> str:
    """Return the Redis key of everybody who watched a stream."""
    return f"audience:{{{session}}}"


class Peaks(msgspec.Struct):
    """The most at a time in an hour of a stream."""

    viewers: int = 0
    chatters: int = 0


class Told(msgspec.Struct, frozen=True):
    """What was told of a channel, and when (a monotonic clock)."""

    count: ViewerCount
    at: float


class Audience:
    """The leader's. A new leader starts with nothing and loses nothing but peaks of the last minute."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._told: dict[ChannelId, Told] = {}
        self._live: dict[SessionId, Live] = {}
        self._peaks: dict[tuple[SessionId, int], Peaks] = {}
        self._write_at = 0.0

    async def round(self, live: Sequence[Live], *, now: float, wall_s: float) -> None:
        """Count, tell and now and then write down. `live`: all that is on the air. Raises as databases do."""
        services = self._services
        now_ms = round(wall_s * 1000)
        channels = {stream.channel_id for stream in live}
        viewers = await services.viewers.count(list(channels), wall_s) if live else {}
        channels.update(await presence.open_channels(services.redis, now_ms))
        chats = await presence.counts(services.redis, list(channels), now_ms)
        counts = {channel: ViewerCount(channel, viewers.get(channel, 0), chats[channel].users) for channel in channels}
        await self._note(live, counts)
        await self._tell(counts, now)
        over = [self._live[session] for session in self._live.keys() - {stream.session_id for stream in live}]
        await self._merge([*live, *over], int(wall_s))
        self._count_peaks(live, counts, int(wall_s))
        if over or now >= self._write_at:
            self._write_at = now + WRITE_EVERY_S
            await self._write([*live, *over], int(wall_s))
        self._live = {stream.session_id: stream for stream in live}

    async def _note(self, live: Sequence[Live], counts: Mapping[ChannelId, ViewerCount]) -> None:
        """Write how many watch now, where that has changed."""
        changed = {
            stream.session_id: counts[stream.channel_id].count
            for stream in live
            if counts[stream.channel_id].count != stream.viewer_count
        }
        if changed:
            await streams.set_viewers(self._services.pool, changed)

    async def _tell(self, counts: Mapping[ChannelId, ViewerCount], now: float) -> None:
        """Tell what has changed, what was not told for long, and once what there is none of any more."""
        gone = {
            channel: ViewerCount(channel, 0)
            for channel, told in self._told.items()
            if channel not in counts and told.count != ViewerCount(channel, 0)
        }
        news = [
            count
            for channel, count in {**counts, **gone}.items()
            if (told := self._told.get(channel)) is None or told.count != count or now - told.at >= REPEAT_S
        ]
        await self._services.events.counted(news)
        kept = {channel: told for channel, told in self._told.items() if channel in counts}
        self._told = kept | {count.channel_id: Told(count, now) for count in news if count.channel_id in counts}

    async def _merge(self, streams_: Sequence[Live], wall_s: int) -> None:
        """Add who was seen in the last two buckets to their hours and streams."""
        bucket = wall_s // BUCKET_S
        async with self._services.redis.pipeline(transaction=False) as pipeline:
            for stream in streams_:
                for number in (bucket - 1, bucket):
                    seen = bucket_key(stream.channel_id, number)
                    key = hour_key(stream.session_id, _hour_of(number * BUCKET_S))
                    pipeline.pfmerge(key, seen)
                    pipeline.expire(key, HOUR_KEPT_S)
                    pipeline.pfmerge(stream_key(stream.session_id), seen)
                pipeline.expire(stream_key(stream.session_id), STREAM_KEPT_S)
            await pipeline.execute()

    def _count_peaks(self, live: Sequence[Live], counts: Mapping[ChannelId, ViewerCount], wall_s: int) -> None:
        for stream in live:
            peaks = self._peaks.setdefault((stream.session_id, _hour_of(wall_s)), Peaks())
            peaks.viewers = max(peaks.viewers, counts[stream.channel_id].count)
            peaks.chatters = max(peaks.chatters, counts[stream.channel_id].chatters)

    async def _write(self, streams_: Sequence[Live], wall_s: int) -> None:
        """Write the hours in which something was counted since the last time, and the streams."""
        hour = _hour_of(wall_s)
        for stream in streams_:
            self._peaks.setdefault((stream.session_id, hour), Peaks())
        keys = list(self._peaks)
        sessions = list({session for session, _ in keys})
        async with self._services.redis.pipeline(transaction=False) as pipeline:
            for session, hour_s in keys:
                pipeline.pfcount(hour_key(session, hour_s))
            for session in sessions:
                pipeline.pfcount(stream_key(session))
            found = await pipeline.execute()
        hours = [
            Hour(session, hour_s, unique, peaks.viewers, peaks.chatters)
            for ((session, hour_s), peaks), unique in zip(self._peaks.items(), found, strict=False)
        ]
        if hours:
            await audience.write_hours(self._services.pool, [hour for hour in hours if _is_anything(hour)])
            await audience.write_unique(self._services.pool, dict(zip(sessions, found[len(keys) :], strict=True)))
        self._peaks.clear()


def _hour_of(at_s: int) -> int:
    return at_s - at_s % HOUR_S


def _is_anything(hour: Hour) -> bool:
    return bool(hour.unique_viewers or hour.peak_viewers or hour.peak_chatters)
