"""What web and the webrtc processes tell each other.

browser -> web -> webrtc   POST/PATCH/DELETE/OPTIONS /whip… and /whep…, as RFC 9725 has it, with the headers below
webrtc -> web              POST /internal/webrtc/heartbeat   (JSON, signed: see `signing.py`)
"""

import msgspec

from schemas.ids import ChannelId, NodeId

WEBRTC_HEARTBEAT_S = 3.0
WEBRTC_NODE_TTL_S = 12
"""A process that has not been heard of for this long gets nobody."""
WEBRTC_NODES = "webrtc_nodes"
"""Redis hash, node id -> `WebrtcNode`: where web finds them. Written with every heartbeat."""

CHANNEL_HEADER = "Tally-Channel"
"""whip: the channel of the address ("" without one): the key must be its. whep: the channel's id."""
ADDRESS_HEADER = "Tally-Address"
"""The client's address."""
ORIGIN_HEADER = "Tally-Origin"
"""whep: base of the ingest node that has the session."""
SESSION_HEADER = "Tally-Session"
"""whep: the live session's id."""
VIEWER_HEADER = "Tally-Viewer"
"""whep: who watches, as viewers are counted."""
ADMITTED_HEADER = "Tally-Admitted"
"""whep: `public`, or `signed` for who may watch though it is not public."""


class WebrtcHeartbeat(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """One process: `url` is where web reaches it, `viewers` who watches which channel right now.

    Resources are named `{nodeId}.{something}`, so that web finds the process that has them.
    """

    request_id: str
    node_id: NodeId
    url: str
    viewers: dict[ChannelId, list[str]]
    max_viewers: int
    publishers: int = 0


class WebrtcNode(msgspec.Struct, frozen=True, rename="camel"):
    """Where a process is and how full."""

    node_id: NodeId
    url: str
    viewers: int
    max_viewers: int
    publishers: int
    seen_ms: int
