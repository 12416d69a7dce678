"""What ingest and the pictures process tell each other: four bytes of length, then one msgpack message.

ingest -> child   TakeStill | MakeSlate, each answered before the next is sent; Forget, which has no answer
child -> ingest   Ready once, then Still | Slate | Failed
"""

import msgspec

from media.packets import CodecConfig
from media.pictures.slates import SlateClip, SlateProfile

COLUMNS, ROWS = 10, 10
"""Small pictures on a storyboard sheet."""


class TakeStill(msgspec.Struct, frozen=True, tag="still"):
    """Make the thumbnail of this keyframe, and put its tile on the session's sheet."""

    session_id: str
    config: CodecConfig
    data: bytes


class MakeSlate(msgspec.Struct, frozen=True, tag="slate"):
    """Code the picture at this path as a loop; "" is the one that comes with Tallylight."""

    profile: SlateProfile
    picture: str


class Forget(msgspec.Struct, frozen=True, tag="forget"):
    """The session has ended: its sheet grows no more."""

    session_id: str


ToChild = TakeStill | MakeSlate | Forget


class Sheet(msgspec.Struct, frozen=True):
    """A storyboard sheet as it is now. A sheet with one tile is a new one; it replaces none."""

    jpeg: bytes
    tiles: int
    tile_width: int
    tile_height: int


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """It has started: what ends it from here on is what it is asked."""


class Still(msgspec.Struct, frozen=True, tag="still"):
    """The pictures of one keyframe; no sheet when there is no memory for one more."""

    thumbnail: bytes
    sheet: Sheet | None


class Slate(msgspec.Struct, frozen=True, tag="slate"):
    """The loop. `trouble` says why it does not show the picture that was asked for, "" when it does."""

    clip: SlateClip
    trouble: str = ""


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """There is no picture, and the next will be as good as ever."""

    reason: str


FromChild = Ready | Still | Slate | Failed
