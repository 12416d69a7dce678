"""The owner's side of a stream: the key, the health of what arrives, going off the air."""

from collections.abc import Mapping

import msgspec
import structlog

from config.banner import publish_addresses
from config.sealing import CannotOpen
from schemas import api
from schemas.errors import ApiError, ErrorCode
from schemas.ids import ChannelId
from schemas.ingest import SessionHealth
from web.calls import Call
from web.services import Services
from web.store import keys, pulls, streams
from web.tokens import digest, make_stream_key

KEY_REPLACED = "The stream key was replaced."
log = structlog.get_logger()
SRT_LISTENS = "srt_listens"
"""Redis key that is there while an ingest node has an SRT listener."""
TEST_KEPT_S = 15 * 60
"""How long the outcome of a bandwidth test is shown."""


def health_key(channel: ChannelId) -> str:
    """Return the Redis key of the last health report of a channel's session."""
    return f"health:{channel}"


def test_key(channel: ChannelId) -> str:
    """Return the Redis key of the last report of a channel's bandwidth test."""
    return f"test:{channel}"


async def publish_urls(services: Services, channel: str) -> api.PublishUrls:
    """Return where a publisher of the channel sends to, as far as those listeners run."""
    found = publish_addresses(services.settings)
    if not await services.redis.exists(SRT_LISTENS):
        found.pop("srt", None)
    if not await services.nodes.alive():
        found.pop("whip", None)
    return as_urls(found, channel)


def as_urls(found: Mapping[str, str], channel: str) -> api.PublishUrls:
    """Return the servers of `config.banner` for one channel: WHIP says early when the key is another channel's."""
    whip = found.get("whip")
    return api.PublishUrls(
        rtmp=found.get("rtmp"),
        rtmps=found.get("rtmps"),
        srt=found.get("srt"),
        whip=f"{whip}/{channel}" if whip else None,
    )


async def get_stream_key(call: Call[None]) -> api.StreamKeyInfo:
    """Tell what is known of the key, and where to send."""
    known = await keys.info(call.services.pool, call.channel.id)
    return api.StreamKeyInfo(
        last_four=known.last_four if known else None,
        created_at=known.created_at if known else None,
        publish=await publish_urls(call.services, call.channel.name),
        srt_passphrase=await _passphrase(call.services, call.channel.id),
    )


async def _passphrase(services: Services, channel: ChannelId) -> str | None:
    sealed = await keys.srt_passphrase(services.pool, channel)
    try:
        return services.seal.open(sealed) if sealed else None
    except CannotOpen as error:
        log.warning("passphrase cannot be opened", channel=channel, reason=str(error))
        return None


async def rotate_stream_key(call: Call[None]) -> api.StreamKey:
    """Make a new key; the old one stops working at once and its publisher is cut."""
    return api.StreamKey(await rotate(call.services, call.channel.id))


async def rotate(services: Services, channel: ChannelId) -> str:
    """Replace the channel's key, end what runs on the old one, and return the new one."""
    key = make_stream_key()
    async with services.pool.acquire() as connection, connection.transaction():
        await keys.replace(connection, channel, digest(key), key[-4:])
        ended = await streams.end_channel(connection, channel, KEY_REPLACED)
    await services.events.keys_changed([channel])
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
