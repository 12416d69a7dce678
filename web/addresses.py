"""Where a viewer fetches live streams, recordings and clips, with the token that opens what is not public.

Paths are those of `schemas/access.py`; a token is made here for whom the caller of `opened` found to be allowed, or is
the one that came with a shared address.
"""

from datetime import UTC, datetime
from typing import Literal

import msgspec

from schemas.access import Visibility
from schemas.ids import ChannelId, ClipId, VodId
from web.access import AccessKeys, Token, scope_of_channel, scope_of_clip, scope_of_vod

Root = Literal["hls", "vods", "clips"]


class Place(msgspec.Struct, frozen=True):
    """Something to watch. `token`: None for what is public."""

    root: Root
    name: str
    token: Token | None = None

    @property
    def base(self) -> str:
        """What its files' paths begin with; no slash at the end."""
        access = f"~{self.token.text}/" if self.token else ""
        return f"/{self.root}/{access}{self.name}"

    @property
    def expires_at(self) -> datetime | None:
        """When its addresses stop working."""
        return self.token.expires_at if self.token else None

    def file(self, name: str) -> str:
        """Return the path of one file of it."""
        return f"{self.base}/{name}"


def whep_url(place: Place) -> str:
    """Return where a live stream is watched over WebRTC."""
    assert place.root == "hls"
    return "/whep" + place.base.removeprefix("/hls")


def scope_of(root: Root, name: str) -> str:
    """Return what a token for this must be signed for."""
    match root:
        case "hls":
            return scope_of_channel(ChannelId(name))
        case "vods":
            return scope_of_vod(VodId(name))
        case "clips":
            return scope_of_clip(ClipId(name))


def opened(access: AccessKeys, root: Root, name: str, visibility: Visibility) -> Place:
    """Return the addresses of something for somebody who may watch it."""
    is_public = visibility == "public"
    return Place(root, name, None if is_public else access.sign(scope_of(root, name)))


async def opened_by(access: AccessKeys, root: Root, name: str, key: str | None) -> Place | None:
    """Return the addresses that the key of a shared address opens; None for no key, or one that is no good here."""
    if not key or not await access.verify(key, scope_of(root, name)):
        return None
    expires_at = datetime.fromtimestamp(int(key.split(".")[1]), UTC)
    return Place(root, name, Token(key, expires_at))
