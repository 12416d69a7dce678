"""What the signalling asks for before it answers a viewer's offer (POST /whep).

place = await watching.admit(asked)             raises `NotNow`: 503 with Retry-After
accepted = place.accept(offer)                  raises `NothingFits`: 406; then `place.closed(reason)`
network.open(offer, accepted, place, ...)       a place uses its peer: `connected`, `received_rtcp`, `closed`
"""

from typing import Protocol

import msgspec

from media.packets import TrackKind
from media.webrtc.answers import AcceptedMedia
from media.webrtc.offers import Offer
from media.webrtc.peer import PeerUser
from schemas.ids import ChannelId, SessionId


class NotNow(Exception):
    """Nobody can be let in: 503, `reason` as its text, `retry_after_s` as its Retry-After."""

    def __init__(self, reason: str, retry_after_s: int) -> None:
        super().__init__(reason)
        self.reason, self.retry_after_s = reason, retry_after_s


class NothingFits(Exception):
    """The offer takes nothing of what is sent: 406; the text says what it would have to take."""


class Asked(msgspec.Struct, frozen=True):
    """What web says of a viewer (see the headers in `schemas.webrtc`). `is_public`: admitted as everybody is."""

    channel_id: ChannelId
    session_id: SessionId
    origin_url: str
    viewer: str
    is_public: bool


class Sending(msgspec.Struct, frozen=True):
    """A track as one viewer gets it: H264/90000 with packetization-mode=1, or opus/48000/2. `rtx_ssrc` is of
    retransmissions (RFC 4588). `profile_level_id` is of H.264, such as "64001f".
    """

    kind: TrackKind
    ssrc: int
    rtx_ssrc: int = 0
    profile_level_id: str = ""


class Place(PeerUser, Protocol):
    """A viewer's place, held from before the answer until `closed` is called, which more than once does nothing."""

    def accept(self, offer: Offer) -> list[AcceptedMedia]:
        """Return what to answer an offer with. Raises `NothingFits`."""


class Watching(Protocol):
    """All watched sessions of this process."""

    async def admit(self, asked: Asked) -> Place:
        """Hold a place. Takes up to a few seconds for the first viewer of a session. Raises `NotNow`."""

    def viewers(self) -> dict[ChannelId, list[str]]:
        """Return who watches what right now, for the heartbeat."""
