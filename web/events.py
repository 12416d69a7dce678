"""What this process tells the others over Redis: channel events for viewers, commands for ingest.

Both are at-most-once. What gets lost is made up for: sockets compare with the database now and then
(`chat/rooms/states.py`), the answer to an ingest node's heartbeat repeats every cut and who may watch, and ingest
reads all keys again every few minutes.
"""

import time
from collections.abc import Mapping, Sequence

import msgspec
from redis.asyncio import Redis

from schemas.access import Visibility
from schemas.ids import ChannelId, SessionId
from schemas.ingest import INGEST_COMMANDS, KEY_CHANGES, AddMetadata, CutSession, KeysChanged, SetVisibility
from schemas.socket import (
    STREAM_EVENTS,
    ChannelEvent,
    ChannelUpdated,
    EmotesChanged,
    StreamInterrupted,
    StreamOffline,
    StreamOnline,
    StreamResumed,
    ViewerCount,
)
from web.failures import REDIS_AWAY
from web.metrics import Troubles
from web.store.streams import Ended, Live, Turn


def now_ms() -> int:
    """Return the time of now in events."""
    return time.time_ns() // 1_000_000


class Events:
    """Publishes; a Redis that is away is noted and otherwise ignored, the database has the truth."""

    def __init__(self, redis: Redis, troubles: Troubles) -> None:
        self._redis = redis
        self._troubles = troubles

    async def went_live(self, streams: Sequence[Live]) -> None:
        """Tell viewers that these can be played."""
        at = now_ms()
        await self._announce([StreamOnline(stream.channel_id, stream.session_id, at) for stream in streams])

    async def ended(self, streams: Sequence[Ended]) -> None:
        """Tell viewers that these are over; those that never went live are nobody's news."""
        at = now_ms()
        await self._announce([StreamOffline(s.channel_id, s.session_id, at) for s in streams if s.was_live])

    async def turned(self, turns: Sequence[Turn], returns_until_ms: Mapping[SessionId, int | None]) -> None:
        """Tell viewers whose publishers were lost (and may return until then) or are back."""
        at = now_ms()
        await self._announce(
            [
                StreamInterrupted(turn.channel_id, turn.session_id, returns_until_ms.get(turn.session_id) or at, at)
                if turn.is_interrupted
                else StreamResumed(turn.channel_id, turn.session_id, at)
                for turn in turns
            ]
        )

    async def counted(self, counts: Sequence[ViewerCount]) -> None:
        """Tell viewers how many they are."""
        await self._announce(counts)

    async def updated(self, channel: ChannelId) -> None:
        """Tell viewers to look at the channel's title and category again."""
        await self._announce([ChannelUpdated(channel)])

    async def emotes_changed(self, channel: ChannelId) -> None:
        """Tell pages and processes that emotes came or went; "" is those that are everywhere."""
        await self._announce([EmotesChanged(channel)])

    async def cut(self, sessions: Sequence[SessionId], reason: str) -> None:
        """Tell ingest to end these sessions now."""
        commands = [msgspec.json.encode(CutSession(session, reason)) for session in sessions]
        await self._publish(INGEST_COMMANDS, commands)

    async def keys_changed(self, channels: Sequence[ChannelId]) -> None:
        """Tell ingest to ask again who may publish to these."""
        await self._publish(KEY_CHANGES, [msgspec.json.encode(KeysChanged(list(channels)))])

    async def metadata(self, command: AddMetadata) -> None:
        """Tell ingest what a session's players are to be told."""
        await self._publish(INGEST_COMMANDS, [msgspec.json.encode(command)])

    async def set_visibility(self, session: SessionId, visibility: Visibility) -> None:
        """Tell ingest who may watch a session from now on."""
        await self._publish(INGEST_COMMANDS, [msgspec.json.encode(SetVisibility(session, visibility))])

    async def _announce(self, events: Sequence[ChannelEvent]) -> None:
        await self._publish(STREAM_EVENTS, [msgspec.json.encode(event) for event in events])

    async def _publish(self, channel: str, messages: list[bytes]) -> None:
        if not messages:
            return
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for message in messages:
                    pipeline.publish(channel, message)
                await pipeline.execute()
        except REDIS_AWAY as error:
            self._troubles.note("redis publish", error)
