"""A publisher's stay: asked for, granted, fed with packets, ended with a reason. Protocol-neutral.

Errors: `Refused` (policy: tell the publisher, he must change something) and `Unavailable` (ours: close without a
word, he will try again).
"""

from collections.abc import Callable
from ipaddress import ip_address
from typing import Literal, runtime_checkable
from typing import Protocol as Interface

import msgspec

from media.packets import CodecConfig, Packet
from schemas.ingest import NetworkHealth, Protocol

RefusalKind = Literal["bad_request", "forbidden", "conflict"]
"""What a protocol makes a code of: nobody may ask so, this one may not, not now because of another."""


class Refused(Exception):
    """The platform says no. `reason` is a sentence for the publisher; it never holds the key."""

    def __init__(self, reason: str, kind: RefusalKind = "forbidden") -> None:
        super().__init__(reason)
        self.reason, self.kind = reason, kind


class WrongChannel(Refused):
    """The key is good, but for another channel than the one the publisher named."""


class Unavailable(Exception):
    """The platform cannot answer right now. The publisher should try again by himself."""


class PublishAttempt(msgspec.Struct, frozen=True):
    """Who wants to publish, as the protocol could tell. `params` is what followed `?` in the key."""

    protocol: Protocol
    key: str
    params: dict[str, str]
    remote_address: str
    encoder: str


class Description(msgspec.Struct, frozen=True):
    """What a publisher says of its stream (RTMP: onMetaData), believed until it is measured; 0 or "" is unsaid."""

    frame_rate: float = 0.0
    video_bitrate_bps: int = 0
    encoder: str = ""


class Note(msgspec.Struct, frozen=True):
    """Data in the stream at a time of the publisher's clock in ms: `name` says what kind (RTMP: onTextData,
    onCuePoint, ...), `fields` are its values as text.
    """

    timestamp: int
    name: str
    fields: dict[str, str]


class Publication(Interface):
    """One granted publisher, as protocols see it. Calls never wait and never raise for bad media."""

    def configure(self, config: CodecConfig) -> None:
        """Take a track's configuration; repeated equal ones are free."""

    def push(self, packet: Packet) -> None:
        """Take a packet with `dts` and `pts` of the publisher's clock, unwrapped or not: RTMP's in milliseconds (32
        bits), of all other protocols both tracks' in 90 kHz (33 bits).
        """

    def describe(self, description: Description) -> None:
        """Take what the publisher says of its stream; it may say it again."""

    def annotate(self, note: Note) -> None:
        """Take data at a time of the stream."""

    def measure(self, network: NetworkHealth) -> None:
        """Take what the protocol knows of the way here; about once a second."""

    async def end(self, reason: str, *, is_lost: bool = True) -> None:
        """The publisher is gone; the first call counts, `reason` goes to the log and the streams table.

        A lost one may return to its session; one that said goodbye (`is_lost` False) ends it.
        """


@runtime_checkable
class Hastened(Interface):
    """A publication that knows whether somebody watches it with the lowest latency; protocols may ask."""

    @property
    def is_urgent(self) -> bool:
        """Whether a packet that is here is to be pushed at once, though it costs more than several together."""


class Publications(Interface):
    """The node's sessions."""

    async def open(self, attempt: PublishAttempt, on_cut: Callable[[str], None]) -> Publication:
        """Ask web for a grant and open a session.

        `on_cut(sentence)` is called (once, in the loop) when the platform ends the session; the protocol tells the
        publisher and closes. Raises `Refused` or `Unavailable`; takes up to `GRANT_TIMEOUT_S`.
        """


def masked(address: str) -> str:
    """Return an address that is fit for a log: its network, not its host."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "?"
    if parsed.version == 4:
        return address.rpartition(".")[0] + ".x"
    return ":".join(parsed.exploded.split(":")[:3]) + "::x"
