"""What ingest and the media processes beside it tell each other over WebSockets of the origin, as binary messages.

    GET {origin}/{sessionId}/feed?tracks=video,sound[&urgent=1]     ingest -> other    `FromFeed`
    GET {origin}/publish                                 other -> ingest    `ToIngest`, ingest -> other    `FromIngest`

A binary message holds one or more frames of `media.wire` (four bytes of length, then msgpack).
"""

from typing import Literal

import msgspec

from media.packets import CodecConfig, Packet
from media.publication import Description, PublishAttempt, RefusalKind
from schemas.access import Visibility
from schemas.ids import ChannelId, SessionId
from schemas.ingest import NetworkHealth

VIDEO, SOUND, AUDIO = "video", "sound", "audio"
"""Names of tracks: the source's pictures; its sound as the publisher sends it; its sound as HLS carries it (AAC-LC, the
same packets where the publisher sends that). Rungs of the ladder go by their names ("720p")."""


class Track(msgspec.Struct, frozen=True):
    """A track that can be asked for. `is_reordered`: pictures are shown in another order than decoded (B-frames)."""

    name: str
    config: CodecConfig
    is_reordered: bool = False
    frame_rate: float = 0.0
    """0 is not known."""


class Tracks(msgspec.Struct, frozen=True, tag="tracks"):
    """All tracks there are; first, and again whenever that changes."""

    session_id: SessionId
    channel_id: ChannelId
    channel_name: str
    tracks: list[Track]


class Configure(msgspec.Struct, frozen=True, tag="configure"):
    """The packets of this track that follow need this configuration."""

    track: str
    config: CodecConfig


class Media(msgspec.Struct, frozen=True, tag="media"):
    """One packet. From a feed: in media time (pictures in 90 kHz, sound in samples), the first of pictures a keyframe.

    `is_past`: it was there before the feed was asked for: the GOP that runs, and its sound.
    """

    track: str
    packet: Packet
    is_past: bool = False


class Break(msgspec.Struct, frozen=True, tag="break"):
    """What follows does not join what went before, on any track."""

    reason: str


class Shown(msgspec.Struct, frozen=True, tag="shown"):
    """These may watch; first, and again whenever that changes."""

    visibility: Visibility


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """The session is over."""

    reason: str


FromFeed = Tracks | Configure | Media | Break | Shown | Ended


class Attempt(msgspec.Struct, frozen=True, tag="attempt"):
    """First: may I publish? `channel` ("" is any) is the id or name of the channel that the key must be of."""

    attempt: PublishAttempt
    channel: str = ""


class Describe(msgspec.Struct, frozen=True, tag="describe"):
    """See `Publication.describe`."""

    description: Description


class Measured(msgspec.Struct, frozen=True, tag="measured"):
    """See `Publication.measure`."""

    network: NetworkHealth


class Goodbye(msgspec.Struct, frozen=True, tag="goodbye"):
    """See `Publication.end`."""

    reason: str
    is_lost: bool


class Offered(msgspec.Struct, frozen=True, tag="offered"):
    """A publisher's packet, both tracks in 90 kHz of the publisher's clock (33 bits, or unwrapped)."""

    packet: Packet


class Configured(msgspec.Struct, frozen=True, tag="configured"):
    """A publisher's configuration of one track."""

    config: CodecConfig


ToIngest = Attempt | Configured | Offered | Describe | Measured | Goodbye


class Granted(msgspec.Struct, frozen=True, tag="granted"):
    """He may."""

    session_id: SessionId
    channel_id: ChannelId
    channel_name: str


class Denied(msgspec.Struct, frozen=True, tag="denied"):
    """He may not, or nobody can say right now (`unavailable`: try again); `wrong_channel`: the key is another's."""

    kind: RefusalKind | Literal["unavailable", "wrong_channel"]
    reason: str


class CutOff(msgspec.Struct, frozen=True, tag="cut"):
    """The platform ended it; nothing more is taken."""

    reason: str


FromIngest = Granted | Denied | CutOff
