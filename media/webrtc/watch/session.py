"""One watched session: its feed, what is made of it, and its viewers. There is one per session, however many watch."""

import asyncio
import secrets
import time
from collections.abc import Callable

import aiohttp
import structlog

from media.links.client import FeedLost, NoSuchFeed, open_feed
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
from media.packets import CodecConfig, Packet, TrackKind
from media.publication import Unavailable
from media.transcode.rungs import Rung
from media.webrtc.watch import metrics
from media.webrtc.watch.admission import Asked, NotNow, Sending
from media.webrtc.watch.choice import Choice, choose
from media.webrtc.watch.history import Unit
from media.webrtc.watch.making import Making, own_rung
from media.webrtc.watch.stream import Stream
from media.webrtc.watch.viewer import Viewer
from schemas.ids import SessionId

log = structlog.get_logger()

READY_S = 5.0
"""How long the first viewer waits for ingest to say what there is."""
LINGER_S = 10.0
"""How long the feed stays open without viewers: pages are reloaded."""
AWAY_S = 15.0
"""How long ingest may be away before the viewers are sent away too."""
OWN_AFTER_S = 1.5
"""How long a session's ladder gets to bring a rung that fits, before its source is coded again here."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 2.0
RETRY_S = 5
"""What a viewer is told to wait when there is nothing to see yet."""

_VIDEO, _AUDIO = TrackKind.VIDEO, TrackKind.AUDIO


class Slots:
    """How many sources may be coded again at the same time, in this process."""

    def __init__(self, count: int) -> None:
        self._free = count

    def take(self) -> bool:
        """Take one if there is one."""
        if not self._free:
            return False
        self._free -= 1
        metrics.encodes.inc()
        return True

    def give(self) -> None:
        """Give one back."""
        self._free += 1
        metrics.encodes.dec()


class WatchedSession:
    """Made for its first viewer. `run` must be running; it returns when nobody watches or the session is over."""

    def __init__(self, http: aiohttp.ClientSession, asked: Asked, slots: Slots) -> None:
        self.session_id: SessionId = asked.session_id
        self.viewers: set[Viewer] = set()
        self.is_over = False
        self.stream = Stream()
        self._channel_id = asked.channel_id
        self._http, self._origin_url, self._slots = http, asked.origin_url, slots
        self._choice = Choice()
        self._tracks: list[Track] = []
        self._is_ready = asyncio.Event()
        self._left = asyncio.Event()
        self._making: Making | None = None
        self._has_slot = False
        self._own_timer: asyncio.TimerHandle | None = None
        self._configs: dict[TrackKind, CodecConfig] = {}
        self._ssrcs = {kind: (secrets.randbits(32) | 1, secrets.randbits(32) & ~1) for kind in (_VIDEO, _AUDIO)}
        self._log = log.bind(session=asked.session_id, channel=asked.channel_id)
        self._refusal = ""
        self._closing: set[asyncio.Task[None]] = set()

    # --- viewers ---------------------------------------------------------------------------------------------

    async def admit(self, asked: Asked, on_gone: Callable[[], None]) -> Viewer:
        """Hold a place. Raises `NotNow` when there is nothing to see, or nothing that browsers can play."""
        try:
            async with asyncio.timeout(READY_S):
                await self._is_ready.wait()
        except TimeoutError as error:
            raise NotNow("The stream does not begin. Watch over HLS.", RETRY_S) from error
        if self.is_over or not self._choice.tracks:
            raise NotNow(self._refusal or "The stream is over.", RETRY_S)

        def gone(viewer: Viewer) -> None:
            self.viewers.discard(viewer)
            if not self.viewers:
                self._left.set()
            on_gone()

        viewer = Viewer(asked, self.stream, self._sendings(), gone)
        self.viewers.add(viewer)
        return viewer

    def _sendings(self) -> list[Sending]:
        """Both kinds, whatever there is now: what comes later needs no other answer."""
        record = next((each.config.record for each in self._tracks if each.name == self._choice.pictures), b"")
        profile = "" if self._choice.makes_pictures else record[1:4].hex()
        return [Sending(_VIDEO, *self._ssrcs[_VIDEO], profile), Sending(_AUDIO, self._ssrcs[_AUDIO][0])]

    def _show(self, kind: TrackKind, unit: Unit | None) -> None:
        if unit is not None:
            for viewer in tuple(self.viewers):
                viewer.show(kind, unit)

    def _end(self, reason: str) -> None:
        """Nothing more will come: all viewers go."""
        self.is_over = True
        self._refusal = self._refusal or reason
        self._is_ready.set()
        for viewer in tuple(self.viewers):
            viewer.end(reason)

    # --- the feed --------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Read the feed until nobody has watched for `LINGER_S`, or the session is over."""
        metrics.sessions.inc()
        reading = asyncio.create_task(self._read(), name=f"feed of {self.session_id}")
        unwatched = asyncio.create_task(self._until_unwatched(), name=f"viewers of {self.session_id}")
        try:
            done, _ = await asyncio.wait({reading, unwatched}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (reading, unwatched):
                task.cancel()
            await asyncio.wait({reading, unwatched})
            self._end("Nobody watches.")
            await self._close_making()
            metrics.sessions.dec()

    async def _until_unwatched(self) -> None:
        while True:
            self._left.clear()
            if self.viewers:
                await self._left.wait()
            await asyncio.sleep(LINGER_S)
            if not self.viewers:
                return

    async def _read(self) -> None:
        """Keep a feed of the right tracks open. Returns when the session is over, or ingest away for too long."""
        pause_s, away_since = FIRST_PAUSE_S, time.monotonic()
        while not self.is_over:
            try:
                tracks = self._choice.tracks
                async with open_feed(self._http, self._origin_url, self.session_id, tracks, is_urgent=True) as feed:
                    async for message in feed:
                        pause_s, away_since = FIRST_PAUSE_S, time.monotonic()
                        if self._take(message):
                            break
                continue
            except NoSuchFeed:
                self._end("The stream is over.")
                return
            except (FeedLost, Unavailable) as error:
                reason = str(error)
            self.stream.interrupt()
            if time.monotonic() - away_since > AWAY_S:
                self._end("The stream is not there. Watch over HLS.")
                return
            self._log.warning("feed lost", reason=reason, retry_in_s=pause_s)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _take(self, message: FromFeed) -> bool:
        """Take a message; return whether the feed must be opened again, for other tracks."""
        match message:
            case Media():
                self._take_media(message)
            case Tracks(tracks=tracks):
                return self._choose(tracks)
            case Configure():
                self._configure(message)
            case Break():
                self.stream.interrupt()
                if self._making is not None:
                    self._making.break_()
            case Shown(visibility):
                self._shown(is_public=visibility == "public")
            case Ended(reason):
                self._end(reason)
        return False

    def _take_media(self, media: Media) -> None:
        packet = media.packet
        is_video = packet.kind is _VIDEO
        if media.is_past and not is_video:
            return  # a GOP is worth it for the keyframe alone
        if self._choice.makes_pictures if is_video else self._choice.makes_sound:
            if self._making is not None:
                self._making.feed(packet)
            return
        self._take_coded(packet, is_past=media.is_past)

    def _take_coded(self, packet: Packet, *, is_past: bool = False) -> None:
        if not is_past:
            self.stream.clock(packet.kind, packet.pts, time.time())
        unit = self.stream.pictures(packet) if packet.kind is _VIDEO else self.stream.sound(packet)
        self._show(packet.kind, unit)

    def _configure(self, message: Configure) -> None:
        config = self._configs[message.config.kind] = message.config
        is_video = config.kind is _VIDEO
        if self._choice.makes_pictures if is_video else self._choice.makes_sound:
            if self._making is not None:
                self._making.feed_config(config)
        elif is_video:
            self.stream.configure(config)

    def _take_config(self, config: CodecConfig) -> None:
        """Take the configuration of what is made."""
        if config.kind is _VIDEO:
            self.stream.configure(config)

    def _shown(self, *, is_public: bool) -> None:
        """Viewers that were let in as everybody is go when that is over."""
        if not is_public:
            for viewer in tuple(self.viewers):
                if viewer.asked.is_public:
                    viewer.end("The stream is not public any more.")

    # --- what is chosen --------------------------------------------------------------------------------------

    def _choose(self, tracks: list[Track]) -> bool:
        """Choose among the tracks; return whether others must be asked for."""
        self._tracks = tracks
        choice = choose(tracks)
        if choice == self._choice and (choice.tracks or self._is_ready.is_set()):
            return False
        rung = None
        if choice.makes_pictures:
            source = next(each for each in tracks if each.name == choice.pictures)
            rung = own_rung(source)
            self._has_slot = self._has_slot or (rung is not None and self._slots.take())
            if not self._has_slot:
                choice = Choice()
                self._refusal = "This stream cannot be watched over WebRTC right now. Watch over HLS."
        is_other = choice.tracks != self._choice.tracks
        self._log.info("tracks chosen", **{name: getattr(choice, name) for name in choice.__struct_fields__})
        self._choice = choice
        self._retire_making()
        if choice.makes_pictures:
            self._own_timer = asyncio.get_running_loop().call_later(OWN_AFTER_S, self._make, choice, rung)
        elif choice.makes_sound:
            self._make(choice, None)
        self.stream.interrupt()
        if choice.tracks:
            self._refusal = ""
        if choice.tracks or self._refusal:
            self._is_ready.set()
        return is_other

    def _make(self, choice: Choice, rung: Rung | None) -> None:
        self._making = Making(
            rung,
            with_sound=choice.makes_sound,
            take_config=self._take_config,
            take=self._take_coded,
            lost=self._making_lost,
            channel=self._channel_id,
        )
        for config in self._configs.values():
            self._making.feed_config(config)

    def _making_lost(self, what: str) -> None:
        self._log.error("nothing is made for viewers any more", what=what)
        if what == "pictures":
            self._end("This stream cannot be watched over WebRTC right now. Watch over HLS.")

    def _retire_making(self) -> None:
        making, self._making = self._making, None
        if self._own_timer is not None:
            self._own_timer.cancel()
        if self._has_slot and not self._choice.makes_pictures:
            self._slots.give()
            self._has_slot = False
        if making is not None:
            task = asyncio.create_task(making.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def _close_making(self) -> None:
        self._choice = Choice()
        self._retire_making()
        if self._closing:
            await asyncio.wait(self._closing)
