"""Timed metadata from programs: a score, a slide, a song, shown by players at the moment at which it comes."""

from schemas import api
from schemas.errors import ApiError, ErrorCode
from schemas.ids import make_id
from schemas.ingest import AddMetadata
from web.calls import Call
from web.throttle import Limit, spend

METADATA_BY_CHANNEL = Limit("metadata-channel", 10, 1)
"""Every playlist of the stream carries each for a minute; more is no metadata but a feed."""


async def add_metadata(call: Call[api.AddMetadata]) -> api.MetadataAdded:
    """Put data into my running stream, at its present."""
    session = call.channel.session_id
    if session is None:
        raise ApiError(ErrorCode.NO_PUBLISHER, "This channel is not live.")
    await spend(call.services.redis, METADATA_BY_CHANNEL, call.channel.id)
    cue_id = make_id()
    asked = call.input
    await call.services.events.metadata(
        AddMetadata(session, cue_id, asked.class_name, asked.duration_ms, fields=asked.data)
    )
    return api.MetadataAdded(cue_id)
