"""What ingest and web tell each other: signed callbacks, the registry of live streams, commands, health.

ingest -> web   POST /internal/ingest/publish | heartbeat | unpublish | keys   (JSON, signed: see `signing.py`)
ingest -> Redis `live:{channelId}`, `live:{channelName}` and `session:{sessionId}` hold a `LiveEntry`
web -> ingest   Redis channel `ingest_commands` carries `IngestCommand`, `key_changes` `KeysChanged`
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

from schemas.access import Visibility
from schemas.ids import ChannelId, NodeId, SessionId

LIVE_ENTRY_TTL_S = 15
"""A registry entry disappears this long after its ingest process stopped renewing it."""
HEARTBEAT_S = 2.0
"""How often ingest renews its entries and tells web how its streams are."""
ENDED_ENTRY_TTL_S = 60
"""How long `session:{id}` outlives the stream, so that players can fetch the end of it."""
INGEST_COMMANDS = "ingest_commands"
"""Redis channel of `IngestCommand`."""


def live_key(channel: str) -> str:
    """Return the registry key of a live channel, by its id or by its name."""
    return f"live:{channel}"


def session_key(session: str) -> str:
    """Return the registry key of one session; unlike `live_key` it outlives the stream for a minute."""
    return f"session:{session}"


KEY_CHANGES = "key_changes"
"""Redis channel of `KeysChanged`."""
Protocol = Literal["rtmp", "rtmps", "srt", "whip", "pull"]


class PublishRequest(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """May this publisher go on? Asked before anything is accepted (RTMP: before `Publish.Start`).

    `request_id` is new for every publisher and stays when the question is repeated, which then gets the same answer;
    `attempt` counts the repetitions, so that no two of them have one signature.
    """

    request_id: str
    attempt: int
    node_id: NodeId
    protocol: Protocol
    key: str
    params: dict[str, str]
    remote_address: str
    encoder: str = ""


MIN_PRIORITY, MAX_PRIORITY = -100, 100
_YES = frozenset({"1", "true", "yes"})


def read_priority(params: Mapping[str, str]) -> int:
    """Return a publisher's `?priority=`, 0 when it says none. Raises `ValueError` with a sentence for him."""
    text = params.get("priority", "0")
    try:
        priority = int(text[:8])
    except ValueError:
        priority = MAX_PRIORITY + 1
    if not MIN_PRIORITY <= priority <= MAX_PRIORITY:
        raise ValueError(f"priority must be a whole number from {MIN_PRIORITY} to {MAX_PRIORITY}.")
    return priority


def wants_takeover(params: Mapping[str, str]) -> bool:
    """Whether a publisher said `?takeover=1`: it takes the place of whoever is on the air."""
    return params.get("takeover", "") in _YES


def wants_test(params: Mapping[str, str]) -> bool:
    """Whether a publisher said `?bandwidthtest=true`: it is measured and never on the air."""
    return params.get("bandwidthtest", "") in _YES


class Limits(msgspec.Struct, frozen=True, rename="camel"):
    """What a publisher may send, the stricter of the instance's and the channel's; 0 is no limit."""

    max_bitrate_bps: int = 0
    max_height: int = 0
    """Of the shorter side: a phone held upright sends 1080x1920."""
    max_frame_rate: int = 0
    max_duration_s: int = 0


class PublishGrant(msgspec.Struct, frozen=True, rename="camel"):
    """The answer to a good key: who this is and what the session is to be.

    `is_running`: the channel's session runs on the asking node already; it decides whether the publisher takes its
    place, stands by or is refused. `is_test`: a bandwidth test; nothing goes on the air.
    """

    channel_id: ChannelId
    channel_name: str
    session_id: SessionId
    ladder: str = "auto"
    """`auto`, `off`, or names of configured rungs: `720p,480p`."""
    limits: Limits = Limits()
    is_running: bool = False
    is_test: bool = False
    is_recorded: bool = True
    visibility: Visibility = "public"


class TrackHealth(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One track as it arrives, measured over the last seconds."""

    codec: str  # RFC 6381: avc1.64001f, mp4a.40.2
    bitrate_bps: int
    width: int | None = None
    height: int | None = None
    frame_rate: float | None = None
    keyframe_interval_s: float | None = None
    sample_rate: int | None = None
    channels: int | None = None


class NetworkHealth(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What SRT and WebRTC know of the way to a publisher. Counters run from the connection's start."""

    rtt_ms: float
    received_packets: int
    lost_packets: int
    """That did not come when they should have."""
    recovered_packets: int
    """Of these, that came when they were asked for again (or out of order), in time."""
    dropped_packets: int
    """Of these, that were given up."""
    latency_ms: int | None = None
    """How long a packet may be waited for (SRT)."""
    bitrate_bps: int = 0
    """On the wire, lately."""
    is_encrypted: bool = False


class PublisherHealth(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One connection that publishes into a session, on the air or standing by."""

    protocol: Protocol
    encoder: str
    priority: int
    is_on_air: bool
    connected_at_ms: int
    received_bytes: int
    bitrate_bps: int
    jitter_ms: int
    """How irregularly media arrives against its own time stamps, over the last seconds (RFC 3550, 6.4.1)."""
    silent_ms: int
    """Since the last data."""
    network: NetworkHealth | None = None


class RungHealth(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One rung of the ladder. `reason` says why it is not running."""

    name: str
    state: Literal["starting", "running", "lost", "shed", "refused"]
    width: int
    height: int
    frame_rate: float
    target_bps: int
    bitrate_bps: int = 0
    dropped_frames: int = 0
    lag_ms: int = 0
    """How far its newest frame is behind the source's."""
    reason: str = ""


class TranscoderHealth(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """The process that makes the rungs."""

    encoder: str
    cores: float
    """CPU seconds per second, lately."""
    memory_bytes: int
    restarts: int
    dropped_packets: int
    """Source packets that it could not take in time; the source rendition has them."""


class SessionHealth(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One running session in a heartbeat.

    `is_playable` turns true once the first part can be fetched, and stays so. Counters run from the start.
    """

    session_id: SessionId
    channel_id: ChannelId
    protocol: Protocol
    encoder: str
    started_at_ms: int
    is_playable: bool
    duration_ms: int
    received_bytes: int
    dropped_packets: int
    discontinuities: int
    video: TrackHealth | None = None
    audio: TrackHealth | None = None
    is_waiting: bool = False
    """The publisher is lost and may return until `returns_until_ms`."""
    returns_until_ms: int | None = None
    interruptions: int = 0
    publishers: list[PublisherHealth] = []
    rungs: list[RungHealth] = []
    transcoder: TranscoderHealth | None = None
    is_test: bool = False
    """A bandwidth test: measured, never on the air."""


class Heartbeat(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """All sessions of one node, every `HEARTBEAT_S` and at once when one becomes playable.

    A session that web believes to be on this node and that is not in the list has ended.
    """

    request_id: str
    node_id: NodeId
    origin_url: str
    sessions: list[SessionHealth]
    srt_trouble: str = ""
    """Why there is no SRT listener here though there is to be one; a sentence for an operator."""


class Cut(msgspec.Struct, frozen=True, rename="camel"):
    """A session that must end, and the sentence its publisher is told."""

    session_id: SessionId
    reason: str


class HeartbeatAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """`cut`: sessions that web no longer allows; `visibility`: who may watch the others, where that is not everybody.
    The repetition of commands that got lost.
    """

    cut: list[Cut]
    visibility: dict[SessionId, Visibility] = {}


class Unpublish(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A session has ended. Delivered at least once; web takes a repetition as done."""

    request_id: str
    attempt: int
    node_id: NodeId
    session_id: SessionId
    reason: str


class KeysRequest(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Who may publish and how: of these channels, or of all behind `after` (a channel's id; "" is from the first on).

    SRT decides before it accepts, in a callback that may not wait: so ingest has it all in memory.
    """

    request_id: str
    attempt: int
    node_id: NodeId
    channels: list[ChannelId] | None = None
    after: str = ""


class KeyEntry(msgspec.Struct, frozen=True, rename="camel"):
    """One channel: the SHA-256 of its valid key as hexadecimal digits ("" without one), its passphrase for SRT.

    `srt_passphrase` is sealed (`config/sealing.py`), "" is none.
    """

    channel_id: ChannelId
    channel_name: str
    key_digest: str
    srt_passphrase: str = ""


class KeysAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """`KEYS_PAGE` entries at most, by id; `is_last`: there are none behind them. Channels that were asked for and are
    not here are gone.
    """

    entries: list[KeyEntry]
    is_last: bool = True


KEYS_PAGE = 5_000


class KeysChanged(msgspec.Struct, frozen=True, rename="camel"):
    """Key, name or passphrase of these channels changed just now: ask for them again."""

    channels: list[ChannelId]


class LiveEntry(msgspec.Struct, frozen=True, rename="camel"):
    """Where a live stream is: the registry's value. `origin_url` is the base of the node's internal origin."""

    channel_id: ChannelId
    channel_name: str
    session_id: SessionId
    node_id: NodeId
    origin_url: str
    started_at_ms: int
    visibility: Visibility = "public"


class CutSession(msgspec.Struct, frozen=True, rename="camel", tag_field="type", tag="cut"):
    """End this session now: the key was rotated, the owner or an administrator stopped it."""

    session_id: SessionId
    reason: str


class AddMetadata(msgspec.Struct, frozen=True, rename="camel", tag_field="type", tag="metadata"):
    """Put this into the session's stream now: EXT-X-DATERANGE in its playlists, an ID3 event in its media."""

    session_id: SessionId
    cue_id: str
    class_name: str
    duration_ms: int | None
    fields: dict[str, str]


class SetVisibility(msgspec.Struct, frozen=True, rename="camel", tag_field="type", tag="visibility"):
    """From now on these may watch the session."""

    session_id: SessionId
    visibility: Visibility


IngestCommand = CutSession | AddMetadata | SetVisibility
"""What web tells every ingest process over `INGEST_COMMANDS`."""
