"""What a pull and its demuxing child tell each other over pipes, framed by `media.wire`."""

import msgspec

from media.packets import CodecConfig, Packet


class Open(msgspec.Struct, frozen=True, tag="open"):
    """A container begins. Its bytes follow as `Data` until `End`, unless there is a `url` or a `path`.

    `url` leads to this machine: the relay's way to a checked server. A file begins again when it ends.
    """

    url: str = ""
    path: str = ""


class Data(msgspec.Struct, frozen=True, tag="data"):
    """The container's next bytes."""

    data: bytes


class End(msgspec.Struct, frozen=True, tag="end"):
    """The container is complete. Another may be opened."""


ToChild = Open | Data | End


class Configured(msgspec.Struct, frozen=True, tag="configured"):
    """The packets of this kind that follow need this configuration."""

    config: CodecConfig


class Read(msgspec.Struct, frozen=True, tag="read"):
    """One packet, its stamps in 90 kHz of the container's clock."""

    packet: Packet


class Finished(msgspec.Struct, frozen=True, tag="finished"):
    """All of a container was read. `reason`: why no more could be, a sentence for the owner; "" is its proper end."""

    reason: str = ""


FromChild = Configured | Read | Finished
