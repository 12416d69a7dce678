"""What ingest asks and reports: publish, heartbeat, unpublish, keys. Signed; served on the internal listener only."""

import msgspec
import structlog
from aiohttp import web

from config.settings import Settings
from schemas.api import Nothing
from schemas.errors import ApiError, ErrorCode
from schemas.ids import NodeId
from schemas.ingest import (
    KEYS_PAGE,
    LIVE_ENTRY_TTL_S,
    Cut,
    Heartbeat,
    HeartbeatAnswer,
    KeysAnswer,
    KeysRequest,
    Limits,
    PublishGrant,
    PublishRequest,
    SessionHealth,
    Unpublish,
)
from web.api.publish_tickets import read_ticket
from web.api.streaming import SRT_LISTENS, TEST_KEPT_S, health_key, test_key
from web.services import Services
from web.signed import signed
from web.store import keys, streams
from web.store.streams import Arrival, Refusal, Terms
from web.tokens import digest

NODE_REMEMBERED_S = 24 * 3600
KEY_MAX = 512
log = structlog.get_logger()


async def publish(services: Services, request: PublishRequest) -> PublishGrant:
    """May this publisher go on?"""
    proof = await read_ticket(services, request) or digest(request.key[:KEY_MAX])
    terms = terms_of(services.settings)
    async with services.pool.acquire() as connection, connection.transaction():
        try:
            outcome = await streams.open_(connection, request, proof, terms)
        except ValueError as error:
            raise ApiError(ErrorCode.FORBIDDEN, str(error)) from None
        if isinstance(outcome, Refusal):
            services.metrics.publishes.labels(outcome.value).inc()
            log.info("publish refused", reason=outcome.value, protocol=request.protocol)
            raise _refusal(outcome, terms)
    grant = outcome.grant
    services.metrics.publishes.labels("granted").inc()
    log.info(
        "publish granted",
        channel=grant.channel_id,
        session=grant.session_id,
        running=grant.is_running,
        test=grant.is_test,
    )
    await note_ended(services, outcome.replaced, "replaced")
    await services.events.cut([stream.session_id for stream in outcome.taken_over], streams.TAKEN_OVER)
    await note_ended(services, outcome.taken_over, "taken over")
    return grant


def terms_of(settings: Settings) -> Terms:
    """Return what the operator allows and does where a channel says nothing."""
    limits = Limits(
        max_bitrate_bps=settings.max_bitrate_kbps * 1000,
        max_height=settings.max_height,
        max_frame_rate=settings.max_frame_rate,
        max_duration_s=settings.max_duration_s,
    )
    return Terms(settings.ladder, limits, settings.max_streams)


def _refusal(why: Refusal, terms: Terms) -> ApiError:
    match why:
        case Refusal.WRONG_KEY:
            # Not UNAUTHORIZED: that says that the callback itself was not signed well.
            return ApiError(ErrorCode.FORBIDDEN, "This stream key is not valid.")
        case Refusal.TAKEN_OFF_AIR:
            wait_s = streams.REST.seconds
            return ApiError(ErrorCode.FORBIDDEN, f"The stream was just ended by its owner. Start again in {wait_s} s.")
        case Refusal.FULL:
            most = terms.max_streams
            return ApiError(ErrorCode.CONFLICT, f"This server carries {most} streams, the most that it may at a time.")
        case Refusal.ALREADY_LIVE:
            return ApiError(ErrorCode.CONFLICT, "This channel is already live from somewhere else.")


async def heartbeat(services: Services, report: Heartbeat) -> HeartbeatAnswer:
    """Bring the rows up to date with what the node runs; answer what it may not run."""
    if not report.srt_trouble:
        await services.redis.set(SRT_LISTENS, b"1", ex=LIVE_ENTRY_TTL_S)
    node, running = report.node_id, [session for session in report.sessions if not session.is_test]
    listed = [session.session_id for session in running]
    await _end_predecessor(services, node, report.origin_url)
    revived = await streams.revive(services.pool, node, listed)
    allowed, turns = await streams.seen(services.pool, node, [_arrival(session) for session in running])
    playable = [s.session_id for s in running if s.is_playable and s.session_id in allowed]
    began = await streams.begin_live(services.pool, node, playable) if playable else []
    for stream in began:
        log.info("stream online", channel=stream.channel_id, session=stream.session_id)
    await services.events.went_live([*revived, *began])
    await services.events.turned(turns, {session.session_id: session.returns_until_ms for session in running})
    await note_ended(services, await streams.end_unlisted(services.pool, node, listed), "unlisted")
    await _store_health(services, [s for s in report.sessions if s.is_test or s.session_id in allowed])
    refused = [session for session in listed if session not in allowed]
    reasons = await streams.end_reasons(services.pool, refused) if refused else {}
    cuts = [Cut(session, reasons.get(session, "This session is not known.")) for session in refused]
    return HeartbeatAnswer(cuts, await streams.visibilities(services.pool, list(allowed)))


def _arrival(session: SessionHealth) -> Arrival:
    """Return who holds the session: the publisher on the air, or the highest that is there."""
    on_air = [publisher.priority for publisher in session.publishers if publisher.is_on_air]
    there = [publisher.priority for publisher in session.publishers]
    return Arrival(session.session_id, session.is_waiting, max(on_air or there or [0]))


async def unpublish(services: Services, notice: Unpublish) -> Nothing:
    """A session has ended; saying so twice is fine."""
    reason = notice.reason.replace("\0", "")[:200]
    ended = await streams.end_session(services.pool, notice.node_id, notice.session_id, reason)
    await note_ended(services, ended, "unpublish")
    return Nothing()


async def note_ended(services: Services, ended: list[streams.Ended], by: str) -> None:
    """Count, log and tell viewers of sessions that were ended."""
    for stream in ended:
        services.metrics.streams_ended.labels(by).inc()
        log.info("stream ended", channel=stream.channel_id, session=stream.session_id, by=by)
    await services.events.ended(ended)


async def _end_predecessor(services: Services, node: NodeId, origin_url: str) -> None:
    """End at once what ran in the process whose address this node has now: it was killed and started again."""
    before = await services.redis.set(f"node:{origin_url}", node, ex=NODE_REMEMBERED_S, get=True)
    if isinstance(before, bytes) and before != node.encode():
        gone = NodeId(before.decode())
        await note_ended(services, await streams.end_node(services.pool, gone), "restart")


async def _store_health(services: Services, sessions: list[SessionHealth]) -> None:
    if not sessions:
        return
    async with services.redis.pipeline(transaction=False) as pipeline:
        for session in sessions:
            key, kept_s = health_key(session.channel_id), LIVE_ENTRY_TTL_S
            if session.is_test:
                key, kept_s = test_key(session.channel_id), TEST_KEPT_S
            pipeline.set(key, msgspec.json.encode(session), px=kept_s * 1000)
        await pipeline.execute()


async def list_keys(services: Services, request: KeysRequest) -> KeysAnswer:
    """Say who may publish: these channels, or the next page of all."""
    if request.channels is not None:
        return KeysAnswer(await keys.entries(services.pool, request.channels[:KEYS_PAGE]))
    page = await keys.page(services.pool, request.after, KEYS_PAGE)
    return KeysAnswer(page, is_last=len(page) < KEYS_PAGE)


def routes() -> list[web.RouteDef]:
    """Return the routes of the internal listener that ingest calls."""
    return [
        web.post("/internal/ingest/publish", signed(PublishRequest, publish)),
        web.post("/internal/ingest/heartbeat", signed(Heartbeat, heartbeat)),
        web.post("/internal/ingest/unpublish", signed(Unpublish, unpublish)),
        web.post("/internal/ingest/keys", signed(KeysRequest, list_keys)),
    ]
