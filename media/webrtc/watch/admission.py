"""What the signalling asks for before it answers a viewer's offer, and what it hands over once the peer is connected.

place = await watching.admit(asked)             raises `NotNow`: 503 with Retry-After
... answer the offer with `place.sendings`, connect ICE and DTLS ...
place.begin(peer, negotiated)                   when both are connected: media flows
place.receive_rtcp(data)                        each decrypted compound packet
place.release(reason)                           once the peer is gone, however that came, begun or not
"""

from typing import Protocol

import msgspec

from media.packets import TrackKind
from schemas.ids import ChannelId, SessionId


class NotNow(Exception):
    """Nobody can be let in: 503, `reason` as its text, `retry_after_s` as its Retry-After."""

    def __init__(self, reason: str, retry_after_s: int) -> None:
        super().__init__(reason)
        self.reason, self.retry_after_s = reason, retry_after_s


class Asked(msgspec.Struct, frozen=True):
    """What web says of a viewer (see the headers in `schemas.webrtc`). `is_public`: admitted as everybody is."""

    channel_id: ChannelId
    session_id: SessionId
    origin_url: str
    viewer: str
    is_public: bool


class Sending(msgspec.Struct, frozen=True):
    """A track that the answer sends: H264/90000 with packetization-mode=1, or opus/48000/2."""

    kind: TrackKind
    ssrc: int
    rtx_ssrc: int
    """Of retransmissions (RFC 4588), where the offer has them for this codec; 0 is none."""
    cname: str
    profile_level_id: str = ""
    """Of H.264: what is sent, such as "64001f"; an offered payload type of this profile is the best one."""


class Negotiated(msgspec.Struct, frozen=True):
    """What the answer says of one track."""

    kind: TrackKind
    payload_type: int
    rtx_payload_type: int = 0
    """0: retransmissions go as they went, with the track's SSRC."""
    extensions: dict[str, int] = {}
    """Header extensions (RFC 8285) of the answer: URI -> id."""
    mid: str = ""


class Outgoing(Protocol):
    """What a viewer's peer does, once connected."""

    def send_rtp(self, data: bytes) -> None:
        """Protect an RTP packet and send it; what cannot be sent is lost, as packets are."""

    def send_rtcp(self, data: bytes) -> None:
        """The same for an RTCP compound packet."""

    def end(self, reason: str) -> None:
        """Close the peer soon; `Place.release` follows."""


class Place(Protocol):
    """A viewer's place, held from before the answer until the peer is gone."""

    @property
    def sendings(self) -> list[Sending]:
        """What to answer with: pictures, sound, or both."""

    def begin(self, peer: Outgoing, negotiated: list[Negotiated]) -> None:
        """Let media flow."""

    def receive_rtcp(self, data: bytes) -> None:
        """Take a decrypted compound packet; whatever it holds, nothing is raised."""

    def release(self, reason: str) -> None:
        """Give the place back; more than once does nothing."""


class Watching(Protocol):
    """All watched sessions of this process."""

    async def admit(self, asked: Asked) -> Place:
        """Hold a place. Takes up to a few seconds for the first viewer of a session. Raises `NotNow`."""

    def viewers(self) -> dict[ChannelId, list[str]]:
        """Return who watches what right now, for the heartbeat."""
