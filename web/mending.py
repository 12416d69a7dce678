"""Makes a recording whole when events of it were lost with Redis: the session's index in storage has all of them."""

import asyncio
from typing import Final, get_args

import msgspec
import structlog

from config.objects.store import NoSuchObject, StoreError
from schemas.ids import SessionId
from schemas.storage import MediaEvent, StreamStored
from web.failures import AWAY, subject_of
from web.services import Services
from web.store import arrivals, media, vods
from web.store.arrivals import SessionEvent

BATCH: Final = 1_000
"""Events of one transaction."""
DEADLINE_S: Final = 60.0
"""For one session: an index of a day is some 40 MB."""
SESSION_EVENTS: Final = get_args(SessionEvent)
FAILURES: Final[tuple[type[Exception], ...]] = (*AWAY, StoreError)
_LIST: Final = msgspec.json.Decoder(list[MediaEvent])
log = structlog.get_logger()


async def mend_guarded(services: Services, session: SessionId) -> bool:
    """Mend a session's rows; whatever does not answer is noted, and the housekeeper tries again."""
    try:
        async with asyncio.timeout(DEADLINE_S):
            return await mend(services, session)
    except FAILURES as error:
        subject = "storage" if isinstance(error, StoreError) else subject_of(error)
        services.troubles.note(f"mending: {subject}", error)
        return False


async def mend(services: Services, session: SessionId) -> bool:
    """Read the session's index and write what is missing; return whether that made it whole. Raises `StoreError`.

    A session whose index is not there, or not readable, is left as it is for good.
    """
    index = await media.index_key(services.pool, session)
    if index is None:
        return False
    try:
        events = _LIST.decode(await services.stores.of(index).get(index))
    except (NoSuchObject, msgspec.DecodeError) as error:
        log.error("recording not mended", session=session, why=type(error).__name__)
        await vods.settle(services.pool, session)
        return False
    own = [event for event in events if isinstance(event, SESSION_EVENTS) and event.session_id == session]
    rows = [event for event in own if not isinstance(event, StreamStored)]
    for first in range(0, len(rows), BATCH):
        async with services.pool.acquire() as connection, connection.transaction():
            await arrivals.write(connection, rows[first : first + BATCH])
    await vods.settle(services.pool, session)
    log.info("recording mended", session=session, events=len(rows))
    return True
