"""A session's packets for whoever wants them live: players of SRT and RTMP, and the processes beside ingest.

`Pipeline` feeds it with what is in media time: the source, the sound that is made of it, the rungs, and the slates that
are shown instead. Nobody has to wait for a keyframe: the GOP that runs is kept, of every track, within bounds.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable
from heapq import merge

import msgspec
import structlog

from media.codecs import frame_rate
from media.links.messages import (
    Break,
    Configure,
    Ended,
    FromFeed,
    Media,
    Shown,
    Track,
    Tracks,
)
from media.packets import VIDEO_TIMESCALE, CodecConfig, Packet, TrackKind
from media.publication import Unavailable
from schemas.access import Visibility
from schemas.ids import ChannelId, SessionId

log = structlog.get_logger()

MAX_GOP_S = 10.0
"""A GOP that is longer is not kept: who comes then waits for the next."""
MAX_GOP_BYTES = 12 << 20
"""Nor is one that is larger: 5 s of 20 Mbit/s."""
MAX_SOUND_S = 12.0
"""Sound is kept from where the oldest GOP begins, at most this much."""
SOUND_ALONE_S = 1.0
"""How much sound is kept where there are no pictures."""
MAX_SUBSCRIBERS = 256
"""Of one session."""

_VIDEO_KIND = TrackKind.VIDEO

Take = Callable[[FromFeed], None]
"""Takes the next message; must not wait, must not change a packet (others have the same)."""


class Feeds:
    """One session's tracks. Everything is for the loop's thread."""

    def __init__(
        self, session_id: SessionId, channel_id: ChannelId, channel_name: str, visibility: Visibility = "public"
    ) -> None:
        self._session_id, self._channel_id, self._channel_name = session_id, channel_id, channel_name
        self._visibility = visibility
        self._lines: dict[str, _Line] = {}
        self._rates: dict[str, float] = {}
        self._subscribers: tuple[_Subscriber, ...] = ()
        self._has_ended = False
        self.is_urgent = False
        """Whether somebody wants each packet as soon as it is there."""

    @property
    def subscribers(self) -> int:
        """How many there are."""
        return len(self._subscribers)

    @property
    def kept_bytes(self) -> int:
        """What is kept for those who come."""
        return sum(line.kept_bytes for line in self._lines.values())

    def subscribe(self, tracks: Collection[str], take: Take, *, is_urgent: bool = False) -> Callable[[], None]:
        """Give `take` these tracks from the running GOP on, until the function that is returned is called.

        `is_urgent`: a twentieth of a second matters, so what the publisher sends is not to wait for more of it.

        Before it returns `take` gets `Tracks` and `Shown`, then of each track `Configure` and the past packets, all of
        them in the order of their times. A `take` that raises is left out from then on. Raises `Unavailable` when the
        session has ended or has `MAX_SUBSCRIBERS`.
        """
        if self._has_ended or len(self._subscribers) >= MAX_SUBSCRIBERS:
            raise Unavailable("the session has ended" if self._has_ended else "too many feeds of this session")
        subscriber = _Subscriber(frozenset(tracks), take, is_urgent)
        self._seat((*self._subscribers, subscriber))
        self._tell(subscriber, self._tracks())
        self._tell(subscriber, Shown(self._visibility))
        asked = [line for name, line in self._lines.items() if name in subscriber.tracks]
        for line in asked:
            self._tell(subscriber, Configure(line.name, line.config))
        for _, name, packet in self._past(asked):
            self._tell(subscriber, Media(name, packet, is_past=True))
        subscriber.begun.update(line.name for line in asked if line.kept)
        return lambda: self._leave(subscriber)

    def _past(self, lines: "Iterable[_Line]") -> "Iterable[tuple[float, str, Packet]]":
        """What is kept of these in the order of their times, sound from where the first picture is shown."""
        pictures = [line for line in lines if line.is_video and line.kept]
        since = min((line.start_s for line in pictures), default=0.0)
        parts = [[each for each in line.past() if line.is_video or each[0] >= since] for line in lines]
        return merge(*parts, key=lambda each: each[0])

    def _leave(self, subscriber: "_Subscriber") -> None:
        if not subscriber.has_left:
            subscriber.has_left = True
            self._seat(tuple(each for each in self._subscribers if each is not subscriber))

    def _seat(self, subscribers: "tuple[_Subscriber, ...]") -> None:
        self._subscribers = subscribers
        self.is_urgent = any(each.is_urgent for each in subscribers)

    def _tell(self, subscriber: "_Subscriber", message: FromFeed) -> None:
        if subscriber.has_left:
            return
        try:
            subscriber.take(message)
        except Exception:  # ends this feed; the session and the other feeds must go on
            log.exception("feed failed", session=self._session_id)
            self._leave(subscriber)

    def _tell_all(self, message: FromFeed) -> None:
        for subscriber in self._subscribers:
            self._tell(subscriber, message)

    def _tracks(self) -> Tracks:
        tracks = [
            Track(
                name,
                line.config,
                is_reordered=line.is_reordered,
                frame_rate=self._rates.get(name) or (frame_rate(line.config) if line.is_video else 0.0),
            )
            for name, line in self._lines.items()
        ]
        return Tracks(self._session_id, self._channel_id, self._channel_name, tracks)

    # --- the pipeline calls these ------------------------------------------------------------------------------

    def configure(self, track: str, config: CodecConfig) -> None:
        """The track's packets need this configuration from here on, the first of pictures is a keyframe."""
        line = self._lines.get(track)
        if line is not None and line.config == config:
            return
        self._lines[track] = _Line(track, config)
        self._tell_all(self._tracks())
        message = Configure(track, config)
        for subscriber in self._subscribers:
            subscriber.begun.discard(track)
            if track in subscriber.tracks:
                self._tell(subscriber, message)

    def expect_rate(self, track: str, frames_per_s: float) -> None:
        """A track's frame rate, as it was measured or chosen."""
        if frames_per_s != self._rates.get(track, 0.0):
            self._rates[track] = frames_per_s
            if track in self._lines:
                self._tell_all(self._tracks())

    def push(self, track: str, packet: Packet) -> None:
        """The track's next packet; without a configuration before it, it is left out."""
        line = self._lines.get(track)
        if line is None or not line.keep(packet):
            return
        if packet.kind is _VIDEO_KIND:
            if packet.is_keyframe:
                self._forget_sound()
            elif line.finds_reordering(packet):
                self._tell_all(self._tracks())
        elif len(line.kept) > 1:
            line.forget_before(line.end_s - (MAX_SOUND_S if self._has_pictures else SOUND_ALONE_S))
        if self._subscribers:
            self._hand_out(track, packet)

    def _hand_out(self, track: str, packet: Packet) -> None:
        message: Media | None = None
        for subscriber in self._subscribers:
            if track not in subscriber.tracks:
                continue
            if track not in subscriber.begun:
                if packet.kind is _VIDEO_KIND and not packet.is_keyframe:
                    continue  # a decoder could not begin here
                subscriber.begun.add(track)
            message = message or Media(track, packet)
            self._tell(subscriber, message)

    @property
    def _has_pictures(self) -> bool:
        return any(line.is_video for line in self._lines.values())

    def _forget_sound(self) -> None:
        """A GOP begins: the sound before the oldest that is kept belongs to none."""
        since = min(line.start_s for line in self._lines.values() if line.is_video and line.kept)
        for line in self._lines.values():
            if not line.is_video:
                line.forget_before(since)

    def break_(self, reason: str) -> None:
        """What follows does not join on any track."""
        for line in self._lines.values():
            line.begin_again()
        message = Break(reason)
        for subscriber in self._subscribers:
            subscriber.begun.clear()
            self._tell(subscriber, message)

    def lose(self, track: str) -> None:
        """The track is gone for ever."""
        if self._lines.pop(track, None) is not None:
            self._tell_all(self._tracks())

    def show_to(self, visibility: Visibility) -> None:
        """These may watch from now on."""
        if visibility != self._visibility:
            self._visibility = visibility
            self._tell_all(Shown(visibility))

    def end(self, reason: str) -> None:
        """The session is over; the first call counts."""
        if self._has_ended:
            return
        self._has_ended = True
        self._tell_all(Ended(reason))
        for subscriber in self._subscribers:
            self._leave(subscriber)
        self._lines.clear()


class _Subscriber(msgspec.Struct, eq=False):
    """Who takes which tracks. `begun`: those that have come to a place where a decoder can begin."""

    tracks: frozenset[str]
    take: Take
    is_urgent: bool
    begun: set[str] = msgspec.field(default_factory=set)
    has_left: bool = False


class _Line:
    """One track, and what is kept of it: the running GOP, or the sound of the running GOPs."""

    def __init__(self, name: str, config: CodecConfig) -> None:
        self.name, self.config = name, config
        self.is_video = config.kind is _VIDEO_KIND
        self.kept: deque[Packet] = deque()
        self.kept_bytes = 0
        self.is_reordered = False
        self._scale = VIDEO_TIMESCALE if self.is_video else config.sample_rate or VIDEO_TIMESCALE
        self._is_open = not self.is_video  # what comes next is of a GOP that has begun
        self._is_kept = True
        self._latest_pts = 0

    @property
    def start_s(self) -> float:
        """When the first of what is kept is shown."""
        return self.kept[0].pts / self._scale

    @property
    def end_s(self) -> float:
        """When the last of what is kept is shown."""
        return self.kept[-1].pts / self._scale

    def past(self) -> list[tuple[float, str, Packet]]:
        """What is kept, with decode times in seconds."""
        return [(packet.dts / self._scale, self.name, packet) for packet in self.kept]

    def keep(self, packet: Packet) -> bool:
        """Keep the next packet, within bounds; return False when it leans on what is not there."""
        if self.is_video and packet.is_keyframe:
            self.kept.clear()
            self.kept_bytes, self._is_open, self._is_kept, self._latest_pts = 0, True, True, packet.pts
        elif not self._is_open:
            return False
        if self._is_kept:
            self.kept.append(packet)
            self.kept_bytes += len(packet.data)
            if self.is_video and (self.kept_bytes > MAX_GOP_BYTES or self.end_s - self.start_s > MAX_GOP_S):
                self._is_kept = False
                self.kept.clear()
                self.kept_bytes = 0
        return True

    def finds_reordering(self, packet: Packet) -> bool:
        """Whether this picture, not a keyframe, shows for the first time that they are not shown as decoded."""
        if packet.pts >= self._latest_pts:
            self._latest_pts = packet.pts
            return False
        found, self.is_reordered = not self.is_reordered, True
        return found

    def forget_before(self, since_s: float) -> None:
        """Let go of sound from before this media time."""
        since = since_s * self._scale
        while self.kept and self.kept[0].pts < since:
            self.kept_bytes -= len(self.kept.popleft().data)

    def begin_again(self) -> None:
        """Nothing joins what was kept."""
        self.kept.clear()
        self.kept_bytes, self._is_open = 0, not self.is_video
