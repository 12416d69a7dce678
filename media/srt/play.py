"""Players of a session over SRT: one transport stream is made for all of them, from the keyframe on that was last.

A player that cannot take it is closed; nothing waits for it.
"""

from collections.abc import Callable

import structlog

from media.links.messages import SOUND, VIDEO, Break, Configure, Ended, FromFeed, Media, Shown
from media.packets import Packet, TrackKind
from media.srt.lib import MESSAGE_BYTES
from media.ts.mux import Muxer

log = structlog.get_logger()

MAX_PAST_BYTES = 4 << 20
"""Of the running GOP that a player gets at once; where it is larger, the player begins with the next."""
TOO_SLOW, NOT_ALLOWED, OVER, LEFT = "too slow", "no longer public", "the stream is over", "player left"


class Gone(Exception):
    """A player has left."""


class Stage:
    """One session's players. For the loop's thread.

    `send` gives a player (a socket) a message and tells whether it took it, or raises `Gone`; `dismiss` closes it
    with a reason.
    """

    def __init__(self, send: Callable[[int, bytes], bool], dismiss: Callable[[int, str], None]) -> None:
        self.is_over = False
        self._send = send
        self._dismiss = dismiss
        self._muxer = Muxer()
        self._players: dict[int, bool] = {}  # whether it has the key
        self._past: list[bytes] = []
        self._past_bytes = 0
        self._has_video = False
        self._unsubscribe: Callable[[], None] | None = None

    def __len__(self) -> int:
        return len(self._players)

    def begin(self, subscribe: Callable[[Callable[[FromFeed], None]], Callable[[], None]]) -> None:
        """Take the session's packets from now on. Raises `Unavailable`."""
        self._unsubscribe = subscribe(self._take)

    def add(self, player: int, *, has_key: bool) -> None:
        """Let a player in; it gets the running GOP at once."""
        self._players[player] = has_key
        for data in list(self._past):
            self._give(player, data)

    def remove(self, player: int) -> None:
        """It is gone; the stage that has nobody left ends."""
        self._players.pop(player, None)
        if not self._players:
            self.end()

    def end(self) -> None:
        """Take no more packets; what players there are, are dismissed."""
        self.is_over = True
        unsubscribe, self._unsubscribe = self._unsubscribe, None
        if unsubscribe is not None:
            unsubscribe()
        for player in list(self._players):
            self._close(player, OVER)

    def _take(self, message: FromFeed) -> None:
        match message:
            case Media():
                self._write(message.packet)
            case Configure():
                self._muxer.configure(message.config)
                self._has_video = self._has_video or message.config.kind is TrackKind.VIDEO
            case Break():
                self._muxer.break_()
                self._forget_past()
            case Shown() if message.visibility != "public":
                for player, has_key in list(self._players.items()):
                    if not has_key:
                        self._close(player, NOT_ALLOWED)
            case Ended():
                self.end()

    def _write(self, packet: Packet) -> None:
        data = self._muxer.write(packet)
        if not data:
            return
        is_start = packet.is_keyframe and (packet.kind is TrackKind.VIDEO or not self._has_video)
        self._remember(data, is_start=is_start)
        for player in list(self._players):
            self._give(player, data)

    def _remember(self, data: bytes, *, is_start: bool) -> None:
        if is_start:
            self._forget_past()
        elif not self._past:
            return
        self._past.append(data)
        self._past_bytes += len(data)
        if self._past_bytes > MAX_PAST_BYTES:
            self._forget_past()

    def _forget_past(self) -> None:
        self._past, self._past_bytes = [], 0

    def _give(self, player: int, data: bytes) -> None:
        for at in range(0, len(data), MESSAGE_BYTES):
            if player not in self._players:
                return
            try:
                is_taken = self._send(player, data[at : at + MESSAGE_BYTES])
            except Gone:
                self._close(player, LEFT)
                return
            if not is_taken:
                self._close(player, TOO_SLOW)

    def _close(self, player: int, reason: str) -> None:
        if self._players.pop(player, None) is not None:
            self._dismiss(player, reason)


TRACKS = (VIDEO, SOUND)
"""What is played: the source as it comes."""
