"""What a relay process and web tell each other: what is to be fetched and sent on, and how that goes.

relay -> web   POST /internal/relay/heartbeat   (JSON, signed: see `signing.py`), every `RELAY_HEARTBEAT_S`

Web gives each job to one process, which has it as long as its heartbeats name it. Addresses are sealed
(`config/sealing.py`): they hold passwords and keys.
"""

from typing import Literal

import msgspec

from schemas.ids import ChannelId, NodeId, SessionId

RELAY_HEARTBEAT_S = 2.0
JOB_LEASE_S = 15
"""A job whose process has not been heard of for this long goes to another."""


def job_key(job_id: str) -> str:
    """Return the Redis key under which web keeps the last `JobReport` of a job."""
    return f"relay:{job_id}"


class PullOrder(msgspec.Struct, frozen=True, rename="camel"):
    """Fetch this and publish it with `ticket` as key, `pull` as protocol."""

    id: str
    channel_id: ChannelId
    channel_name: str
    url: str
    """Sealed."""
    ticket: str
    is_trusted: bool = False
    """Set up by an administrator: files and multicast may be read too."""


class RestreamOrder(msgspec.Struct, frozen=True, rename="camel"):
    """Send the session's source there."""

    id: str
    channel_id: ChannelId
    channel_name: str
    session_id: SessionId
    origin_url: str
    url: str
    """Sealed; the key is part of it."""


class JobReport(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """How a job is (see `schemas.api.JobState`)."""

    id: str
    state: Literal["connecting", "running", "waiting"]
    reason: str = ""
    since_ms: int
    retry_at_ms: int | None = None
    bitrate_bps: int = 0
    moved_bytes: int = 0
    failures: int = 0


class RelayHeartbeat(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """One process and its jobs. `room`: how many more it would take."""

    request_id: str
    node_id: NodeId
    jobs: list[JobReport]
    room: int


class RelayOrders(msgspec.Struct, frozen=True, rename="camel"):
    """All that this process is to do from now on; what is not here ends."""

    pulls: list[PullOrder]
    restreams: list[RestreamOrder]
