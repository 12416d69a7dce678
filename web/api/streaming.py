"""The owner's side of a stream: the key, the health of what arrives, going off the air."""

import msgspec

from config.banner import publish_addresses
from config.settings import Settings
from schemas import api
from schemas.errors import ApiError, ErrorCode
from schemas.ids import ChannelId
from schemas.ingest import SessionHealth
from web.calls import Call
from web.services import Services
from web.store import keys, pulls, streams
from web.tokens import digest, make_stream_key

KEY_REPLACED = "The stream key was replaced."


TEST_KEPT_S = 15 * 60
"""How long the outcome of a bandwidth test is shown."""


def health_key(channel: ChannelId) -> str:
    """Return the Redis key of the last health report of a channel's session."""
    return f"health:{channel}"


def test_key(channel: ChannelId) -> str:
    """Return the Redis key of the last report of a channel's bandwidth test."""
    return f"test:{channel}"


def publish_urls(settings: Settings) -> api.PublishUrls:
    """Return where a publisher sends to, as far as those listeners run."""
    by_scheme = {address.partition(":")[0]: address for address in publish_addresses(settings)}
    return api.PublishUrls(rtmp=by_scheme.get("rtmp"), rtmps=by_scheme.get("rtmps"), srt=None, whip=None)


async def get_stream_key(call: Call[None]) -> api.StreamKeyInfo:
    """Tell what is known of the key, and where to send."""
    known = await keys.info(call.services.pool, call.channel.id)
    return api.StreamKeyInfo(
        last_four=known.last_four if known else None,
        created_at=known.created_at if known else None,
        publish=publish_urls(call.services.settings),
    )


async def rotate_stream_key(call: Call[None]) -> api.StreamKey:
    """Make a new key; the old one stops working at once and its publisher is cut."""
    return api.StreamKey(await rotate(call.services, call.channel.id))


async def rotate(services: Services, channel: ChannelId) -> str:
    """Replace the channel's key, end what runs on the old one, and return the new one."""
    key = make_stream_key()
    async with services.pool.acquire() as connection, connection.transaction():
        await keys.replace(connection, channel, digest(key), key[-4:])
        ended = await streams.end_channel(connection, channel, KEY_REPLACED)
    await services.events.cut([stream.session_id for stream in ended], KEY_REPLACED)
    await services.events.ended(ended)
    return key


async def go_offline(call: Call[None]) -> api.GoneOffline:
    """End the running stream and cut its publisher; one that is fetched from elsewhere would come back by itself."""
    was_pulled = await pulls.switch(call.services.pool, call.channel.id, is_enabled=False)
    ended = await streams.end_channel(call.services.pool, call.channel.id, streams.TAKEN_OFF_AIR)
    if not ended and not was_pulled:
        raise ApiError(ErrorCode.NO_PUBLISHER, "Nobody is publishing to this channel.")
    await call.services.events.cut([stream.session_id for stream in ended], streams.TAKEN_OFF_AIR)
    await call.services.events.ended(ended)
    return api.GoneOffline(call.channel.id, is_live=False)


async def get_ingest(call: Call[None]) -> api.IngestState:
    """Show how the running publisher's stream arrives, how the last test went and why the last stream ended."""
    channel, services = call.channel.id, call.services
    session = await streams.open_session(services.pool, channel)
    running, test = await services.redis.mget(health_key(channel), test_key(channel))
    health = _health(running)
    end = await streams.last_end(services.pool, channel)
    return api.IngestState(
        health if health is not None and health.session_id == session else None,
        test=_health(test),
        last_end=api.LastEnd(*end) if end else None,
    )


def _health(stored: bytes | str | None) -> SessionHealth | None:
    return None if stored is None else msgspec.json.decode(stored, type=SessionHealth)
