"""One player of a live stream over RTMP: a session's packets, out of its feed, as tags for the core to send."""

from typing import Protocol as Interface

import msgspec

from media.feeds import Feeds
from media.links.messages import AUDIO, VIDEO, Break, Configure, Ended, FromFeed, Media, Shown
from media.packets import CodecConfig, TrackKind
from media.rtmp import tags
from media.rtmp.amf import EcmaArray
from media.rtmp.connection import PlayRequested, RtmpConnection
from media.rtmp.stamps import Stamps
from schemas.access import Visibility

TRACKS = (VIDEO, AUDIO)
"""The source's pictures, and its sound as AAC, which every player of RTMP knows."""
MAX_PLAYERS = 256
"""Of one server: viewers watch over HLS, this is for tools."""
MAX_UNREAD_BYTES = 16 << 20
"""A player that leaves more than this unread is closed; it begins with a whole GOP."""
KEY_PARAM = "key"
NOT_PUBLIC = "This stream is not public."


class Live(Interface):
    """A running session."""

    visibility: Visibility
    feeds: Feeds

    def has_key(self, key: str) -> bool:
        """Whether it was published with that key."""


class NoPlay(msgspec.Struct, frozen=True):
    """Why somebody may not watch: a slug to count, what RTMP calls it, and a sentence."""

    reason: str
    code: str
    sentence: str


class Admitted(msgspec.Struct, frozen=True):
    """Who may watch what; `has_key`: also when it is public no more."""

    live: Live
    has_key: bool


def judge(wish: PlayRequested, live: Live | None, players: int) -> Admitted | NoPlay:
    """Decide on a wish to play this session, with so many players there already."""
    if live is None:
        return NoPlay("not_live", "NetStream.Play.StreamNotFound", "There is no such stream on the air.")
    has_key = live.has_key(wish.params.get(KEY_PARAM, ""))
    if live.visibility != "public" and not has_key:
        return NoPlay("not_public", "NetStream.Play.Failed", f"{NOT_PUBLIC} Add ?key= and its stream key.")
    if players >= MAX_PLAYERS:
        return NoPlay("too_many_players", "NetStream.Play.Failed", "Too many players: watch on the web page.")
    return Admitted(live, has_key)


class Playout:
    """Give `take` to the session's feeds; what it makes the core send is the caller's to write."""

    def __init__(self, core: RtmpConnection, *, has_key: bool) -> None:
        self._core = core
        self._has_key = has_key
        self._stamps = Stamps()
        self._configs: dict[TrackKind, CodecConfig] = {}
        self._newest_ms = 0

    def take(self, message: FromFeed) -> str:
        """Take the next message; return why it is over now, "" while it goes on."""
        match message:
            case Media(_, packet):
                placed = self._stamps.place(packet)
                config = self._configs.get(packet.kind)
                if placed is not None and config is not None:
                    self._newest_ms = placed.dts
                    self._send(packet.kind, placed.dts, tags.packet_tag(config.fourcc, placed))
            case Configure(_, config):
                self._stamps.configure(config)
                self._configs[config.kind] = config
                self._core.send_data("onMetaData", EcmaArray(tags.metadata(self._configs.values())))
                self._send(config.kind, self._newest_ms, tags.config_tag(config))
            case Shown(visibility) if visibility != "public" and not self._has_key:
                return NOT_PUBLIC
            case Ended(reason):
                return reason
            case Break():
                return ""  # the stamps go on by the time that passed, and the next picture is a keyframe
        return ""

    def _send(self, kind: TrackKind, timestamp: int, payload: bytes) -> None:
        send = self._core.send_video if kind is TrackKind.VIDEO else self._core.send_audio
        if payload:
            send(timestamp, payload)
